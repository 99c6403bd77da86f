/**
 * URI templates, as resource templates have them (RFC 6570, all four levels), with the server's suggestions for what goes
 * into them. This module loads nothing else.
 */

import type { CompleteResult, RequestOptions, ResourceTemplate, Session } from "./types.js";

/** What a variable can be given: a member that is `undefined` or `null`, and a list or an object of none, is left out. */
export type UriTemplateValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly (string | number | boolean | null | undefined)[]
  | { readonly [key: string]: string | number | boolean | null | undefined };

/** A template that can be expanded. It does not change. */
export class UriTemplate {
  /**
   * @param template The template, or what {@link Session.resourceTemplates} gives.
   * @throws {TypeError} It is none of RFC 6570; the message says where. Names may have hyphens, which RFC 6570 has not.
   */
  constructor(template: string | Pick<ResourceTemplate, "uriTemplate">);

  /** As it was given. */
  readonly template: string;

  /** The names of the variables, each once, in the order of the template. */
  readonly variables: readonly string[];

  /**
   * The URI with these values in it, encoded as the template wants them, for {@link Session.readResource}. What is not given
   * is left out; what the template does not name is not used.
   *
   * @throws {TypeError} A value of a wrong type; the message names it.
   */
  expand(values?: { readonly [name: string]: UriTemplateValue }): string;

  /**
   * What the server suggests for a variable. (MCP, Completion.)
   *
   * @param argument The variable's name, what the user has typed, and what other variables have already.
   * @returns 100 values at most, the best first.
   * @throws {TypeError} The template has no such variable; and as {@link Session.complete}, by rejecting: a server without
   *   `completions` with `code: "capability"`.
   */
  complete(
    session: Pick<Session, "complete">,
    argument: { name: string; value: string; values?: { readonly [name: string]: UriTemplateValue } | undefined },
    options?: RequestOptions,
  ): Promise<CompleteResult["completion"]>;

  /** The template. */
  toString(): string;
}
