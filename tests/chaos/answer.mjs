// The answer of our own server to a call that runs: as JSON or as a stream, its head early or with the rest. A stream may be
// resumed by its event ids. It ends once, in one of many ways.

const EVENTS = { "content-type": "text/event-stream" };
const JSON_TYPE = { "content-type": "application/json" };
const GONE = { code: -32600, message: "Session not found" };
const TERMINATED = { code: -32603, message: "Session terminated before the request completed" };
let streams = 0;

export class Answer {
  over = false;
  #res;
  #sse;
  #session;
  #note;
  #name = `e${++streams}`;
  #events = [];
  #ended;

  /** `style` is `json`, `sse`, `early json` or `early sse`; with a `session` the stream can be resumed there. `note` keeps what was said. */
  constructor({ id, res, style, session, note }) {
    this.id = id;
    this.#res = res;
    this.#sse = style.endsWith("sse");
    this.#session = this.#sse ? session : undefined;
    this.#note = note;
    this.ended = new Promise((resolve) => (this.#ended = resolve));
    if (style.startsWith("early")) this.#head();
    if (this.#session) {
      this.#session.resumable.set(this.#name, this);
      this.#head();
      this.#send("");
    }
  }

  #head() {
    if (!this.#res.headersSent && !this.#res.destroyed) this.#res.writeHead(200, this.#sse ? EVENTS : JSON_TYPE).flushHeaders();
  }

  #send(data) {
    const id = `${this.#name}/${this.#events.length}`;
    const event = `${this.#session ? `id: ${id}\nretry: 20\n` : ""}data: ${data}\n\n`;
    this.#events.push(event);
    if (!this.#res.destroyed && !this.#res.writableEnded) this.#res.write(event);
  }

  /** A notification, where the answer is a stream. */
  say(message) {
    if (!this.#sse || this.over) return;
    this.#head();
    this.#note({ spoke: true });
    this.#send(JSON.stringify({ jsonrpc: "2.0", ...message }));
  }

  /** From here on `res` has what `res` of the request had. */
  resume(res, lastEventId) {
    this.#res = res;
    res.writeHead(200, EVENTS).flushHeaders();
    for (const event of this.#events.slice(Number(lastEventId.split("/")[1]) + 1)) res.write(event);
    if (this.over) res.end();
  }

  /** The request's answer: `{ result }` or `{ error }`. */
  finish(answer, status = 200) {
    if (!this.#close()) return;
    const message = JSON.stringify({ jsonrpc: "2.0", id: this.id, ...answer });
    if (this.#sse && (status === 200 || this.#res.headersSent)) {
      this.#head();
      this.#send(message);
      this.#res.end();
    } else {
      if (!this.#res.headersSent && !this.#res.destroyed) this.#res.writeHead(status, JSON_TYPE);
      this.#res.end(message);
    }
  }

  /** An error under the request's own id. */
  fail(status, code, message) {
    this.finish({ error: { code, message } }, status);
  }

  /** As a gate refuses, though it runs; after a head the words come in the body. */
  refuse({ status, type, body }) {
    if (this.over) return;
    this.#note({ refusedRunning: true });
    if (this.#res.headersSent) return this.#stray({ jsonrpc: "2.0", id: null, error: GONE });
    if (!this.#close() || this.#res.destroyed) return;
    this.#res.writeHead(status, type ? { "content-type": type } : {}).end(body);
  }

  /** Tells that it was ended before it had a result. */
  terminate() {
    if (this.#res.headersSent) return this.#stray({ jsonrpc: "2.0", id: null, error: TERMINATED });
    if (!this.#close() || this.#res.destroyed) return;
    this.#res.writeHead(500, JSON_TYPE).end(JSON.stringify({ jsonrpc: "2.0", id: null, error: TERMINATED }));
  }

  #stray(message) {
    if (!this.#close()) return;
    const text = JSON.stringify(message);
    if (this.#sse) this.#send(text);
    this.#res.end(this.#sse ? undefined : text);
  }

  /** Without an answer. */
  end() {
    if (!this.#close()) return;
    this.#head();
    this.#res.end();
  }

  destroy() {
    if (this.#close()) this.#res.destroy();
  }

  #close() {
    if (this.over) return false;
    this.over = true;
    this.#ended();
    return true;
  }
}
