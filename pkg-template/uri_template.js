// URI templates as resource templates have them: RFC 6570, all four levels.

import { wrong } from "./checks.js";

/** What an operator begins with, separates by, and writes for an empty value that has its name (RFC 6570, appendix A). */
const OPERATORS = {
  "": { first: "", separator: ",", named: false, empty: "", reserved: false },
  "+": { first: "", separator: ",", named: false, empty: "", reserved: true },
  "#": { first: "#", separator: ",", named: false, empty: "", reserved: true },
  ".": { first: ".", separator: ".", named: false, empty: "", reserved: false },
  "/": { first: "/", separator: "/", named: false, empty: "", reserved: false },
  ";": { first: ";", separator: ";", named: true, empty: "", reserved: false },
  "?": { first: "?", separator: "&", named: true, empty: "=", reserved: false },
  "&": { first: "&", separator: "&", named: true, empty: "=", reserved: false },
};

/** A name, with a length or an asterisk. Names with hyphens are taken: servers write them. */
const VARIABLE = /^((?:[\w-]|%[\da-f]{2})+(?:\.(?:[\w-]|%[\da-f]{2})+)*)(?::([1-9]\d{0,3})|(\*))?$/i;

export class UriTemplate {
  /** Texts, and `{ operator, variables: { name, length, explode }[] }` between them. */
  #parts;

  constructor(template) {
    const text = typeof template?.uriTemplate === "string" ? template.uriTemplate : template;
    if (typeof text !== "string") throw wrong("template", "a string, or a resource template", text);
    this.#parts = parse(text);
    this.template = text;
    const names = this.#parts.flatMap((part) => part.variables?.map(({ name }) => name) ?? []);
    this.variables = Object.freeze([...new Set(names)]);
    Object.freeze(this);
  }

  expand(values = {}) {
    if (values === null || typeof values !== "object" || Array.isArray(values)) throw wrong("values", "an object", values);
    return this.#parts.map((part) => (typeof part === "string" ? encode(part, true) : expand(part, values))).join("");
  }

  async complete(session, { name, value, values = {} }, options) {
    if (!this.variables.includes(name)) throw new TypeError(`name: the template has no such variable; there are ${this.variables.join(", ")}`);
    if (typeof value !== "string") throw wrong("value", "a string", value);
    const others = this.variables.filter((other) => other !== name && Object.hasOwn(values, other) && isPlain(values[other]));
    const known = Object.fromEntries(others.map((other) => [other, String(values[other])]));
    const params = { ref: { type: "ref/resource", uri: this.template }, argument: { name, value } };
    if (others.length > 0) params.context = { arguments: known };
    return (await session.complete(params, options)).completion;
  }

  toString() {
    return this.template;
  }
}

function parse(text) {
  const parts = [];
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf("{", at);
    const literal = open < 0 ? text.slice(at) : text.slice(at, open);
    if (literal.includes("}")) throw new TypeError(`template: a } without its { at ${at + literal.indexOf("}")}`);
    if (literal !== "") parts.push(literal);
    if (open < 0) break;
    const close = text.indexOf("}", open);
    if (close < 0) throw new TypeError(`template: a { without its } at ${open}`);
    parts.push(parseExpression(text.slice(open + 1, close), open));
    at = close + 1;
  }
  return parts;
}

function parseExpression(text, at) {
  const given = text[0] !== undefined && Object.hasOwn(OPERATORS, text[0]) ? text[0] : "";
  const variables = text.slice(given.length).split(",").map((variable) => {
    const [, name, length, explode] = VARIABLE.exec(variable) ?? [];
    if (name === undefined) throw new TypeError(`template: the expression at ${at} is none of RFC 6570`);
    return { name, length: length && Number(length), explode: explode !== undefined };
  });
  return { operator: OPERATORS[given], variables };
}

function expand({ operator, variables }, values) {
  const defined = variables.flatMap((variable) => {
    const value = Object.hasOwn(values, variable.name) ? read(variable.name, values[variable.name]) : undefined;
    return value === undefined ? [] : expandOne(operator, variable, value);
  });
  return defined.length === 0 ? "" : operator.first + defined.join(operator.separator);
}

/** A string, a list of strings, or `{ pairs }`; `undefined` of what is not defined, as an empty list is not. */
function read(name, value) {
  if (value === undefined || value === null) return undefined;
  if (isPlain(value)) return String(value);
  if (typeof value !== "object") throw wrong(`values.${name}`, "a string, a number, a list or an object of these", value);
  const pairs = Object.entries(value).filter(([, item]) => item !== undefined && item !== null);
  for (const [key, item] of pairs) {
    if (!isPlain(item)) throw wrong(`values.${name}.${key}`, "a string or a number", item);
  }
  if (pairs.length === 0) return undefined;
  return Array.isArray(value) ? pairs.map(([, item]) => String(item)) : { pairs: pairs.map(([key, item]) => [key, String(item)]) };
}

/** (RFC 6570, 3.2.1.) What is separated by the operator's separator. */
function expandOne({ named, empty, reserved }, { name, length, explode }, value) {
  const written = (text) => encode(text, reserved);
  const withName = (key, text) => (named ? key + (text === "" ? empty : `=${text}`) : text);
  if (typeof value === "string") return [withName(name, written(length === undefined ? value : [...value].slice(0, length).join("")))];
  if (length !== undefined) throw new TypeError(`values.${name}: expected a string or a number, of which the template takes the first ${length} characters`);
  if (Array.isArray(value)) {
    return explode ? value.map((item) => withName(name, written(item))) : [withName(name, value.map(written).join(","))];
  }
  const pairs = value.pairs.map((pair) => pair.map(written));
  if (!explode) return [withName(name, pairs.join(","))];
  return pairs.map(([key, text]) => (named ? withName(key, text) : `${key}=${text}`));
}

/** All but unreserved characters as triplets; with `reserved` those stay as well, and triplets that are there. */
function encode(text, reserved) {
  const kept = reserved ? /(%[\da-f]{2}|[\w.~!#$&'()*+,/:;=?@[\]-]+)/i : /([\w.~-]+)/;
  return text.split(kept).map((part, at) => (at % 2 === 1 ? part : triplets(part))).join("");
}

function triplets(text) {
  const bytes = new TextEncoder().encode(text);
  return Array.from(bytes, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

function isPlain(value) {
  return ["string", "number", "boolean"].includes(typeof value);
}
