import { useMcpServers, type PendingQuestion } from "../mcp/host";
import type { Model } from "../models/model";
import { FormQuestion } from "./FormQuestion";
import { Sampling } from "./Sampling";

/** What servers ask. Texts are theirs: who asks stands above them. */
export function Questions({ model }: { model: Model }) {
  const { pendingQuestions, servers } = useMcpServers();
  const titleOf = (name: string) => servers.find((server) => server.name === name)?.title ?? name;
  return (
    <div className="questions" aria-live="polite">
      {pendingQuestions.map((question) => (
        <section key={question.id} className="question" aria-labelledby={`asks-${question.id}`}>
          <h2 id={`asks-${question.id}`}>
            {titleOf(question.server.name)} {question.call?.name && `(${question.call.name}) `}asks
          </h2>
          <Question question={question} model={model} />
        </section>
      ))}
    </div>
  );
}

function Question({ question, model }: { question: PendingQuestion; model: Model }) {
  if (question.kind === "form") return <FormQuestion question={question} />;
  if (question.kind === "sampling") return <Sampling question={question} model={model} />;
  const { params, accept, decline } = question;
  return (
    <>
      <p>{params.message}</p>
      <p>It wants you to visit: <code>{params.url}</code></p>
      <p className="buttons">
        <a className="button" href={params.url} target="_blank" rel="noreferrer" onClick={accept}>Open</a>
        <button onClick={decline}>No</button>
      </p>
    </>
  );
}
