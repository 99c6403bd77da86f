// Loading the WebAssembly: where from, and plain words for what goes wrong there.

import { loadError } from "./error.js";

const VITE = 'With Vite 6 or 7 in dev, add optimizeDeps: { exclude: ["mcp-evergreen"] } to its configuration';
const OUTSIDE = "Vite in dev answers so where the package lies outside of its root, behind a link perhaps: add its folder to server.fs.allow";
const ELSEWHERE = "or call init(url) with the address at which your server has the file";
const NOWHERE =
  "This build does not know where it is: `import.meta.url` is empty, as in bundles of the formats iife and cjs. Build it as esm, " +
  `import mcp-evergreen/inline in its place, ${ELSEWHERE}.`;
const CSP = "Add 'wasm-unsafe-eval' to script-src of the page's Content-Security-Policy.";

/** Where the modules come from: the files beside this one. */
const own = {
  sessions: () => new URL("./wasm/mcp_evergreen_bg.wasm", import.meta.url),
  authorizations: () => new URL("./wasm/mcp_evergreen_auth_bg.wasm", import.meta.url),
};

/** Functions that give the bytes, where there are no files. */
export function build(sources) {
  Object.assign(own, sources);
}

/** The compiled module from `source`; without one, from the file beside this one. */
export async function compile(kind, source) {
  const given = await (source === undefined ? beside(kind) : source);
  try {
    return await fromGiven(given);
  } catch (error) {
    throw plain(error);
  }
}

function beside(kind) {
  try {
    return own[kind]();
  } catch (cause) {
    throw loadError(NOWHERE, { cause, retryable: false });
  }
}

async function fromGiven(given) {
  if (isTagged(given, "WebAssembly.Module")) return given;
  if (ArrayBuffer.isView(given) || isTagged(given, "ArrayBuffer")) return fromBytes(given, "The given bytes are");
  if (typeof given?.arrayBuffer === "function") return fromResponse(given);
  if (typeof given === "string" || given instanceof URL) return fromUrl(absolute(given));
  throw new TypeError("source: expected a URL, a Response, bytes, a WebAssembly.Module, or a promise of one of these");
}

function absolute(given) {
  try {
    return new URL(given, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch {
    throw new TypeError(`source: "${given}" is no URL`);
  }
}

async function fromUrl(url) {
  // Node cannot fetch a file. Asking the process keeps node: specifiers away from browsers and bundlers.
  const fs = url.protocol === "file:" && globalThis.process?.getBuiltinModule?.("node:fs");
  if (fs) return fromBytes(await read(fs, url), `${url.href} is`);
  let response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw loadError(`The WebAssembly could not be downloaded from ${url.href}. The next connect tries again.`, { cause });
  }
  return fromResponse(response, url.href);
}

async function read(fs, url) {
  try {
    return await fs.promises.readFile(url);
  } catch (cause) {
    throw loadError(`The WebAssembly could not be read from ${url.href} (${cause.code}).`, { cause });
  }
}

async function fromResponse(response, url = response.url || "the given Response") {
  const type = response.headers?.get("content-type")?.split(";")[0].trim().toLowerCase() ?? "";
  if (response.ok === false) {
    const hint = `Serve the file, ${ELSEWHERE}. ${response.status === 403 ? OUTSIDE : VITE}.`;
    const diagnosis = { kind: "wasm_missing", hint };
    const message = `The request for the WebAssembly at ${url} was answered with HTTP ${response.status}. ${hint}`;
    throw loadError(message, { httpStatus: response.status, diagnosis });
  }
  if (type === "application/wasm" && response instanceof Response && WebAssembly.compileStreaming) {
    return WebAssembly.compileStreaming(response);
  }
  return fromBytes(await response.arrayBuffer(), `${url} is`, type);
}

function fromBytes(bytes, what, type = "") {
  const start = new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, Math.min(bytes.byteLength, 64));
  if (String.fromCharCode(...start.subarray(0, 4)) === "\0asm") return WebAssembly.compile(bytes);
  const html = type === "text/html" || /^\s*</.test(String.fromCharCode(...start));
  const hint = html
    ? `The server answers HTML for the .wasm file. ${VITE}, ${ELSEWHERE}.`
    : `Serve the file as it is in the package, ${ELSEWHERE}.`;
  const came = html ? "an HTML page" : `${bytes.byteLength} bytes${type && ` of type ${type}`} that are no WebAssembly`;
  throw loadError(`${what} ${came}. ${hint}`, { diagnosis: { kind: html ? "wasm_html" : "wasm_invalid", hint } });
}

/** What the platform threw, in words that say what to do. */
function plain(error) {
  if (error instanceof TypeError && error.message.startsWith("source:")) return error;
  if (error?.name === "McpError") return error;
  const hint = /unsafe-eval|content security policy/i.test(error?.message) ? CSP : undefined;
  const diagnosis = hint && { kind: "wasm_csp", header: "Content-Security-Policy", hint };
  const message = `The WebAssembly could not be compiled: ${error?.message ?? error}`;
  return loadError(hint ? `${message} ${hint}` : message, { cause: error, diagnosis, retryable: !hint });
}

/** Also true for objects of another realm. */
function isTagged(value, tag) {
  return Object.prototype.toString.call(value) === `[object ${tag}]`;
}
