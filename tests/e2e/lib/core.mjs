// A core of a few lines, for tests of the package's JavaScript without its WebAssembly.

import { Link } from "../../../pkg-template/link.js";
import { readConnect } from "../../../pkg-template/options.js";
import { Session } from "../../../pkg-template/session.js";

export const URL_OF_ALL = "https://example.com/mcp";

/** It does nothing by itself but connect, and notes what it is asked. */
export class Core {
  calls = [];
  resumed = [];
  cancelled = [];
  answers = [];
  refusals = [];
  handled = [];
  state = { state: "connecting", era: "legacy", generation: 0, recoveries: 0 };

  constructor(host) {
    this.host = host;
  }

  become(change) {
    Object.assign(this.state, change);
    this.host.event("statechange", this.status());
  }

  connect(resolve) {
    this.become({ state: "ready", generation: 1, serverInfo: { name: "server", version: "1" }, verifiedAt: 1 });
    queueMicrotask(() => resolve({}));
    return 1;
  }

  call(method, text, meta, name, options, resolve, reject) {
    const id = 10 + this.calls.length;
    this.calls.push({ id, method, text, meta, name, options, resolve, reject });
    return id;
  }

  resumeTask(taskId, createdAt, options, resolve, reject) {
    this.resumed.push({ task: [taskId, createdAt], options, resolve, reject });
    return 1_000 + this.resumed.length;
  }

  takeUp = () => true;
  record = () => undefined;
  free = () => {};
  status = () => ({ ...this.state });
  cancel = (...call) => this.cancelled.push(call);
  answer = (...answer) => this.answers.push(answer);
  refuse = (...refusal) => this.refusals.push(refusal);
  setHandled = (method) => this.handled.push(method);
  setListening = (listening) => (this.listening = listening);
  setTraced = (traced) => (this.traced = traced);
}

/** A session over such a core. */
export async function open(options) {
  const config = readConnect(URL_OF_ALL, options);
  let core;
  const runtime = { dead: undefined, watch: () => () => {}, open: (url, environment, config, host) => (core = new Core(host)) };
  const link = new Link(runtime, config);
  await link.connect();
  return { session: new Session(link), core, link };
}
