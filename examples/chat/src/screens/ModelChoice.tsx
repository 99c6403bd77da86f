import { useState, type FormEvent } from "react";
import { anthropic } from "../models/anthropic";
import type { Access, Model } from "../models/model";
import { openai } from "../models/openai";
import { scripted } from "../models/scripted";

const KINDS = {
  script: undefined,
  anthropic: { title: "Anthropic", make: anthropic, url: "https://api.anthropic.com", model: "claude-sonnet-5" },
  openai: { title: "OpenAI, or compatible", make: openai, url: "https://api.openai.com/v1", model: "gpt-5" },
};

/** The key is nowhere but in the memory of this page, and in what is sent to the model's own address. */
export function ModelChoice({ onChoose }: { onChoose: (model: Model) => void }) {
  const [kind, setKind] = useState<keyof typeof KINDS>("script");
  const [used, setUsed] = useState("script");
  const real = KINDS[kind];

  function use(model: Model) {
    onChoose(model);
    setUsed(model.name);
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    use(real ? real.make(Object.fromEntries(new FormData(event.currentTarget)) as unknown as Access) : scripted);
  }

  return (
    <form onSubmit={submit} aria-labelledby="model">
      <h2 id="model">Model: {used}</h2>
      <label>
        Kind
        <select value={kind} onChange={({ target }) => setKind(target.value as keyof typeof KINDS)}>
          <option value="script">A script, without network</option>
          {Object.entries(KINDS).map(([key, of]) => of && <option key={key} value={key}>{of.title}</option>)}
        </select>
      </label>
      {real && (
        <div key={kind}>
          <label>Address <input type="url" name="url" required defaultValue={real.url} /></label>
          <label>Model <input name="model" required defaultValue={real.model} /></label>
          <label>Key <input type="password" name="key" required autoComplete="off" /></label>
        </div>
      )}
      <button>Use</button>
    </form>
  );
}
