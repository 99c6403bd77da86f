import { useState } from "react";
import { useMcpServers } from "../mcp/host";

export function ServerList() {
  const { servers } = useMcpServers();
  return (
    <section aria-labelledby="servers">
      <h2 id="servers">Servers</h2>
      {servers.length === 0 && <p>None yet.</p>}
      <ul className="servers">{servers.map((server) => <Server key={server.name} server={server} />)}</ul>
    </section>
  );
}

type Server = ReturnType<typeof useMcpServers>["servers"][number];

function Server({ server }: { server: Server }) {
  const { needSignIn, tools, authorize, close, signOut } = useMcpServers();
  const [problem, setProblem] = useState<string>();
  const { name, title, url, status, error } = server;
  const failure = error instanceof Error ? error.message : undefined;
  const attempt = (done: Promise<void>) => {
    setProblem(undefined);
    done.catch((error: Error) => setProblem(error.message));
  };
  const light = lightOf(server, needSignIn.includes(name));
  const own = tools.filter((tool) => tool.server === name);
  const link = status?.waitingFor?.url;
  const isOff = !needSignIn.includes(name) && (!status || status.state === "closed");
  return (
    <li aria-label={title}>
      <p>
        <span className={`light ${light.color}`} aria-hidden="true" /> <b>{title}</b> <span role="status">{light.text}</span>
      </p>
      <p className="address">{url}</p>
      {(problem ?? failure) && <p role="alert">{problem ?? failure}</p>}
      {link && <a href={link} target="_blank" rel="noreferrer">Sign in in another window</a>}
      {own.length > 0 && (
        <details>
          <summary>{own.length} tools</summary>
          <ul>{own.map((tool) => <li key={tool.name} title={tool.tool.description}>{tool.title}</li>)}</ul>
        </details>
      )}
      <p className="buttons">
        {needSignIn.includes(name) && <button onClick={() => attempt(authorize(name))}>Sign in</button>}
        {isOff && <button onClick={() => attempt(authorize(name))}>Connect</button>}
        {status?.state === "ready" && <button onClick={() => attempt(signOut(name))}>Sign out</button>}
        <button onClick={() => attempt(close(name))}>Remove</button>
      </p>
    </li>
  );
}

/** Red: it needs the user, or failed. Yellow: it comes back by itself. */
function lightOf({ status, error }: Server, needsSignIn: boolean) {
  if (needsSignIn) return { color: "red", text: "sign-in wanted" };
  if (error !== undefined) return { color: "red", text: "failed" };
  if (!status) return { color: "gray", text: "not connected" };
  if (status.state === "ready") return { color: "green", text: "ready" };
  return { color: "yellow", text: status.waitingFor?.why ?? status.state };
}
