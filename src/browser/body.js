// The bodies of answers, for exchange.js; and values of the engine's, for payload.rs.

/** A body as chunks. */
export class Body {
  #reader;
  #ahead = [];

  constructor(reader) {
    this.#reader = reader;
  }

  /** Or a promise of it. A body that is not `wanted` is not waited for. */
  static of(response, wanted) {
    const { body } = response;
    if (typeof body?.getReader === "function") return new Body(body.getReader());
    // A host's own Response without streams is read all at once.
    return body === null || !wanted ? new Body() : whole(response);
  }

  /** Its first characters that are no blanks, as many as tell what it is. They are read again. */
  async begins() {
    const chunks = [];
    let begins = "";
    for (let chunk; !TELLS.test(begins) && (chunk = this.took(await this.read())); ) {
      chunks.push(chunk);
      const start = begins === "" ? chunk.findIndex((byte) => !isBlank(byte)) : 0;
      if (start >= 0) begins += String.fromCharCode(...chunk.subarray(start, start + 6));
    }
    this.#ahead = chunks;
    return begins;
  }

  /** Waits for what `took` takes: there is one promise for a chunk, the reader's own. */
  read() {
    if (this.#ahead.length > 0) return { value: this.#ahead.shift() };
    return this.#reader ? this.#reader.read() : { done: true };
  }

  /** The chunk; `undefined` at the end. */
  took({ done, value }) {
    if (done) {
      this.#reader = undefined;
      return undefined;
    }
    if (!ArrayBuffer.isView(value)) throw new TypeError("The body of the Response gave a chunk that is no Uint8Array.");
    // Of whatever kind and realm.
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }

  /** What was not read to its end is given back. */
  cancel() {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader) giveBack(reader);
  }
}

async function whole(response) {
  const chunks = [new TextEncoder().encode(await response.text())];
  return new Body({ read: () => ({ done: chunks.length === 0, value: chunks.pop() }), cancel() {} });
}

async function giveBack(reader) {
  try {
    await reader.cancel();
  } catch {
    // It broke off before.
  }
}

/** Enough to tell. */
const TELLS = /^\W|^\w+\W|^\w{6}/;

function isBlank(byte) {
  // The last three are a byte order mark.
  return byte === 32 || (byte > 8 && byte < 14) || byte === 0xef || byte === 0xbb || byte === 0xbf;
}

/** Its first `max` bytes; what is no UTF-8 is replaced. */
export async function text(body, max) {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "";
  for (let room = max; room > 0; ) {
    const chunk = body.took(await body.read())?.subarray(0, room);
    if (!chunk) break;
    room -= chunk.length;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** One message to a line, as some servers that speak of progress write them; `undefined` where it is not that. */
export function lines(text) {
  if (!/}\s*\n\s*{/.test(text)) return undefined;
  try {
    return text.split("\n").filter((line) => line.trim() !== "").map((line) => JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** What the module reads of a string is cut here, before it is copied. */
export function textOf(value, most) {
  if (typeof value !== "string") return undefined;
  return value.length > most ? value.slice(0, most) : value;
}

/** A member of an object, or of an array; `undefined` of what is neither. */
export function memberOf(value, name) {
  return typeof value === "object" && value !== null ? value[name] : undefined;
}

/** The same of a member. */
export function textIn(value, name, most) {
  return textOf(memberOf(value, name), most);
}

export function numberIn(value, name) {
  const member = memberOf(value, name);
  return typeof member === "number" ? member : undefined;
}

/** The JSON text that stands in a part of a string. */
export function parsePart(text, from, to) {
  return JSON.parse(text.slice(from, to));
}

export function isPlain(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
