// What a host needs for the form of an elicitation: its fields, their defaults, and whether an answer fits (2025-11-25,
// Elicitation, Requested Schema). The schema is the server's: what in it is not as the specification has it asks nothing.

import { object, wrong } from "./checks.js";

/** (RFC 3339, 5.6.) */
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;

const FORMATS = {
  email: { fits: (text) => /^[^\s@]+@[^\s@]+$/.test(text), expected: "an email address" },
  uri: { fits: (text) => /^[a-z][a-z\d+.-]*:\S*$/i.test(text), expected: "an address with its scheme, such as https://example.com" },
  date: { fits: isDate, expected: "a date as 2026-12-31" },
  "date-time": { fits: isDateTime, expected: "a date and time as 2026-12-31T23:59:59Z" },
};

export function fields(schema) {
  const { properties, required } = read(schema);
  return Object.entries(properties).map(([name, property]) => {
    const { kind, choices } = shapeOf(property);
    const fits = property.default !== undefined && checkField(property, property.default) === undefined;
    return {
      name,
      title: text(property.title) ?? name,
      description: text(property.description),
      required: required.includes(name),
      kind,
      choices,
      format: formatOf(property) && property.format,
      default: fits ? property.default : undefined,
      schema: property,
    };
  });
}

export function defaults(schema) {
  const known = fields(schema).filter((field) => field.default !== undefined);
  return Object.fromEntries(known.map((field) => [field.name, field.default]));
}

/** What a form holds, as the schema has it; a member that is missing was left empty. */
export function contentOf(schema, form) {
  if (!isForm(form)) throw wrong("form", "a FormData", form);
  const given = fields(schema).map((field) => [field.name, valueOf(field, form)]);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

export function problems(schema, given) {
  const { properties, required } = read(schema);
  const content = isForm(given) ? contentOf(schema, given) : object("content", given);
  const present = Object.entries(content).filter(([, value]) => value !== undefined);
  const found = present.map(([name, value]) => {
    const known = Object.hasOwn(properties, name);
    return { name, ...(known ? checkField(properties[name], value) : problem("unexpected", "There is no such field.")) };
  });
  const missing = required.filter((name) => !present.some(([key]) => key === name));
  return [...missing.map((name) => ({ name, ...problem("missing", "It must be filled in.") })), ...found.filter(({ kind }) => kind !== undefined)];
}

export function accept(schema, content = {}) {
  const filledIn = isForm(content) ? contentOf(schema, content) : object("content", content);
  const given = Object.entries(filledIn).filter(([, value]) => value !== undefined);
  const filled = { ...defaults(schema), ...Object.fromEntries(given) };
  const found = problems(schema, filled);
  if (found.length === 0) return { action: "accept", content: filled };
  const all = found.map(({ name, message }) => `${name}: ${message}`).join(" ");
  throw Object.assign(new TypeError(`content: does not fit what is asked for. ${all}`), { problems: found });
}

/** A `FormData`: of an answer no member is a function. */
function isForm(given) {
  return ["has", "get", "getAll"].every((name) => typeof given?.[name] === "function");
}

function valueOf({ name, kind, format, required, default: begin }, form) {
  // A box that is not ticked is not in it.
  if (kind === "boolean") return form.has(name) && form.get(name) !== "false";
  if (kind === "choices") {
    const values = form.getAll(name);
    return values.length > 0 || required || begin !== undefined ? values : undefined;
  }
  const text = form.get(name);
  // An empty text is one where the default was deleted: else it would be filled in again.
  if (text === null || (text === "" && !(kind === "string" && begin !== undefined))) return undefined;
  if (kind === "number" || kind === "integer") return Number(text);
  return format === "date-time" ? inUtc(text) : text;
}

/** What a field for date and time gives is local, and has no zone. */
function inUtc(text) {
  const date = new Date(text);
  return /^[\d-]+T[\d:.]+$/.test(text) && !Number.isNaN(date.getTime()) ? date.toISOString() : text;
}

/** Of what the server sent, what can be used; a request may be given in place of its schema. */
function read(given) {
  const schema = object("schema", given).requestedSchema ?? given;
  const { properties, required } = object("schema", schema);
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const known = Object.entries(isObject(properties) ? properties : {}).filter(([, property]) => isObject(property));
  const names = Array.isArray(required) ? required.filter((name) => typeof name === "string") : [];
  return { ...schema, properties: Object.fromEntries(known), required: [...new Set(names)] };
}

/** What is filled in, and from what. */
function shapeOf({ type, format, enum: values, enumNames, oneOf, items }) {
  if (type === "array") {
    const choices = choicesOf(items?.enum, undefined, items?.anyOf ?? items?.oneOf);
    return choices ? { kind: "choices", choices } : { kind: "unknown" };
  }
  const choices = choicesOf(values, enumNames, oneOf);
  if (choices) return { kind: "choice", choices };
  return { kind: ["string", "number", "integer", "boolean"].includes(type) ? type : "unknown" };
}

function choicesOf(values, names, titled) {
  if (Array.isArray(titled)) return titled.filter((one) => one?.const !== undefined).map((one) => ({ value: one.const, title: text(one.title) ?? String(one.const) }));
  if (!Array.isArray(values)) return undefined;
  return values.map((value, at) => ({ value, title: text(names?.[at]) ?? String(value) }));
}

/** `{ kind, message }` of what is wrong, if anything is. */
function checkField(property, value) {
  const { kind, choices } = shapeOf(property);
  switch (kind) {
    case "boolean":
      return typeof value === "boolean" ? undefined : problem("type", "Expected yes or no (true or false).");
    case "number":
    case "integer":
      return checkNumber(property, value);
    case "choice":
      return choices.some((choice) => choice.value === value) ? undefined : problem("choice", "Expected one of the choices.");
    case "choices":
      return checkChoices(property, choices, value);
    case "string":
      return checkString(property, value);
    default:
      return undefined;
  }
}

function checkString({ minLength, maxLength, format }, value) {
  if (typeof value !== "string") return problem("type", "Expected text.");
  const { length } = [...value];
  if (length < minLength) return problem("length", `Expected ${minLength} characters at least.`);
  if (length > maxLength) return problem("length", `Expected ${maxLength} characters at most.`);
  const known = formatOf({ format });
  return known && !known.fits(value) ? problem("format", `Expected ${known.expected}.`) : undefined;
}

function formatOf({ format }) {
  return Object.hasOwn(FORMATS, String(format)) ? FORMATS[format] : undefined;
}

function checkNumber({ type, minimum, maximum }, value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return problem("type", "Expected a number.");
  if (type === "integer" && !Number.isInteger(value)) return problem("type", "Expected a whole number.");
  if (value < minimum) return problem("range", `Expected ${minimum} at least.`);
  return value > maximum ? problem("range", `Expected ${maximum} at most.`) : undefined;
}

function checkChoices({ minItems, maxItems }, choices, value) {
  if (!Array.isArray(value)) return problem("type", "Expected a list.");
  if (!value.every((one) => choices.some((choice) => choice.value === one))) return problem("choice", "Expected some of the choices.");
  if (new Set(value).size < value.length) return problem("choice", "Expected each of the choices once.");
  if (value.length < minItems) return problem("count", `Expected ${minItems} choices at least.`);
  return value.length > maxItems ? problem("count", `Expected ${maxItems} choices at most.`) : undefined;
}

function problem(kind, message) {
  return { kind, message };
}

function text(value) {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isDate(value) {
  const [, year, month, day] = DATE.exec(value) ?? [];
  if (year === undefined) return false;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}

function isDateTime(value) {
  return /^t$/i.test(value[10]) && isDate(value.slice(0, 10)) && TIME.test(value.slice(11));
}
