// The session as hosts see it: arguments in, promises out.

import { paramsToJson } from "./json.js";
import { checkHandler, promiseOf, readClose, readRequest, readSignal, wrong } from "./options.js";

/** Methods that make a session, and are the session's own. */
const HANDSHAKE = ["initialize", "notifications/initialized"];

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

  async request(method, params, options) {
    checkMethod(method);
    const read = readRequest(options);
    return this.#link.call(method, paramsToJson(checkParams(params), read._meta), read);
  }

  async callTool(params, options) {
    if (typeof checkParams(params)?.name !== "string") throw wrong("params.name", "a string", params?.name);
    return this.request("tools/call", params, options);
  }

  async listTools(params, options) {
    return this.request("tools/list", params, options);
  }

  async ping(options) {
    return this.request("ping", undefined, options);
  }

  async notify(method, params) {
    checkMethod(method);
    await this.#link.notify(method, paramsToJson(checkParams(params)));
  }

  on(event, listener) {
    return this.#link.on(event, listener);
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
    if (Symbol.asyncDispose) {
      this.prototype[Symbol.asyncDispose] = function () {
        return this.close();
      };
    }
  }
}

function checkMethod(method) {
  if (typeof method !== "string" || method === "") throw wrong("method", "a string that is not empty", method);
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
