// A chat's server in React: its tools, calls with their progress, the sign-in by a button, and what the server asks.

import { useState } from "react";
import { useMcp } from "mcp-evergreen/react";

export function Server({ url, options }) {
  const mcp = useMcp(url, { questions: ["elicitation"], ...options });
  const [said, say] = useState("");
  const call = (name) => mcp.callTool(name).then(({ content }) => say(content[0]?.text), (error) => say(error.message));
  return (
    <section aria-busy={mcp.busy}>
      <p role="status">{mcp.error?.message ?? mcp.status.state}</p>
      {mcp.needsSignIn && <button onClick={() => mcp.authorize().catch(() => {})}>Sign in</button>}
      {mcp.listed.tools && mcp.tools.length === 0 && <p>No tools</p>}
      {mcp.tools.map(({ name, title }) => <button key={name} onClick={() => call(name)}>{title ?? name}</button>)}
      {mcp.calls.map(({ id, name, progress, cancel }) => <button key={id} onClick={() => cancel()}>Stop {name} {progress?.message}</button>)}
      {mcp.pendingQuestions.map((question) => <Question key={question.id} question={question} />)}
      <output>{said}</output>
    </section>
  );
}

function Question({ question: { kind, server, params, fields, accept, decline } }) {
  const [problems, tell] = useState([]);
  const submit = (event) => {
    event.preventDefault();
    try {
      accept(kind === "form" ? new FormData(event.currentTarget) : undefined);
    } catch (error) {
      tell(error.problems ?? [{ name: "", message: error.message }]);
    }
  };
  return (
    <form onSubmit={submit}>
      <p>{server.name} asks: {params.message}</p>
      {kind === "url" && <a href={params.url} target="_blank" rel="noreferrer">{params.url}</a>}
      {fields.map((field) => <label key={field.name}>{field.title} <Field {...field} /></label>)}
      {problems.map(({ name, message }) => <p key={name} role="alert">{name}: {message}</p>)}
      <button>Yes</button>
      <button type="button" onClick={decline}>No</button>
    </form>
  );
}

function Field({ name, kind, choices, default: begin }) {
  if (kind === "boolean") return <input type="checkbox" name={name} defaultChecked={begin} />;
  if (!choices) return <input name={name} defaultValue={begin} inputMode={kind === "string" ? undefined : "decimal"} />;
  const options = choices.map(({ value, title }) => <option key={value} value={value}>{title}</option>);
  return <select name={name} multiple={kind === "choices"} defaultValue={begin}>{options}</select>;
}
