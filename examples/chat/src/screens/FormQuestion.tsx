import { useState, type FormEvent } from "react";
import type { FormField, PendingQuestion } from "../mcp/host";

type Problem = { name: string; message: string };

export function FormQuestion({ question }: { question: PendingQuestion & { kind: "form" } }) {
  const { id, params, fields, accept, decline, cancel } = question;
  const [problems, setProblems] = useState<Problem[]>([]);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    try {
      accept(new FormData(event.currentTarget));
    } catch (error) {
      const { problems, message } = error as Error & { problems?: Problem[] };
      setProblems(problems ?? [{ name: "", message }]);
    }
  }

  return (
    <form onSubmit={submit} noValidate>
      <p>{params.message}</p>
      {fields.map((field) => <Field key={field.name} id={`${id}-${field.name}`} field={field} problem={problems.find(({ name }) => name === field.name)} />)}
      {problems.filter(({ name }) => !fields.some((field) => field.name === name)).map(({ message }) => <p key={message} role="alert">{message}</p>)}
      <p className="buttons">
        <button>Answer</button>
        <button type="button" onClick={decline}>Decline</button>
        <button type="button" onClick={cancel}>Not now</button>
      </p>
    </form>
  );
}

function Field({ id, field, problem }: { id: string; field: FormField; problem: Problem | undefined }) {
  const { title, required, description } = field;
  const control = { id, "aria-describedby": `${id}-about`, "aria-invalid": problem !== undefined };
  return (
    <div className="field">
      {field.kind === "choices" ? <Choices field={field} /> : (
        <>
          <label htmlFor={id}>{title}{required && " *"}</label>
          <Control field={field} control={control} />
        </>
      )}
      <p id={`${id}-about`}>{problem ? <strong role="alert">{problem.message}</strong> : description}</p>
    </div>
  );
}

const INPUTS = { email: "email", uri: "url", date: "date", "date-time": "datetime-local" };

function Control({ field: { name, kind, choices, format, default: begin }, control }: { field: FormField; control: object }) {
  if (kind === "boolean") return <input {...control} type="checkbox" name={name} defaultChecked={begin === true} />;
  if (kind === "choice") {
    return (
      <select {...control} name={name} defaultValue={String(begin ?? "")}>
        <option value="" />
        {choices?.map(({ value, title }) => <option key={value} value={value}>{title}</option>)}
      </select>
    );
  }
  if (kind === "number" || kind === "integer") return <input {...control} type="number" step={kind === "integer" ? 1 : "any"} name={name} defaultValue={Number(begin ?? NaN) || ""} />;
  return <input {...control} type={format ? INPUTS[format] : "text"} name={name} defaultValue={String(begin ?? "")} />;
}

function Choices({ field: { name, title, required, choices, default: begin } }: { field: FormField }) {
  return (
    <fieldset>
      <legend>{title}{required && " *"}</legend>
      {choices?.map(({ value, title }) => (
        <label key={value}>
          <input type="checkbox" name={name} value={value} defaultChecked={Array.isArray(begin) && begin.includes(value)} /> {title}
        </label>
      ))}
    </fieldset>
  );
}
