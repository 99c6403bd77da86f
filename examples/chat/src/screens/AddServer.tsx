import { useState, type FormEvent } from "react";
import { add, useMcpServers } from "../mcp/host";

/** Addresses to begin with, where the build has some: see README.md. */
const SUGGESTED: string[] = (import.meta.env.VITE_SERVERS ?? "").split(" ").filter(Boolean);

export function AddServer() {
  const mcp = useMcpServers();
  const [problem, setProblem] = useState<string>();

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const { url, proxy } = Object.fromEntries(new FormData(form)) as { url: string; proxy: string };
    try {
      await add(mcp, url, proxy);
      setProblem(undefined);
      form.reset();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <form onSubmit={submit} aria-labelledby="add">
      <h2 id="add">Add a server</h2>
      <label>
        Address
        <input type="url" name="url" required list="suggested" placeholder="https://example.com/mcp" autoComplete="off" />
      </label>
      <datalist id="suggested">{SUGGESTED.map((url) => <option key={url} value={url} />)}</datalist>
      <label>
        Proxy, if the server has no CORS headers
        <input type="url" name="proxy" defaultValue={import.meta.env.VITE_PROXY} placeholder="None" autoComplete="off" />
      </label>
      {problem && <p role="alert">{problem}</p>}
      <button>Add</button>
    </form>
  );
}
