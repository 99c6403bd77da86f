// The extension io.modelcontextprotocol/skills (SEP-2640) over a Session: nothing is read before it is asked for, and nothing is given
// out that is not what the skill's entry says.

import { check, func, maxPages, noMore, object, text, wrong } from "./checks.js";
import { McpError } from "./error.js";

export const EXTENSION = "io.modelcontextprotocol/skills";

/** A skill has no more files, and no more bytes. */
const MAX_FILES = 512;
const MAX_BYTES = 16 << 20;
/** As a session has it by default. */
const MAX_PAGES = 64;

const DIGEST = /^sha256:[\da-f]{64}$/;
const DYNAMIC = "dynamic";

export class Skills {
  #session;
  #parse;
  #maxPages;

  constructor(session, options) {
    if (typeof session?.request !== "function") throw wrong("session", "a Session", session);
    this.#session = session;
    const { parseFrontmatter, maxPages: pages = MAX_PAGES } = check("", options, { parseFrontmatter: func, maxPages });
    this.#parse = func("parseFrontmatter", parseFrontmatter);
    this.#maxPages = pages;
  }

  static {
    noMore(this);
  }

  get supported() {
    return this.#declared !== undefined;
  }

  get #declared() {
    return this.#session.getServerCapabilities()?.extensions?.[EXTENSION];
  }

  async list(options) {
    this.#mustBeDeclared();
    const skills = [];
    const seen = new Set();
    const begun = performance.now();
    let cursor;
    for (let pages = 0; ; pages++) {
      if (pages >= this.#maxPages) {
        const message = `The server's list of skills has more than ${this.#maxPages} pages. The option maxPages of Skills is the bound.`;
        throw new McpError(message, { code: "too_large", outcome: "executed" });
      }
      const left = pages === 0 ? options : leftOf(options, performance.now() - begun);
      const page = await this.#session.request("skills/list", cursor === undefined ? {} : { cursor }, left);
      if (!Array.isArray(page?.skills)) throw refused("entry", undefined, "The answer to skills/list has no list of skills.");
      for (const skill of page.skills) {
        const why = wrongIn(skill) ?? (seen.has(skill.uri) ? "is listed twice" : undefined);
        if (why) throw refused("entry", skill?.uri, `An entry of skills/list ${why}.`);
        seen.add(skill.uri);
        skills.push(skill);
      }
      cursor = page.nextCursor ?? undefined;
      if (cursor === undefined) return skills;
      if (typeof cursor !== "string") throw refused("entry", undefined, "The cursor of skills/list is no string.");
      if (seen.has(`cursor ${cursor}`)) throw refused("entry", undefined, "The pages of skills/list have no end.");
      seen.add(`cursor ${cursor}`);
    }
  }

  async get(uri, options) {
    text("uri", uri);
    this.#mustBeDeclared();
    const { skill } = (await this.#session.request("skills/get", { uri }, options)) ?? {};
    const why = wrongIn(skill) ?? (skill.uri === uri ? undefined : "is that of another skill");
    if (why) throw refused("entry", uri, `The entry that skills/get gave ${why}.`);
    return skill;
  }

  async read(skill, ref, options) {
    const why = wrongIn(object("skill", skill));
    if (why) throw new TypeError(`skill: ${why}`);
    if (ref !== undefined) text("ref", ref);
    this.#mustBeDeclared();
    const uri = resolved(ref ?? skill.uri, skill.uri);
    const entry = entryOf(skill, uri);
    const asked = entry?.uri ?? uri;
    const answer = await this.#session.readResource({ uri: asked }, options);
    const contents = Array.isArray(answer?.contents) ? answer.contents : [];
    const content = contents.find((one) => one?.uri === asked) ?? contents[0];
    const bytes = bytesOf(content);
    if (!bytes) throw refused("entry", asked, "The answer to resources/read has neither text nor bytes.");
    if (entry) await verify(entry, bytes);
    const { mimeType, text: read } = content;
    const file = { uri: asked, mimeType, bytes, verified: entry !== undefined, ...(read !== undefined && { text: read }) };
    return same(uri, skill.uri) ? { ...file, ...this.#manifest(skill, bytes) } : file;
  }

  /** The front matter is what the user has been shown of the skill. */
  #manifest(skill, bytes) {
    const read = new TextDecoder().decode(bytes).replaceAll("\r\n", "\n");
    // A line that only ends in dashes is one of the front matter.
    const [whole, yaml = ""] = /^---[ \t]*\n(?:([\s\S]*?)\n)??---[ \t]*(?:\n|$)/.exec(read) ?? [];
    if (whole === undefined) throw refused("frontmatter", skill.uri, "SKILL.md has no front matter.");
    let frontmatter;
    let differs;
    try {
      frontmatter = this.#parse(yaml);
      // What is nested too deep for the stack throws.
      differs = differences(skill.frontmatter, frontmatter);
    } catch (cause) {
      throw refused("frontmatter", skill.uri, "The front matter of SKILL.md cannot be read.", { cause });
    }
    if (differs.length > 0) {
      throw refused("frontmatter", skill.uri, "The front matter of SKILL.md is not what the entry says.", { differs });
    }
    return { text: read, frontmatter, body: read.slice(whole.length) };
  }

  #mustBeDeclared() {
    if (this.supported) return;
    const message = `The server does not declare the extension ${EXTENSION}. Nothing was sent.`;
    throw new McpError(message, { code: "capability", outcome: "not_executed" });
  }
}

/** The options of the next page: what a host gave of time is for all of them. */
function leftOf(options, spent) {
  const left = { ...options };
  for (const name of ["timeout", "maxTotalTimeout"]) {
    if (left[name] === undefined) continue;
    left[name] = Math.round(left[name] - spent);
    if (left[name] >= 1) continue;
    const message = `The list of skills was not complete within ${options[name]} ms.`;
    throw new McpError(message, { code: "timeout", outcome: "executed", retryable: true });
  }
  return left;
}

/** What is wrong with an entry, in words. */
function wrongIn(skill) {
  if (typeof skill !== "object" || skill === null) return "is no object";
  const { uri, frontmatter, resources } = skill;
  if (typeof uri !== "string" || !URL.canParse(uri) || !uri.endsWith("/SKILL.md") || !normal(uri)?.endsWith("/SKILL.md")) return "has no uri of a SKILL.md";
  if (typeof frontmatter?.name !== "string" || typeof frontmatter.description !== "string") return "has no name and description";
  if (resources === DYNAMIC) return undefined;
  if (!Array.isArray(resources)) return "has no list of resources";
  if (resources.length > MAX_FILES) return `has more than ${MAX_FILES} files`;
  if (!resources.every(isFile)) return "has a resource without uri, digest and size";
  if (resources.reduce((sum, { size }) => sum + size, 0) > MAX_BYTES) return `has more than ${MAX_BYTES} bytes`;
  const root = rootOf(uri);
  if (!resources.every((one) => isUnder(root, one.uri))) return "has a resource that lies outside of it";
  return resources.some((one) => same(one.uri, uri)) ? undefined : "does not list its SKILL.md";
}

function isFile(one) {
  const { uri, digest, size } = one ?? {};
  return typeof uri === "string" && URL.canParse(uri) && DIGEST.test(digest) && Number.isSafeInteger(size) && size >= 0;
}

const rootOf = (uri) => uri.slice(0, uri.lastIndexOf("/") + 1);

/**
 * However the name is percent-encoded, and without a fragment. `undefined` of one that cannot be decoded, and of one that a server could
 * take for a way up: `..` that is left after decoding, and a backslash.
 */
function normal(uri) {
  const url = new URL(uri);
  url.hash = "";
  try {
    const decoded = decodeURIComponent(url.href);
    return uri.includes("\\") || decoded.includes("\\") || /(?:^|[/:])\.\.(?:[/?#]|$)/.test(decoded) ? undefined : decoded;
  } catch {
    return undefined;
  }
}

const same = (one, other) => normal(one) === normal(other);

const isUnder = (root, uri) => normal(uri)?.startsWith(normal(root)) ?? false;

/** A path within the skill, or an address. */
function resolved(ref, uri) {
  const url = URL.canParse(ref) ? ref : URL.canParse(ref, rootOf(uri)) ? new URL(ref, rootOf(uri)).href : undefined;
  const isWithin = url !== undefined && !ref.includes("\\") && isUnder(rootOf(uri), url);
  if (!isWithin) throw refused("unlisted", ref, "The file lies outside of the skill. Nothing was sent.", {}, "not_executed");
  return url;
}

/** `undefined` of a skill whose files are made as they are asked for. */
function entryOf({ resources }, uri) {
  if (resources === DYNAMIC) return undefined;
  const entry = resources.find((one) => same(one.uri, uri));
  if (!entry) throw refused("unlisted", uri, "The entry of the skill does not list this file. Nothing was sent.", {}, "not_executed");
  return entry;
}

function bytesOf(content) {
  if (typeof content?.text === "string") return new TextEncoder().encode(content.text);
  if (typeof content?.blob !== "string") return undefined;
  try {
    return Uint8Array.from(atob(content.blob), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

async function verify({ uri, digest, size }, bytes) {
  if (bytes.length !== size) throw refused("size", uri, `The file has ${bytes.length} bytes, and its entry says ${size}.`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = `sha256:${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  if (found !== digest) throw refused("digest", uri, "The file is not the one of its entry: its digest is another.");
}

/** The names of the fields in which two values differ. */
function differences(one, other) {
  if (typeof other !== "object" || other === null || Array.isArray(other)) return ["it is no mapping"];
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].filter((name) => !equal(one[name], other[name]));
}

function equal(one, other) {
  if (one instanceof Date || other instanceof Date) return String(one) === String(other);
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return one === other;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => equal(one[name], other[name]));
}

/** What the server gave is not used. `data.reason` says why. */
function refused(reason, uri, message, more = {}, outcome = "executed") {
  const { cause, ...told } = more;
  return new McpError(message, { code: "protocol", outcome, data: { reason, uri, ...told }, cause });
}
