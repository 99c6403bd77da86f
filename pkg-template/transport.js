// A Transport for the Clients of others: the TypeScript SDK's, versions 1 and 2, and the AI SDK's. Their raw messages
// go through the core as calls, notifications and answers; the session beneath them is the core's.

import { readTransport } from "./host_options.js";
import { given, notTerminated, rpcError, thrown } from "./host_errors.js";
import { wrong } from "./checks.js";
import { report } from "./events.js";
import { inTime } from "./in_time.js";
import { paramsToJson, toJson } from "./json.js";
import { Link } from "./link.js";
import { Relay } from "./relay.js";
import { runtimeFor } from "./runtime.js";

const INITIALIZED = "notifications/initialized";
const CANCELLED = "notifications/cancelled";
const PROGRESS = "notifications/progress";
const SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId";

/** Header fields that no single message can set. */
const RESERVED =
  /^(accept|authorization|content-type|dpop|last-event-id|mcp-method|mcp-name|mcp-protocol-version|mcp-session-id)$/i;

/** Event ids whose request is remembered: the oldest are forgotten. */
const MAX_STREAMS = 1_000;

/** A server that does not answer to the end of its session holds up a close so long. */
const FAREWELL_MS = 1_000;

export class EvergreenTransport {
  #config;
  #link;
  #relay;
  #started = false;
  #closed = false;
  #adopted = false;
  #terminated = false;
  /** What the server answered to the end of the session. */
  #farewell;
  /** The close that ends the session. */
  #closing;
  #sessionId;
  #generation = 0;
  /** What ends the host's requests that are open, by the host's ids. */
  #open = new Map();
  /** The host's ids of requests, by the ids of the events on their streams. */
  #streams = new Map();
  /** What ended requests that the host has had an answer to. */
  #answered = new WeakSet();
  /** Who waits for the head of a stream that is resumed, by event ids. */
  #resumed = new Map();

  constructor(url, options) {
    this.#config = readTransport(url, options ?? {});
    const { environment, sessionId, protocolVersion } = this.#config;
    const send = environment.fetch;
    environment.fetch = async (input, init) => {
      const sent = send(input, init);
      if (init.method === "DELETE") sent.then((response) => (this.#farewell = response), (thrown) => (this.#farewell = { thrown }));
      const response = await sent;
      if (response.ok) this.#resumed.get(init.headers["last-event-id"])?.();
      return response;
    };
    this.#sessionId = sessionId;
    this.protocolVersion = protocolVersion;
  }

  /** The 2026-07-28 Clients then end a request by its `requestSignal`. */
  get hasPerRequestStream() {
    return true;
  }

  /** The AI SDK finds out the era by `server/discover`, for as long as the answer takes. */
  get supportsProtocolVersionDiscovery() {
    return true;
  }

  get waitsForProtocolVersionDiscovery() {
    return true;
  }

  /** `Mcp-Param-*`, from the tools that it listed. */
  get supportsMcpToolParameterHeaders() {
    return true;
  }

  /** Undefined until the handshake is over: a Client that finds one takes itself for connected. */
  get sessionId() {
    return this.#sessionId;
  }

  get status() {
    return this.#link?.status;
  }

  on(event, listener) {
    return this.#live().on(event, listener);
  }

  setProtocolVersion(version) {
    this.protocolVersion = version;
  }

  async start() {
    if (this.#started) throw new Error("EvergreenTransport was started already. A Client's connect() calls start() itself.");
    this.#started = true;
    const instance = await runtimeFor(this.#config);
    try {
      await this.#config.auth?.prepare();
    } catch (error) {
      throw given(error);
    }
    if (this.#closed) return;
    this.#link = new Link(instance, this.#config, {
      questions: (io) => (this.#relay = new Relay(io, (message) => this.#deliver(message))),
      tap: (event, detail, id) => this.#heard(event, detail, id),
    });
  }

  async send(message, options = {}) {
    if (Array.isArray(message)) return void (await Promise.all(message.map((one) => this.send(one, options))));
    this.#adopt(this.#live());
    if (message.method === undefined) return this.#relay.answer(message);
    if (message.id === undefined) return this.#notify(message);
    return this.#request(message, options ?? {});
  }

  async close() {
    if (!this.#closed) {
      this.#closed = true;
      const closing = this.#end();
      if (this.#config.terminateSessionOnClose) this.#closing = closing;
      this.onclose?.();
    }
    // Whoever ends the process after this ends it after the DELETE.
    if (this.#closing) await inTime(this.#closing, FAREWELL_MS, "DELETE").catch(() => {});
  }

  /** A close rejects for nothing: that the session may be there still is told as an error. */
  async #end() {
    try {
      await this.#link?.close(this.#config.terminateSessionOnClose);
      const error = this.#terminated ? undefined : notTerminated(this.#farewell, this.#config.errors);
      if (error !== undefined) this.#error(error);
    } catch (error) {
      report(error);
    }
  }

  async terminateSession() {
    this.#terminated = true;
    this.#farewell = undefined;
    await this.#link?.close(true);
    const error = notTerminated(this.#farewell, this.#config.errors);
    if (error !== undefined) {
      this.#error(error);
      throw error;
    }
    this.#sessionId = undefined;
  }

  async finishAuth(code, issuer) {
    const { auth, authority, bearer } = this.#config;
    if (!auth && !bearer) throw new TypeError("finishAuth needs an OAuthClientProvider as authProvider");
    // As `URLSearchParams.get` gives it.
    const iss = issuer ?? undefined;
    if (bearer) return void (await bearer.finish(code, iss));
    try {
      await auth.prepare();
      await auth.finish(code, iss);
      await authority.takeReturned();
    } catch (error) {
      throw auth.notFinished(thrown(error, this.#config));
    }
  }

  async resumeStream(lastEventId, options) {
    const { onresumptiontoken } = options ?? {};
    if (typeof lastEventId !== "string" || lastEventId === "") throw wrong("lastEventId", "the id of an event", lastEventId);
    this.#adopt(this.#live());
    const opened = new Promise((resolve) => this.#resumed.set(lastEventId, resolve));
    const id = this.#streams.get(lastEventId);
    const over = this.#request({ id, method: "" }, { resumptionToken: lastEventId, onresumptiontoken });
    over.catch(() => {});
    try {
      await Promise.race([opened, over]);
    } finally {
      this.#resumed.delete(lastEventId);
    }
  }

  #live() {
    if (!this.#link) throw new Error(this.#closed ? "EvergreenTransport is closed." : "EvergreenTransport is not started.");
    return this.#link;
  }

  /** A session that the host stored: its Client does not initialize. */
  #adopt(link) {
    if (this.#adopted || this.#sessionId === undefined) return;
    this.#adopted = true;
    this.#generation = 1;
    const { initializeParams } = this.#config;
    const text = initializeParams && toJson("initializeParams", initializeParams);
    if (!link.adopt(this.#sessionId, this.protocolVersion ?? "", text)) throw new TypeError("sessionId: is no session id");
  }

  // ── From the host ──

  #request({ id, method, params }, { resumptionToken, onresumptiontoken, signal, requestSignal, headers, onRequestStreamEnd }) {
    const { progressToken, ...meta } = params?._meta ?? {};
    const text = paramsToJson(params && { ...params, _meta: Object.keys(meta).length > 0 ? meta : undefined });
    const stop = new AbortController();
    const abort = (event) => stop.abort(event.target.reason);
    const signals = [signal, requestSignal].filter(Boolean);
    for (const one of signals) {
      if (one.aborted) stop.abort(one.reason);
      one.addEventListener("abort", abort, { once: true });
    }
    // What only hears a stream is no request of the Client's.
    if (method) this.#open.set(id, stop);
    return new Promise((resolve, reject) => {
      // Whatever comes on its stream shows that the server has it; from then on a failure is told as a message.
      let taken = false;
      const accept = () => {
        taken = true;
        resolve();
      };
      const options = {
        signal: stop.signal,
        hostId: id,
        // The Client has a clock of its own.
        timeout: Number.MAX_SAFE_INTEGER,
        headers: Object.entries(headers ?? {})
          .filter(([name, value]) => typeof value === "string" && !RESERVED.test(name))
          .flat(),
        resume: resumptionToken,
        eventIds: onresumptiontoken !== undefined,
        onprogress:
          progressToken !== undefined &&
          ((progress) => {
            accept();
            this.#deliver({ jsonrpc: "2.0", method: PROGRESS, params: { ...progress, progressToken } });
          }),
        onstream: (event) => {
          accept();
          if (event) queueMicrotask(() => this.#told(event.eventId, id, onresumptiontoken));
        },
      };
      const ended = (answer) => {
        // What is heard of a stream is the answer of the request that is open there, if nobody has had it.
        const of = method ? stop : this.#open.get(id);
        const isNews = of !== undefined && !this.#answered.has(of);
        if (answer && of) this.#answered.add(of);
        if (this.#open.get(id) === of) this.#open.delete(id);
        for (const one of signals) one.removeEventListener("abort", abort);
        if (!stop.signal.aborted && !this.#closed) {
          // A Client hears progress a moment later, and not at all once it has the answer.
          if (answer && isNews) this.#deliver({ jsonrpc: "2.0", id, ...answer });
          onRequestStreamEnd?.();
        }
        resolve();
      };
      const failed = (error) => {
        if (error.isAnswer) return ended({ error: rpcError(error) });
        if (stop.signal.aborted || this.#closed) return ended();
        const own = thrown(error, this.#config);
        this.#error(own);
        if (!taken) reject(own);
        return ended(taken && { error: rpcError(error) });
      };
      this.#live().call(method, text, options).then((result) => ended({ result }), failed);
    });
  }

  #told(eventId, id, onresumptiontoken) {
    this.#streams.set(eventId, id);
    if (this.#streams.size > MAX_STREAMS) this.#streams.delete(this.#streams.keys().next().value);
    onresumptiontoken(eventId);
  }

  async #notify({ method, params }) {
    if (method === CANCELLED) return void this.#open.get(params?.requestId)?.abort(params.reason);
    const link = this.#live();
    const sent = link.notify(method, paramsToJson(params)).catch((error) => {
      if (this.#closed) return;
      // The session went: nobody is told twice, and a notification is not sent twice.
      const gone = ["session_lost", "outcome_unknown"].includes(error.code);
      if (gone && method !== INITIALIZED) return;
      const thrownError = thrown(error, this.#config);
      this.#error(thrownError);
      throw thrownError;
    });
    if (method === INITIALIZED) return void (await sent);
    // Nobody waits for a notification that is parked.
    sent.catch(() => {});
    await Promise.race([sent, this.#unready(link)]);
  }

  /** Resolves when there is no session that is ready. */
  #unready(link) {
    if (link.status.state !== "ready") return Promise.resolve();
    return new Promise((resolve) => {
      const off = link.on("statechange", ({ state }) => {
        if (state === "ready") return;
        off();
        resolve();
      });
    });
  }

  // ── From the core ──

  #heard(event, detail, id) {
    switch (event) {
      case "notification":
        // What is cancelled and how far a call is comes by the relay and by the call, with ids of the host's world.
        if (detail.method !== CANCELLED && detail.method !== PROGRESS) this.#deliver({ jsonrpc: "2.0", ...withId(detail, id) });
        break;
      case "statechange":
        if (detail.state === "ready") this.#isReady(detail);
        break;
      case "forclient":
        this.#deliver({ jsonrpc: "2.0", ...detail });
        break;
      case "close":
        // After those who wait have heard why: a Client gives up all that is open.
        setTimeout(() => {
          if (this.#closed || this.#terminated) return;
          this.#closed = true;
          this.onclose?.();
        });
    }
  }

  #isReady({ generation, protocolVersion, capabilities, serverInfo, instructions }) {
    if (generation === this.#generation) return;
    const again = this.#generation > 0;
    this.#generation = generation;
    this.#adopted = true;
    this.#sessionId = this.#link.sessionId;
    const { onsessionidchange, onreinitialize } = this.#config;
    queueMicrotask(() => {
      this.#quietly(() => onsessionidchange?.(this.#sessionId));
      if (again) this.#quietly(() => onreinitialize?.({ protocolVersion, capabilities, serverInfo, instructions }));
    });
  }

  /** Later, in order, and in no frame of the WebAssembly's. */
  #deliver(message) {
    queueMicrotask(() => this.#message(message));
  }

  #message(message) {
    if (!this.#closed) this.#quietly(() => this.onmessage?.(message));
  }

  #quietly(run) {
    try {
      run();
    } catch (error) {
      this.#error(error);
    }
  }

  #error(error) {
    try {
      this.onerror?.(error);
    } catch (thrown) {
      report(thrown);
    }
  }
}

/** A notification of a subscription names the request that opened it: by the host's id. */
function withId(message, id) {
  const { method, params } = message;
  const { _meta } = params ?? {};
  if (id === undefined || _meta?.[SUBSCRIPTION] === undefined) return message;
  return { method, params: { ...params, _meta: { ..._meta, [SUBSCRIPTION]: id } } };
}
