import { useState } from "react";
import { answer, asked, type SamplingQuestion } from "../mcp/host";
import type { Model } from "../models/model";

/** The user sees what the model is to be asked, and its answer before the server does. */
export function Sampling({ question, model }: { question: SamplingQuestion; model: Model }) {
  const [said, setSaid] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [isAsking, setIsAsking] = useState(false);
  const { turns, system, maxTokens } = asked(question);

  async function ask() {
    setIsAsking(true);
    try {
      const { text } = await model.reply({ turns, system, maxTokens, signal: AbortSignal.timeout(120_000) });
      setSaid(text);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setIsAsking(false);
  }

  return (
    <>
      <p>It wants to ask the model:</p>
      {system && <pre>{system}</pre>}
      {turns.map(({ role, text }, at) => <pre key={at}>{role}: {text}</pre>)}
      {said !== undefined && <label>Answer <textarea value={said} rows={3} onChange={({ target }) => setSaid(target.value)} /></label>}
      {problem && <p role="alert">{problem}</p>}
      <p className="buttons">
        {said === undefined ? <button disabled={isAsking} onClick={ask}>Ask {model.name}</button> : <button onClick={() => answer(question, model, said)}>Give this answer</button>}
        <button onClick={question.decline}>Decline</button>
      </p>
    </>
  );
}
