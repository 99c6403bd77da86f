/**
 * What a host needs for the form of an elicitation: its fields, their defaults, and whether an answer fits. Each function
 * takes the parameters of `elicitation/create` in form mode, or the `requestedSchema` alone. What in a schema is not as the
 * specification has it (another type, a pattern) asks nothing. This module loads nothing else. (MCP, Elicitation: Requested
 * Schema.)
 */

import type { ElicitContent, ElicitFormParams, ElicitResult, ElicitSchema, PrimitiveSchema } from "./types.js";

/**
 * The fields, in the order of the schema.
 *
 * @throws {TypeError} `schema` is no object. So do all functions here.
 */
export function fields(schema: ElicitSchema | ElicitFormParams): FormField[];

/** The values that the form begins with: the schema's defaults, as far as they fit it. */
export function defaults(schema: ElicitSchema | ElicitFormParams): ElicitContent;

/**
 * What the user has filled into a form whose controls have the names of the fields: text as text, numbers as numbers, a box as yes
 * or no (its value does not matter, but for `"false"`), several boxes or a list as the chosen values, what `datetime-local`
 * gives in UTC. What was left empty is missing.
 *
 * @throws {TypeError} `form` is no `FormData`.
 */
export function contentOf(schema: ElicitSchema | ElicitFormParams, form: FilledForm): { [name: string]: unknown };

/**
 * What is wrong with an answer; empty where it fits.
 *
 * @param content The values by the names of the fields, where a member that is `undefined` is missing; or a form, as
 *   {@link contentOf} takes it.
 */
export function problems(schema: ElicitSchema | ElicitFormParams, content: { readonly [name: string]: unknown } | FilledForm): FormProblem[];

/**
 * The answer that accepts, with the schema's defaults for what `content` lacks: for a handler to return.
 *
 * @throws {TypeError} It does not fit; `problems` of the error says why. Nothing was sent.
 */
export function accept(schema: ElicitSchema | ElicitFormParams, content?: { readonly [name: string]: unknown } | FilledForm): ElicitResult;

/** A `FormData`, as far as it is used. */
export interface FilledForm {
  has(name: string): boolean;
  get(name: string): unknown;
  getAll(name: string): unknown[];
}

/** One field of a form. Texts are the server's: show them as text. */
export interface FormField {
  name: string;
  /** Default: the name. */
  title: string;
  description: string | undefined;
  required: boolean;
  /** What is filled in: one of `choices`, some of them, or what the name says; `"unknown"` is nothing of the specification's. */
  kind: "string" | "number" | "integer" | "boolean" | "choice" | "choices" | "unknown";
  /** With `"choice"` and `"choices"`. */
  choices: { value: string; title: string }[] | undefined;
  /** With `"string"`. */
  format: "email" | "uri" | "date" | "date-time" | undefined;
  /** Where the schema has one that fits it. */
  default: string | number | boolean | string[] | undefined;
  /** For what else it says: `minLength`, `maximum` … */
  schema: PrimitiveSchema;
}

/** What is wrong with one field of an answer. */
export interface FormProblem {
  /** Of the field. */
  name: string;
  kind: "missing" | "unexpected" | "type" | "length" | "format" | "range" | "choice" | "count";
  /** For people, in English: what is expected, in a sentence. Nothing of the server's or the user's is in it but bounds. */
  message: string;
}
