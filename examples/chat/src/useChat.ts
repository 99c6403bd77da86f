import { useEffect, useRef, useState } from "react";
import { call, specs, useMcpServers } from "./mcp/host";
import type { Model, ToolUse, Turn } from "./models/model";

/** A call that is under way. */
export interface Running {
  id: string;
  progress?: { progress: number; total?: number; message?: string };
  cancel: () => void;
}

/** So often a model may ask for tools before it has to answer. */
const MAX_ROUNDS = 20;

/** A conversation: what was said, the calls that are under way, and how it goes on. */
export function useChat(model: Model) {
  const mcp = useMcpServers();
  const latest = useRef(mcp);
  useEffect(() => {
    latest.current = mcp;
  });
  const [turns, setTurns] = useState<Turn[]>([]);
  const [running, setRunning] = useState<Running[]>([]);
  const [problem, setProblem] = useState<string>();
  const [stop, setStop] = useState<() => void>();

  async function send(text: string) {
    const all: Turn[] = [...turns];
    const say = (...said: Turn[]) => {
      all.push(...said);
      setTurns([...all]);
    };
    const stopping = new AbortController();
    const { signal } = stopping;
    setStop(() => () => stopping.abort());
    setProblem(undefined);
    say({ role: "user", text });
    try {
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const reply = await model.reply({ turns: all, tools: specs(latest.current.tools), signal });
        say({ role: "assistant", ...reply });
        if (reply.uses.length === 0) return;
        const results = await Promise.all(reply.uses.map((use) => run(use, signal)));
        say(...results);
        signal.throwIfAborted();
      }
      throw new Error(`The model has asked for tools ${MAX_ROUNDS} times.`);
    } catch (error) {
      if (!signal.aborted) setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setStop(undefined);
    }
  }

  async function run(use: ToolUse, signal: AbortSignal): Promise<Turn> {
    const cancelling = new AbortController();
    const cancel = () => cancelling.abort(new Error("The user has cancelled this call."));
    signal.addEventListener("abort", cancel);
    const show = (progress: Running["progress"]) => {
      const shown: Running = { id: use.id, cancel, ...(progress && { progress }) };
      setRunning((others) => [...others.filter(({ id }) => id !== use.id), shown]);
    };
    show(undefined);
    try {
      const result = await call(latest.current, use, { signal: cancelling.signal, onprogress: show });
      return { role: "tool", id: use.id, ...result };
    } finally {
      signal.removeEventListener("abort", cancel);
      setRunning((others) => others.filter(({ id }) => id !== use.id));
    }
  }

  return { turns, running, problem, send, stop };
}
