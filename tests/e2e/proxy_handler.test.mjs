// The handler of `mcp-evergreen/proxy`, in Node: what it refuses, what it passes on, and what it hands back.

import assert from "node:assert/strict";
import { Agent, createServer, request as httpRequest } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { installed } from "./lib/install.mjs";
import { listen } from "./lib/ports.mjs";
import { until } from "./lib/until.mjs";

const { createProxy, nodeListener } = await import(pathToFileURL(`${await installed()}/node_modules/mcp-evergreen/proxy.js`));

const PROXY = "https://host.example/mcp-proxy";
const bounded = { timeout: 30_000 };

/** Names as a resolver of this table knows them; others are public. */
const NAMES = {
  "127.0.0.1.nip.io": ["127.0.0.1"],
  "rebound.example.com": ["93.184.216.34", "10.0.0.7"],
  "six.example.com": ["fd00::7"],
  "zone.example.com": ["fe80::1%eth0"],
  "mapped.example.com": ["::ffff:192.168.0.1"],
  "nat64.example.com": ["64:ff9b::c0a8:1"],
  "metadata.example.com": ["169.254.169.254"],
  "nowhere.example.com": [],
  "odd.example.com": ["localhost"],
};

/** Lets everybody go anywhere; whatever it would contact is counted. */
function trap(options = {}) {
  const contacted = [];
  const fetch = async (url, init) => {
    contacted.push(url);
    return options.answer?.(url, init) ?? new Response("{}", { headers: { "content-type": "application/json" } });
  };
  const { answer: _, ...more } = options;
  const handler = createProxy({ authorize: () => true, resolve: async (name) => NAMES[name] ?? ["93.184.216.34"], fetch, ...more });
  return { contacted, handler };
}

function ask(target, { headers, method = "POST", ...init } = {}) {
  const body = method === "POST" ? "{}" : undefined;
  return new Request(PROXY, { method, body, ...init, headers: { "content-type": "application/json", "evergreen-target": target, ...headers } });
}

async function refusal(response) {
  const { error, message } = await response.json();
  return { status: response.status, mark: response.headers.get("evergreen-proxy"), error, message };
}

// ── What it refuses ──

const REFUSED = {
  private_target: [
    // Loopback and this host, as inet_aton and RFC 3986 know them.
    "https://127.0.0.1/mcp", "https://127.1/mcp", "https://127.0.1/mcp", "https://2130706433/mcp", "https://0x7f000001/mcp", "https://0x7f.1/mcp",
    "https://0177.0.0.1/mcp", "https://017700000001/mcp", "https://127.0.0.1./mcp", "https://127.255.255.254/mcp", "https://0/mcp", "https://0.0.0.0/mcp", "https://0x0/mcp",
    "https://%31%32%37.0.0.1/mcp", "https://127%E3%80%820%E3%80%820%E3%80%821/mcp",
    "https://%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1/mcp", "https://%E2%91%A0%E2%91%A1%E2%91%A6.0.0.1/mcp",
    // Private, shared, link-local.
    "https://10.0.0.1/mcp", "https://10.1/mcp", "https://012.0.0.1/mcp", "https://167772161/mcp", "https://172.16.0.1/mcp", "https://172.31.255.255/mcp",
    "https://192.168.1.1/mcp", "https://192.168.257/mcp", "https://3232235777/mcp", "https://0xc0a80101/mcp", "https://100.64.0.1/mcp", "https://100.127.255.254/mcp",
    "https://169.254.169.254/latest/meta-data", "https://0xA9FEA9FE/", "https://2852039166/",
    // Everything else that nobody can be at.
    "https://192.0.0.8/", "https://192.0.2.1/", "https://192.88.99.1/", "https://198.18.0.1/", "https://198.19.255.255/", "https://198.51.100.7/", "https://203.0.113.9/",
    "https://224.0.0.1/", "https://239.255.255.250/", "https://240.0.0.1/", "https://255.255.255.255/",
    // IPv6, and IPv4 within it.
    "https://[::1]/mcp", "https://[0:0:0:0:0:0:0:1]/mcp", "https://[::]/mcp", "https://[::127.0.0.1]/mcp", "https://[::ffff:127.0.0.1]/mcp", "https://[::ffff:7f00:1]/mcp",
    "https://[::FFFF:10.0.0.1]/mcp", "https://[::ffff:0:127.0.0.1]/mcp", "https://[::ffff:8.8.8.8]/mcp", "https://[64:ff9b::127.0.0.1]/mcp", "https://[64:ff9b::a00:1]/mcp",
    "https://[64:ff9b:1::7f00:1]/mcp", "https://[2002:7f00:1::]/mcp", "https://[2002:c0a8:101::1]/mcp", "https://[2001:0:7f00:1::1]/mcp", "https://[fc00::1]/mcp", "https://[fd12:3456:789a::1]/mcp",
    "https://[fe80::1]/mcp", "https://[febf::1]/mcp", "https://[fec0::1]/mcp", "https://[ff02::1]/mcp", "https://[ff0e::1]/mcp", "https://[2001:db8::1]/mcp", "https://[3fff::1]/mcp",
    "https://[100::1]/mcp", "https://[5f00::1]/mcp", "https://[4000::1]/mcp",
    // Names of this host and of local networks.
    "https://localhost/mcp", "https://LOCALHOST/mcp", "https://localhost./mcp", "https://localhost../mcp", "https://app.localhost/mcp", "https://printer.local/mcp", "https://metadata.google.internal/mcp",
    "https://router/mcp", "https://kubernetes.default.svc.internal/mcp", "https://nas.lan/mcp", "https://tv.home.arpa/mcp", "https://wiki.corp/mcp", "https://hidden.onion/mcp",
    "https://%6c%6f%63%61%6c%68%6f%73%74/mcp", "https://loc%EF%BD%81lhost/mcp",
    // Names that lead home.
    "https://127.0.0.1.nip.io/mcp", "https://rebound.example.com/mcp", "https://rebound.example.com./mcp", "https://six.example.com/mcp", "https://zone.example.com/mcp", "https://mapped.example.com/mcp", "https://nat64.example.com/mcp",
    "https://metadata.example.com/mcp", "https://odd.example.com/mcp",
  ],
  scheme: ["http://mcp.example.com/mcp", "ftp://mcp.example.com/mcp", "file:///etc/passwd", "ws://mcp.example.com/mcp", "wss://mcp.example.com/mcp", "javascript:alert(1)", "data:text/plain,x", "blob:https://mcp.example.com/x", "gopher://mcp.example.com:70/"],
  port: ["https://mcp.example.com:22/mcp", "https://mcp.example.com:80/mcp", "https://mcp.example.com:8443/mcp", "https://mcp.example.com:25/mcp", "https://mcp.example.com:65535/mcp"],
  bad_target: ["", "/mcp", "mcp.example.com", "https://", "https://[::1", "https://256.0.0.1/", "https://mcp.example.com:99999/", "https://me@mcp.example.com/mcp", "https://mcp.example.com:443@127.0.0.1/", "https://me:secret@mcp.example.com/mcp", `https://mcp.example.com/${"x".repeat(5_000)}`],
  unresolved: ["https://nowhere.example.com/mcp"],
};
const STATUS = { bad_target: 400, unresolved: 502 };

for (const [reason, targets] of Object.entries(REFUSED)) {
  test(`refused as ${reason}, in words, and never contacted: ${targets.length} targets`, bounded, async () => {
    const { contacted, handler } = trap();
    for (const target of targets) {
      for (const method of ["POST", "GET", "DELETE"]) {
        const response = await handler(ask(target, { method }));
        const { message, ...told } = await refusal(response);
        assert.deepEqual(told, { status: STATUS[reason] ?? 403, mark: `refused ${reason}`, error: reason }, target);
        assert.ok(message.length > 20 && !message.includes("secret"), message);
      }
    }
    assert.deepEqual(contacted, []);
  });
}

test("what is public is gone to, also where it looks like what is not", bounded, async () => {
  const targets = [
    "https://mcp.example.com/mcp", "https://1.1.1.1/", "https://9.255.255.255/", "https://11.0.0.1/", "https://100.63.255.255/", "https://100.128.0.1/", "https://126.255.255.255/", "https://128.0.0.1/", "https://169.253.0.1/", "https://172.15.0.1/", "https://172.32.0.1/",
    "https://192.0.1.1/", "https://192.167.0.1/", "https://192.169.0.1/", "https://198.20.0.1/", "https://223.255.255.255/", "https://[2606:4700::1111]/", "https://[2001:200::1]/", "https://[2a00::1]/", "https://[64:ff9b::808:808]/",
    "https://localhost.example.com/", "https://mylocal.com/", "https://10.0.0.1.example.com/", "https://xn--bcher-kva.com/", "https://mcp.example.com:443/mcp",
  ];
  const { contacted, handler } = trap();
  for (const target of targets) assert.equal((await handler(ask(target))).headers.get("evergreen-proxy"), "relayed", target);
  assert.deepEqual(contacted, targets.map((target) => new URL(target).href));
});

test("a proxy that anybody could send anything anywhere with does not start, nor does one that is told nonsense", bounded, () => {
  for (const options of [undefined, {}, { targets: [] }, { targets: "*" }, { targets: ["*"] }, { targets: ["https://"] }, { targets: ["mcp.example.com"] }, { targets: ["ftp://mcp.example.com"] }, { targets: ["https://a:b@mcp.example.com"] }, { authorize: true }, { origins: ["https://app.example"] }]) {
    assert.throws(() => createProxy(options), TypeError, JSON.stringify(options));
  }
  assert.throws(() => createProxy({ targets: ["http://127.0.0.1:3000"] }), /allowPrivateTargets/);
  assert.throws(() => createProxy({ targets: ["http://169.254.169.254"], allowPrivateTargets: true }), /targets\[0\]/);
  const good = { targets: ["https://mcp.example.com"] };
  for (const [name, value] of Object.entries({ target: [], ports: [0], origins: ["https://app.example/"], passHeaders: ["Cookie"], headTimeout: 0, maxRequestBytes: "1", maxResponseBytes: -1, allowPrivateTargets: "yes", resolve: 5, onerror: 5 })) {
    assert.throws(() => createProxy({ ...good, [name]: value }), (error) => error instanceof TypeError && error.message.startsWith(name), name);
  }
  for (const name of ["Set-Cookie", "X-Forwarded-For", "Origin", "Evergreen-Authorization", "Host", "Transfer-Encoding"]) {
    assert.throws(() => createProxy({ ...good, passHeaders: [name] }), /never passed/);
  }
});

test("of a listed target all below its path is, and the metadata of OAuth; of a listed origin everything", bounded, async () => {
  const { contacted, handler } = trap({ authorize: undefined, targets: ["https://mcp.example.com/mcp", "https://as.example.com", "http://plain.example.com:8080/"] });
  const mark = async (target, method = "POST") => (await handler(ask(target, { method }))).headers.get("evergreen-proxy");
  const listed = ["https://mcp.example.com/mcp", "https://mcp.example.com/mcp/", "https://mcp.example.com/mcp/x?y=z", "https://as.example.com/token", "https://as.example.com/", "http://plain.example.com:8080/mcp"];
  for (const target of listed) assert.equal(await mark(target), "relayed", target);
  const metadata = ["https://mcp.example.com/.well-known/oauth-protected-resource/mcp", "https://mcp.example.com/.well-known/oauth-authorization-server", "https://mcp.example.com/x/.well-known/openid-configuration"];
  for (const target of metadata) {
    assert.equal(await mark(target, "GET"), "relayed", target);
    assert.equal(await mark(target), "refused not_listed", target);
  }
  contacted.length = 0;
  for (const target of [
    "https://mcp.example.com/", "https://mcp.example.com/mcpx", "https://mcp.example.com/admin", "https://mcp.example.com/mcp/../admin", "https://mcp.example.com/mcp/%2e%2e/admin", "https://mcp.example.com/mcp/..%2fadmin",
    "https://mcp.example.com/mcp/..%5cadmin", "https://mcp.example.com/mcp/%252e%252e%252fadmin", "https://evil.example.com/mcp", "https://mcp.example.com.evil.com/mcp",
    "https://1.1.1.1/mcp",
  ]) {
    assert.equal(await mark(target), "refused not_listed", target);
  }
  assert.equal(await mark("http://mcp.example.com/mcp"), "refused scheme");
  assert.equal(await mark("https://mcp.example.com:8443/mcp"), "refused port");
  assert.deepEqual(contacted, []);
});

/** Ways out of the listed path, each tried below it and below what is metadata. */
const WAYS_OUT = [
  "..%2f..%2fadmin", "..%2F..%2Fadmin", "..%5cadmin", "..%5C..%5Cadmin", "%2e%2e%5cadmin", "%2E%2E%2fadmin", ".%2e%2fadmin", "%252e%252e%252fadmin", "x%2f..%2f..%2fadmin",
  "..;/admin", "..;x=y/admin", "..%3b/admin", "..%3B/admin", ".%3b/admin", "x%3by/admin", "..%20/admin", ".../admin", "..%00/admin", "x%00/admin", "%09/admin", "..%0d%0aadmin", "x%7f/admin", "%c2%85/admin",
  "%c0%ae%c0%ae/admin", "%c0%ae%c0%ae%c0%afadmin", "%e0%80%ae%e0%80%ae/admin", "%f0%80%80%ae/admin", "%c0%2e/admin", "%u002e%u002e/admin", "%ff/admin", "%/admin",
  "%ef%bc%8e%ef%bc%8e/admin", "%ef%bc%852f/admin", "..%ef%bc%8fadmin", "%e2%80%a5/admin", "..%ef%bc%9b/admin", "%ef%bc%bcadmin", "..%3f/admin", "..%23/admin",
];
const BELOW = [["/mcp", "POST"], ["/mcp", "GET"], ["/.well-known/oauth-protected-resource", "GET"], ["/.well-known/oauth-authorization-server/mcp", "GET"]];

test(`a path that a server could read as another one is refused in words, and never contacted: ${WAYS_OUT.length * BELOW.length} of them`, bounded, async () => {
  const { contacted, handler } = trap({ authorize: undefined, targets: ["https://mcp.example.com/mcp"] });
  for (const [base, method] of BELOW) {
    for (const way of WAYS_OUT) {
      const { message, ...told } = await refusal(await handler(ask(`https://mcp.example.com${base}/${way}`, { method })));
      assert.deepEqual(told, { status: 403, mark: "refused not_listed", error: "not_listed" }, `${base}/${way}`);
      assert.match(message, /read as another one/, `${base}/${way}`);
    }
  }
  const discovery = "https://mcp.example.com/..%2fadmin%3f/.well-known/openid-configuration";
  assert.equal((await refusal(await handler(ask(discovery, { method: "GET" })))).mark, "refused not_listed");
  assert.deepEqual(contacted, []);
});

test("a path that every server reads alike is gone to; of a listed origin every path is", bounded, async () => {
  const { contacted, handler } = trap({ authorize: undefined, targets: ["https://mcp.example.com/mcp", "https://all.example.com"] });
  const targets = [
    "https://mcp.example.com/mcp/a.b/.x/x..", "https://mcp.example.com/mcp/caf%C3%A9/%E2%9C%93/a%20b;v=1", "https://mcp.example.com/mcp?path=..%2f..%2fadmin",
    "https://all.example.com/projects/a%2Fb/mcp", "https://all.example.com/..;/x%00",
  ];
  for (const target of targets) assert.equal((await handler(ask(target))).headers.get("evergreen-proxy"), "relayed", target);
  assert.deepEqual(contacted, targets);
});

test("`authorize` alone decides who may, by what only the proxy is told; with `targets`, both must agree", bounded, async () => {
  const asked = [];
  const authorize = async (request, { target }) => {
    asked.push([request.headers.get("evergreen-authorization"), target.href, request.body]);
    return request.headers.get("evergreen-authorization") === "Bearer mine";
  };
  const { contacted, handler } = trap({ authorize, targets: ["https://mcp.example.com"] });
  const mark = async (target, credential) => (await handler(ask(target, { headers: credential && { "evergreen-authorization": credential } }))).headers.get("evergreen-proxy");
  assert.equal(await mark("https://mcp.example.com/mcp"), "refused not_authorized");
  assert.equal(await mark("https://mcp.example.com/mcp", "Bearer other"), "refused not_authorized");
  assert.equal(await mark("https://elsewhere.example.com/mcp", "Bearer mine"), "refused not_listed");
  assert.deepEqual(contacted, []);
  assert.equal(await mark("https://mcp.example.com/mcp", "Bearer mine"), "relayed");
  assert.deepEqual(asked.at(-1), ["Bearer mine", "https://mcp.example.com/mcp", null]);
  for (const given of [undefined, null, 1, "true", {}]) {
    assert.equal((await trap({ authorize: () => given }).handler(ask("https://mcp.example.com/mcp"))).status, 403, String(given));
  }
  const told = [];
  const broken = trap({ authorize: () => { throw new Error("the database is gone"); }, onerror: (error) => told.push(error.message) });
  const { message, ...rest } = await refusal(await broken.handler(ask("https://mcp.example.com/mcp")));
  assert.deepEqual(rest, { status: 500, mark: "refused authorize_failed", error: "authorize_failed" });
  assert.doesNotMatch(message, /database/);
  assert.deepEqual([told, broken.contacted], [["the database is gone"], []]);
});

test("other methods, requests for nobody, and fields that are not passed are refused in words", bounded, async () => {
  const { contacted, handler } = trap();
  for (const method of ["PUT", "PATCH", "HEAD"]) {
    const response = await handler(ask("https://mcp.example.com/mcp", { method }));
    assert.deepEqual([response.status, response.headers.get("allow")], [405, "GET, POST, DELETE"]);
  }
  const nobody = await refusal(await handler(new Request(PROXY)));
  assert.deepEqual([nobody.status, nobody.error], [400, "no_target"]);
  assert.match(nobody.message, /mcp-evergreen/);
  const field = ask("https://mcp.example.com/mcp", { headers: { "x-api-key": "k", "evergreen-pass": "x-api-key" } });
  assert.equal((await handler(field)).headers.get("evergreen-proxy"), "refused header_not_passed");
  assert.deepEqual(contacted, []);
  const other = trap({ origins: ["https://app.example"] });
  const from = (origin) => other.handler(ask("https://mcp.example.com/mcp", { headers: { origin } }));
  assert.equal((await from("https://evil.example")).headers.get("evergreen-proxy"), "refused origin");
  assert.equal((await from("https://app.example")).headers.get("evergreen-proxy"), "relayed");
});

test("preflights are answered by itself; what comes can be read by any page, refusals too", bounded, async () => {
  const { contacted, handler } = trap({ answer: () => new Response("{}", { headers: { "mcp-session-id": "s1", "mcp-future": "x", "access-control-allow-origin": "https://nobody.example", "access-control-allow-credentials": "true" } }) });
  const asked = "content-type,evergreen-target,mcp-param-x,x-api-key";
  const preflight = await handler(new Request(PROXY, { method: "OPTIONS", headers: { origin: "https://app.example", "access-control-request-method": "POST", "access-control-request-headers": asked } }));
  assert.equal(preflight.status, 204);
  assert.deepEqual(["origin", "methods", "headers"].map((name) => preflight.headers.get(`access-control-allow-${name}`)), ["*", "GET, POST, DELETE", asked]);
  assert.deepEqual(contacted, []);
  for (const target of ["https://mcp.example.com/mcp", "https://127.0.0.1/"]) {
    const { headers } = await handler(ask(target, { headers: { origin: "https://app.example" } }));
    assert.equal(headers.get("access-control-allow-origin"), "*");
    assert.equal(headers.get("access-control-allow-credentials"), null);
    for (const name of ["mcp-session-id", "www-authenticate", "retry-after", "location", "evergreen-proxy"]) {
      assert.ok(headers.get("access-control-expose-headers").includes(name), name);
    }
    assert.equal(headers.get("cache-control"), "no-store", "one address stands for many");
  }
  const { headers } = await handler(ask("https://mcp.example.com/mcp"));
  assert.match(headers.get("access-control-expose-headers"), /mcp-future/);
});

// ── What it passes on ──

/** A server on loopback behind a proxy on loopback, both of node:http. */
async function behind(t, onrequest, options = {}) {
  const seen = [];
  const target = createServer(async (req, res) => {
    res.on("error", () => {});
    seen.push(req);
    // One that breaks off is the proxy's doing, and asserted on.
    await Promise.resolve(onrequest(req, res)).catch((error) => assert.equal(error.code, "ECONNRESET"));
  });
  const port = await listen(target);
  const handler = createProxy({ targets: [`http://localhost:${port}`], allowPrivateTargets: true, ...(typeof options === "function" ? options(port) : options) });
  const server = createServer(nodeListener(handler));
  const proxy = `http://127.0.0.1:${await listen(server)}/`;
  t.after(() => {
    for (const one of [target, server]) {
      one.closeAllConnections();
      one.close();
    }
  });
  const send = (path = "/mcp", { headers, ...init } = {}) =>
    fetch(proxy, { method: "POST", body: "{}", redirect: "manual", ...init, headers: { "content-type": "application/json", "evergreen-target": `http://localhost:${port}${path}`, ...headers } });
  return { seen, send, handler, proxy, port };
}

const body = async (req) => {
  let text = "";
  for await (const chunk of req) text += chunk;
  return text;
};

test("what MCP needs goes through, and nothing else, in either direction", bounded, async (t) => {
  const given = {
    accept: "application/json, text/event-stream", authorization: "Bearer server's", "mcp-session-id": "s1", "mcp-protocol-version": "2025-11-25",
    "mcp-method": "tools/call", "mcp-name": "echo", "mcp-param-region": "eu", "last-event-id": "e1", "x-api-key": "k",
  };
  const dropped = {
    cookie: "login=1", origin: "https://app.example", referer: "https://app.example/x", "x-forwarded-for": "10.0.0.1", "x-forwarded-host": "inner", "x-real-ip": "10.0.0.1", forwarded: "for=10.0.0.1", via: "1.1 inner",
    "x-other": "o", "evergreen-authorization": "Bearer proxy's", "evergreen-pass": "x-api-key", "cf-connecting-ip": "10.0.0.1", "sec-fetch-site": "cross-site", "accept-language": "de", range: "bytes=0-1",
  };
  let said;
  const { seen, send, port } = await behind(t, async (req, res) => {
    said = await body(req);
    res.writeHead(201, {
      "content-type": "application/json; charset=utf-8", "mcp-session-id": "s2", "www-authenticate": "Bearer realm=x", "retry-after": "3", "mcp-future": "y",
      "set-cookie": ["a=b", "c=d"], "x-forwarded-for": "10.0.0.1", server: "inner", "x-powered-by": "inner", "strict-transport-security": "max-age=1", "clear-site-data": "*", refresh: "0", link: "</x>; rel=preload", etag: "1",
    }).end('{"ok":1}');
  }, { passHeaders: ["X-Api-Key"] });
  const answer = await send("/mcp?a=b", { headers: { ...given, ...dropped }, body: '{"a":"ü"}' });
  assert.deepEqual([answer.status, await answer.text(), said], [201, '{"ok":1}', '{"a":"ü"}']);
  const { host, connection, ...headers } = seen[0].headers;
  assert.deepEqual(headers, { ...given, "content-type": "application/json", "content-length": "10", "accept-encoding": "identity", "user-agent": "mcp-evergreen-proxy" });
  assert.deepEqual([host, seen[0].url, seen[0].method], [`localhost:${port}`, "/mcp?a=b", "POST"]);
  const back = Object.fromEntries([...answer.headers].filter(([name]) => !/^(access-control|connection|date|keep-alive|transfer-encoding|evergreen|x-content-type|content-security|x-accel|cache-control|timing-allow)/.test(name)));
  assert.deepEqual(back, { "content-type": "application/json; charset=utf-8", "mcp-session-id": "s2", "www-authenticate": "Bearer realm=x", "retry-after": "3", "mcp-future": "y" });
});

test("both directions stream: each piece arrives before the next is sent", bounded, async (t) => {
  const heard = [];
  const { send } = await behind(t, async (req, res) => {
    res.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    for await (const chunk of req) {
      heard.push(String(chunk));
      res.write(`data: ${chunk}\n\n`);
    }
    res.end();
  });
  let upload;
  const stream = new ReadableStream({ start: (controller) => (upload = controller) }).pipeThrough(new TextEncoderStream());
  const sending = send("/mcp", { body: stream, duplex: "half" });
  upload.enqueue("one");
  const answer = await sending;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, "data: one\n\n");
  // Longer than a connection that is not used is kept.
  await sleep(2_500);
  upload.enqueue("two");
  assert.equal((await reader.read()).value, "data: two\n\n");
  upload.close();
  assert.equal((await reader.read()).done, true);
  assert.deepEqual(heard, ["one", "two"]);
});

test("who gives up, before the head or in the midst of a stream, ends the request at the target", bounded, async (t) => {
  const closed = [];
  const { send } = await behind(t, (req, res) => {
    res.once("close", () => closed.push(req.url));
    if (req.url === "/stream") res.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
  });
  const early = new AbortController();
  const never = assert.rejects(send("/head", { signal: early.signal }), { name: "AbortError" });
  await sleep(200);
  early.abort();
  await never;
  await until(() => closed.includes("/head"));
  const late = new AbortController();
  const reader = (await send("/stream", { signal: late.signal })).body.getReader();
  await reader.read();
  late.abort();
  await until(() => closed.includes("/stream"));
});

test("a redirect is handed back, wherever it leads; whoever cannot see one is shown it", bounded, async (t) => {
  const { seen, send } = await behind(t, (req, res) => res.writeHead(Number(req.url.slice(1, 4)), { location: "http://169.254.169.254/latest", "set-cookie": "a=b" }).end("moved"));
  for (const status of [301, 302, 303, 307, 308]) {
    const plain = await send(`/${status}`);
    assert.deepEqual([plain.status, plain.headers.get("location"), plain.headers.get("evergreen-proxy"), await plain.text()], [status, "http://169.254.169.254/latest", "relayed", ""]);
    const shown = await send(`/${status}`, { headers: { "evergreen-redirects": "1" } });
    assert.deepEqual([shown.status, shown.headers.get("evergreen-status"), shown.headers.get("location")], [200, String(status), "http://169.254.169.254/latest"]);
  }
  assert.equal(seen.length, 10);
});

test("in Node it connects to the address that it checked, not to what the name leads to by then", bounded, async (t) => {
  const resolved = [];
  const resolve = async (name) => (resolved.push(name), ["127.0.0.1"]);
  const { port, handler, seen } = await behind(t, (req, res) => res.end("here"), (port) => ({ targets: [`http://pinned.example.com:${port}`], resolve }));
  // No resolver knows this name, and none is asked.
  for (let n = 0; n < 2; n++) {
    const answer = await handler(ask(`http://pinned.example.com:${port}/mcp`));
    assert.deepEqual([answer.status, await answer.text()], [200, "here"]);
  }
  assert.deepEqual(seen.map((req) => req.headers.host), Array(2).fill(`pinned.example.com:${port}`));
  assert.deepEqual(resolved, ["pinned.example.com", "pinned.example.com"]);
});

test("sizes and the time to the head are bounded, each said as what it is", bounded, async (t) => {
  const { send, seen } = await behind(t, async (req, res) => {
    if (req.url === "/slow") return;
    if (req.url === "/told") return res.writeHead(200, { "content-length": "200" }).end("x".repeat(200));
    if (req.url === "/untold") return res.writeHead(200).end("x".repeat(200));
    res.end(String((await body(req)).length));
  }, { maxRequestBytes: 100, maxResponseBytes: 100, headTimeout: 500 });
  const mark = async (answer) => [(await answer).status, (await answer).headers.get("evergreen-proxy")];
  assert.equal(await (await send("/", { body: "x".repeat(100) })).text(), "100");
  seen.length = 0;
  assert.deepEqual(await mark(send("/", { body: "x".repeat(101) })), [413, "refused request_too_large"]);
  assert.equal(seen.length, 0);
  const untold = new ReadableStream({
    start(controller) {
      for (let n = 0; n < 3; n++) controller.enqueue(new TextEncoder().encode("x".repeat(50)));
      controller.close();
    },
  });
  assert.deepEqual(await mark(send("/", { body: untold, duplex: "half" })), [413, "failed request_too_large"]);
  assert.deepEqual(await mark(send("/told")), [502, "failed answer_too_large"]);
  await assert.rejects((await send("/untold")).text(), "an answer that grows too large breaks off");
  assert.deepEqual(await mark(send("/slow")), [504, "failed timeout"]);
});

test("a large body that is refused does not keep the connection from the next request", bounded, async (t) => {
  const resolve = async (name) => [name.startsWith("home") ? "169.254.169.254" : "127.0.0.1"];
  const { proxy, port } = await behind(t, (req, res) => req.resume().on("end", () => res.end("ok")), (port) => ({
    targets: [`http://localhost:${port}`, "https://home.example.com"],
    maxRequestBytes: 10_000_000,
    resolve,
  }));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const post = (target, bytes, headers = { "content-length": bytes }) =>
    new Promise((resolve, reject) => {
      const answered = (res) => res.resume().on("end", () => resolve([res.statusCode, res.headers["evergreen-proxy"]]));
      httpRequest(proxy, { method: "POST", agent, headers: { "evergreen-target": target, ...headers } }, answered).on("error", reject).end(Buffer.alloc(bytes));
    });
  const listed = `http://localhost:${port}/mcp`;
  for (const [target, bytes, headers, expected] of [
    ["https://elsewhere.example.com/", 8_000_000, undefined, [403, "refused not_listed"]],
    ["https://home.example.com/", 8_000_000, undefined, [403, "refused private_target"]],
    [listed, 20_000_000, undefined, [413, "refused request_too_large"]],
    [listed, 20_000_000, { "transfer-encoding": "chunked" }, [413, "failed request_too_large"]],
  ]) {
    assert.deepEqual(await post(target, bytes, headers), expected);
    const start = performance.now();
    assert.deepEqual(await post(listed, 2), [200, "relayed"]);
    // Without an end to the body, Node ends the connection some 6 s later.
    assert.ok(performance.now() - start < 3_000, `${expected[1]}: ${performance.now() - start} ms`);
  }
});

test("a target that is not there, or that breaks off, is said so; whether it may have run is, too", bounded, async (t) => {
  const { send, handler, port } = await behind(t, (req, res) => {
    if (req.url === "/midway") res.writeHead(200).write("x");
    setTimeout(() => res.socket.destroy(), 50);
  }, (port) => ({ targets: [`http://localhost:${port}`, "http://localhost:1"] }));
  assert.equal((await handler(ask(`http://localhost:${port}/mcp`))).headers.get("evergreen-proxy"), "failed unreachable");
  const gone = await refusal(await handler(ask("http://localhost:1/mcp")));
  assert.deepEqual([gone.status, gone.mark], [502, "refused unreachable"], "no connection, nothing ran");
  await assert.rejects((await send("/midway")).text());
});

test("a target that switches protocols has given a bad answer, at once, and its connection ends", bounded, async (t) => {
  let ended = 0;
  const { send } = await behind(t, ({ socket }) => {
    socket.once("close", () => ended++);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  }, { headTimeout: 10_000 });
  const answer = await send();
  assert.deepEqual([answer.status, answer.headers.get("evergreen-proxy")], [502, "failed bad_answer"]);
  await until(() => ended === 1);
});

test("a server of another platform: whatever fetch decodes is not said to be encoded; statuses without a body have none", bounded, async () => {
  const answers = [
    new Response("plain", { headers: { "content-encoding": "gzip", "content-length": "3" } }),
    new Response(null, { status: 204 }),
    new Response(null, { status: 202 }),
    { status: 999, headers: new Headers(), body: null },
  ];
  const { handler } = trap({ answer: () => answers.shift() });
  const decoded = await handler(ask("https://mcp.example.com/mcp"));
  assert.deepEqual([await decoded.text(), decoded.headers.get("content-encoding"), decoded.headers.get("content-length")], ["plain", null, null]);
  assert.equal((await handler(ask("https://mcp.example.com/mcp"))).status, 204);
  assert.equal((await handler(ask("https://mcp.example.com/mcp"))).status, 202);
  assert.equal((await handler(ask("https://mcp.example.com/mcp"))).headers.get("evergreen-proxy"), "failed bad_answer");
});

test("a fetch that could follow redirects is told not to, and is given up with the answer", bounded, async () => {
  const inits = [];
  const open = () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(8)) }));
  const { contacted, handler } = trap({ answer: (_, init) => (inits.push(init), init.redirect === "manual" ? (inits.length === 1 ? new Response(null, { status: 302, headers: { location: "https://10.0.0.1/" } }) : open()) : new Response("followed")) });
  const moved = await handler(ask("https://mcp.example.com/mcp"));
  assert.deepEqual([moved.status, moved.headers.get("location")], [302, "https://10.0.0.1/"]);
  const stream = await handler(ask("https://mcp.example.com/mcp"));
  const reader = stream.body.getReader();
  await reader.read();
  assert.equal(inits[1].signal.aborted, false);
  await reader.cancel();
  assert.equal(inits[1].signal.aborted, true);
  assert.equal(contacted.length, 2);
});

test("the listener outlives requests that are none", bounded, async (t) => {
  const { proxy, send } = await behind(t, (req, res) => res.end("ok"));
  const statuses = [];
  for (const options of [{ method: "TRACE" }, { path: "//%%%" }, { headers: { host: "[" } }]) {
    statuses.push(await new Promise((resolve, reject) => httpRequest(proxy, options, (res) => resolve(res.resume().statusCode)).on("error", reject).end()));
  }
  assert.ok(statuses.every((status) => status === 400 || status === 405), String(statuses));
  assert.equal(await (await send()).text(), "ok");
});
