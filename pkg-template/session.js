// The session as hosts see it: arguments in, promises out.

import { paramsToJson } from "./json.js";
import { allPages } from "./pages.js";
import { noMore, oneOf, wrong } from "./checks.js";
import { checkHandler, promiseOf, readClose, readRequest, readSignal, readTask, readTrace } from "./options.js";

/** Methods that make a session, and are the session's own. */
const HANDSHAKE = ["initialize", "notifications/initialized"];

/** (2025-11-25, Logging, Log Levels.) */
const level = oneOf("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency");

export class Session {
  #link;

  constructor(link) {
    this.#link = link;
  }

  get url() {
    return this.#link.url;
  }

  get status() {
    return this.#link.status;
  }

  request(method, params, options) {
    return this.#ask(method, params, options);
  }

  callTool(params, options) {
    return this.#ask("tools/call", params, options, "name");
  }

  /** `field`: there must be a string of this name among the parameters. The promise is the call's own: each more would be work. */
  #ask(method, params, options, field) {
    try {
      checkMethod(method);
      checkParams(params);
      if (field && typeof params?.[field] !== "string") throw wrong(`params.${field}`, "a string", params?.[field]);
      const read = readRequest(options);
      const { trace, structured } = this.#link;
      const text = paramsToJson(params, read._meta, trace && readTrace(trace));
      const result = this.#link.call(method, text, read);
      return structured ? this.#checked(result, method, params, text.name, read.signal) : result;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #checked(result, method, params, name, signal) {
    const { structured } = this.#link;
    if (method === "tools/list") structured.learn((await result).tools ?? []);
    if (method !== "tools/call" || params?.task !== undefined) return result;
    return structured.checked(name, await result, () => this.#listAll(), signal);
  }

  async resumeTask(task, options) {
    const named = readTask(task);
    const read = readRequest(options);
    const { structured } = this.#link;
    const name = structured && this.#link.toolOf(named);
    const result = this.#link.resumeTask(named, read);
    return name === undefined ? result : structured.checked(name, await result, () => this.#listAll(), read.signal);
  }

  get pendingTasks() {
    return this.#link.pendingTasks;
  }

  listTools(params, options) {
    return this.request("tools/list", params, options);
  }

  /** So that the schemas of all tools are known. */
  async #listAll() {
    for await (const _ of this.tools());
  }

  listResources(params, options) {
    return this.request("resources/list", params, options);
  }

  listResourceTemplates(params, options) {
    return this.request("resources/templates/list", params, options);
  }

  listPrompts(params, options) {
    return this.request("prompts/list", params, options);
  }

  tools(options) {
    return this.#pages((page) => this.listTools(page, options), "tools");
  }

  resources(options) {
    return this.#pages((page) => this.listResources(page, options), "resources");
  }

  resourceTemplates(options) {
    return this.#pages((page) => this.listResourceTemplates(page, options), "resourceTemplates");
  }

  prompts(options) {
    return this.#pages((page) => this.listPrompts(page, options), "prompts");
  }

  #pages(list, field) {
    const warn = (hint) => this.#link.warn("bad_cursor", hint);
    const version = () => this.status.protocolVersion;
    const generation = () => this.status.generation;
    return allPages(list, field, { maxPages: this.#link.maxPages, version, generation, warn });
  }

  readResource(params, options) {
    return this.#ask("resources/read", params, options, "uri");
  }

  subscribeResource(params, options) {
    return this.#ask("resources/subscribe", params, options, "uri");
  }

  unsubscribeResource(params, options) {
    return this.#ask("resources/unsubscribe", params, options, "uri");
  }

  getPrompt(params, options) {
    return this.#ask("prompts/get", params, options, "name");
  }

  async complete(params, options) {
    for (const field of ["ref", "argument"]) {
      const value = checkParams(params)?.[field];
      if (value === null || typeof value !== "object") throw wrong(`params.${field}`, "an object", value);
    }
    return this.request("completion/complete", params, options);
  }

  async setLoggingLevel(given, options) {
    return this.request("logging/setLevel", { level: level("level", given) }, options);
  }

  ping(options) {
    return this.request("ping", undefined, options);
  }

  async notify(method, params) {
    checkMethod(method);
    await this.#link.notify(method, paramsToJson(checkParams(params)));
  }

  on(event, listener) {
    return this.#link.on(event, listener);
  }

  async authorize(options) {
    await this.#link.authorize(readSignal(options));
    return this.status;
  }

  async verify(options) {
    await this.#link.verify(readSignal(options));
    return this.status;
  }

  async reconnect(options) {
    await this.#link.reconnect(readSignal(options));
    return this.status;
  }

  async close(options) {
    return this.#link.close(readClose(options).terminate ?? true);
  }

  async signOut() {
    return this.#link.signOut();
  }

  setRequestHandler(method, handler) {
    checkHandler("handler", method, handler);
    const capability = promiseOf(method);
    if (capability !== undefined && this.#link.capabilities[capability] === undefined) {
      throw new TypeError(
        `method: "${method}" needs the capability ${capability}, which was not declared; give connect the option handlers`,
      );
    }
    this.#link.handle(method, handler);
  }

  getServerCapabilities() {
    return this.status.capabilities;
  }

  getServerVersion() {
    return this.status.serverInfo;
  }

  getInstructions() {
    return this.status.instructions;
  }

  static {
    noMore(this, "on", "setRequestHandler", "tools", "resources", "resourceTemplates", "prompts");
    if (Symbol.asyncDispose) {
      this.prototype[Symbol.asyncDispose] = function () {
        return this.close();
      };
    }
  }
}

function checkMethod(method) {
  if (typeof method !== "string" || method === "") throw wrong("method", "a string that is not empty, and the parameters after it", method);
  if (HANDSHAKE.includes(method)) throw new TypeError(`method: "${method}" is sent by the session itself`);
}

function checkParams(params) {
  if (params === undefined) return undefined;
  if (params === null || typeof params !== "object" || Array.isArray(params)) throw wrong("params", "an object", params);
  const { _meta } = params;
  if (_meta !== undefined && (_meta === null || typeof _meta !== "object" || Array.isArray(_meta))) {
    throw wrong("params._meta", "an object", _meta);
  }
  return params;
}
