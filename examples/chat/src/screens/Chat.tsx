import { useEffect, useRef, type FormEvent, type KeyboardEvent, type ReactNode } from "react";
import { useMcpServers } from "../mcp/host";
import type { Model, ToolUse, Turn } from "../models/model";
import { useChat, type Running } from "../useChat";

/** A conversation; `children` stand above the field for the next message. */
export function Chat({ model, children }: { model: Model; children: ReactNode }) {
  const { turns, running, problem, send, stop } = useChat(model);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    end.current?.scrollIntoView({ block: "nearest" });
  }, [turns, running]);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const text = String(new FormData(form).get("text")).trim();
    if (text === "" || stop) return;
    form.reset();
    void send(text);
  }

  return (
    <>
      <div className="log" role="log" aria-label="Conversation" aria-busy={stop !== undefined}>
        {turns.map((turn, at) => <Said key={at} turn={turn} turns={turns} running={running} />)}
        {problem && <p role="alert">{problem}</p>}
        <div ref={end} />
      </div>
      {children}
      <form className="ask" onSubmit={submit}>
        <textarea name="text" aria-label="Message" rows={2} placeholder="Say something. Enter sends." onKeyDown={sendOnEnter} />
        {stop ? <button type="button" onClick={stop}>Stop</button> : <button>Send</button>}
      </form>
    </>
  );
}

function sendOnEnter(event: KeyboardEvent<HTMLTextAreaElement>) {
  if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
  event.preventDefault();
  event.currentTarget.form?.requestSubmit();
}

function Said({ turn, turns, running }: { turn: Turn; turns: Turn[]; running: Running[] }) {
  // The results stand with their calls.
  if (turn.role === "tool") return null;
  return (
    <article className={turn.role} aria-label={turn.role === "user" ? "You" : "Model"}>
      {turn.text && <p>{turn.text}</p>}
      {turn.role === "assistant" && turn.uses.map((use) => (
        <Use key={use.id} use={use} result={turns.find((turn) => turn.role === "tool" && turn.id === use.id)} running={running.find(({ id }) => id === use.id)} />
      ))}
    </article>
  );
}

function Use({ use, result, running }: { use: ToolUse; result: Turn | undefined; running: Running | undefined }) {
  const { tools, servers } = useMcpServers();
  const tool = tools.find(({ name }) => name === use.name);
  const server = servers.find(({ name }) => name === tool?.server);
  const { progress, total, message } = running?.progress ?? { progress: undefined };
  return (
    <section className="use" aria-label={`Call of ${tool?.title ?? use.name}`}>
      <p>
        <b>{tool?.title ?? use.name}</b> {server && `of ${server.title} `}<code>{JSON.stringify(use.args)}</code>
      </p>
      {running && (
        <p>
          <progress aria-label="Progress" value={progress} max={total ?? undefined} /> {message ?? progress} <button onClick={running.cancel}>Cancel</button>
        </p>
      )}
      {result?.role === "tool" && <pre className={result.isError ? "failed" : ""}>{result.text}</pre>}
    </section>
  );
}
