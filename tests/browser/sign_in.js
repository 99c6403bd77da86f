// An authorization server and an MCP server behind it that are one function, and a user who agrees.

const JSON_TYPE = { "content-type": "application/json" };
const json = (value, status = 200, more = {}) => new Response(JSON.stringify(value), { status, headers: { ...JSON_TYPE, ...more } });

/**
 * `control.log`: a line for each request; `control.blocks`: the browser opens no window; `control.opened`: how many it
 * has; `control.holds`: the user agrees by `control.agree()` only; `control.expire()`: the token is not good any more. `guarded` is the MCP server.
 */
export function guardedServer(control, guarded) {
  let codes = 0;
  let good;
  let challenge;
  Object.assign(control, { log: [], opened: 0 });
  control.expire = () => (good = undefined);
  // What the window shows: the user agrees at once, and is at the callback page.
  control.open = () => {
    if (control.blocks) return null;
    control.opened++;
    const shown = { closed: false, focus() {}, close: () => (shown.closed = true), location: { href: "about:blank" } };
    shown.location.replace = (address) => {
      const { searchParams } = new URL(address);
      control.log.push(`authorize ${searchParams.get("client_id")} ${searchParams.get("resource")}`);
      challenge = searchParams.get("code_challenge");
      const back = new URL(searchParams.get("redirect_uri"));
      back.searchParams.set("code", `code-${++codes}`);
      back.searchParams.set("state", searchParams.get("state"));
      control.agree = () => (shown.location.href = back.href);
      if (!control.holds) control.agree();
    };
    return shown;
  };
  return async (input, init) => {
    const { origin, pathname } = new URL(input, location.href);
    const issuer = "https://login.test";
    if (pathname.startsWith("/.well-known/oauth-protected-resource")) {
      return json({ resource: `${location.origin}/guarded`, authorization_servers: [issuer] });
    }
    if (origin === issuer) {
      const metadata = { issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, registration_endpoint: `${issuer}/register`, revocation_endpoint: `${issuer}/revoke`, code_challenge_methods_supported: ["S256"], token_endpoint_auth_methods_supported: ["none"] };
      if (pathname === "/.well-known/oauth-authorization-server") return json(metadata);
      if (pathname === "/register") {
        control.log.push(`register ${JSON.parse(init.body).client_name}`);
        return json({ client_id: "the-page" }, 201);
      }
      if (pathname === "/token") {
        const form = new URLSearchParams(init.body);
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(form.get("code_verifier"))));
        const said = btoa(String.fromCharCode(...digest)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
        if (said !== challenge) return json({ error: "invalid_grant" }, 400);
        control.log.push(`token ${form.get("code")}`);
        good = `token-${codes}`;
        return json({ access_token: good, token_type: "Bearer", expires_in: 3600 });
      }
      if (pathname === "/revoke") {
        control.log.push(`revoke ${new URLSearchParams(init.body).get("token")}`);
        return json({});
      }
      return new Response("", { status: 404 });
    }
    if (good === undefined || new Headers(init.headers).get("authorization") !== `Bearer ${good}`) {
      return new Response("", { status: 401, headers: { "www-authenticate": 'Bearer error="invalid_token"' } });
    }
    return guarded(input, init);
  };
}
