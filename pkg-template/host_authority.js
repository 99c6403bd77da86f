// Authorizations beneath a host's own Client: what the host has decided about scopes, and what its provider throws.

import { Authority } from "./authority.js";
import { challenge as read } from "./challenge.js";
import { fromCore } from "./error.js";
import { hosts, lacksScope, steppedUp } from "./host_errors.js";

/** Troubles of a discovery: what a provider has kept of an earlier one may be of yesterday. */
const STALE = ["issuer_mismatch", "no_metadata", "no_pkce", "other_issuer", "resource_mismatch", "unreachable", "unsafe_url"];

const NOBODY = "there is no provider that could ask for more";

/** As an `Authority`, which it asks, where there is one. */
export class HostAuthority {
  #authority;
  #auth;
  #options;
  /** Step-ups in a row of what is sent again, that no answer has followed but the next refusal. */
  #stepUps = 0;
  /** The words beside the statuses of refusals. */
  #texts = new Map();
  /** What the last 403 said, if it was for want of a scope. */
  #lacking;

  /** `auth`: what `byOurselves` gives; or nothing, where `authority` is not our flow: its `stepsUp` says whether it can ask for more. */
  constructor(authority, auth, { maxStepUpRetries = 1, onInsufficientScope, errors }) {
    this.#authority = authority;
    this.#auth = auth;
    this.#options = { maxStepUpRetries, onInsufficientScope, errors };
  }

  static ours(load, auth, options) {
    return new HostAuthority(new Authority(load, auth), auth, options);
  }

  /** Sees what the MCP server answers. */
  watch(send) {
    return async (input, init) => {
      const response = await send(input, init);
      // A host's `fetch` may give anything.
      const { ok, status, statusText, headers } = Object(response);
      if (!ok) this.#texts.set(status, String(statusText ?? ""));
      const said = status === 403 ? read(headers?.get?.("www-authenticate")) : {};
      if (ok) this.#stepUps = 0;
      if (status === 403) this.#lacking = said.error === "insufficient_scope" ? said : undefined;
      return response;
    };
  }

  /** Whether there is a provider, whom a refusal was told. */
  get isAsked() {
    return this.#authority !== undefined;
  }

  /** The words that came with this status last. */
  statusText(status) {
    return this.#texts.get(status);
  }

  /** The error of a refusal for want of a scope that nobody is asked about any more; `undefined` where the last one was for another reason. */
  lack() {
    const { errors } = this.#options;
    if (!this.#lacking) return undefined;
    return this.#stepsUp ? steppedUp(Math.max(1, this.#stepUps), errors) : lacksScope(this.#lacking, errors, NOBODY);
  }

  get #stepsUp() {
    return this.#auth !== undefined || this.#authority?.stepsUp === true;
  }

  async authorize(wanted, more) {
    const result = await this.#obtain(wanted, more);
    // What was refused is over by that: whoever calls again asks again, and so it is once the user is back.
    const { thrown, error, needsUser } = result;
    if (wanted.finish || thrown !== undefined || error || needsUser) this.#stepUps = 0;
    return result;
  }

  async #obtain(wanted, more) {
    if (wanted.status === 403) {
      const { maxStepUpRetries, onInsufficientScope, errors } = this.#options;
      const said = read(wanted.challenge);
      const lacks = said.error === "insufficient_scope";
      if (lacks && onInsufficientScope === "throw") return { thrown: lacksScope(said, errors, "the host wants none asked for") };
      if (lacks && !this.#stepsUp) return { thrown: lacksScope(said, errors, NOBODY) };
      // For another reason nobody is asked by the SDK's function.
      if (lacks || this.#auth) {
        if (this.#stepUps >= maxStepUpRetries) return { thrown: steppedUp(this.#stepUps, errors) };
        this.#stepUps++;
      }
    }
    const requests = this.#auth?.requests;
    if (!requests) return this.#authority.authorize(wanted, more);
    // A server that refuses the token that it took may have another authorization server now.
    await requests.begin(wanted.status === 401 && wanted.token !== undefined);
    let result = await this.#ask(wanted, more);
    if (requests.isKnown && STALE.includes(result.error?.diagnosis?.kind)) {
      await this.#auth.forgetDiscovery();
      await requests.begin(true);
      result = await this.#ask(wanted, more);
    }
    return result;
  }

  async #ask(wanted, more) {
    const result = await this.#authority.authorize(wanted, more);
    // What was finished is not told to the core, which asks for it by itself.
    if (result.error === undefined && !wanted.finish && !result.needsUser && result.thrown === undefined) this.#auth.goWith(result.token);
    const { requests } = this.#auth;
    return requests.failure === undefined ? result : { thrown: hosts(requests.failure) };
  }

  /** Takes what the user has come back with. */
  async takeReturned() {
    const { thrown, error } = await this.authorize({ ask: false, finish: true });
    if (thrown !== undefined) throw thrown;
    if (error) throw fromCore(error);
  }

  signOut() {
    return this.#authority.signOut?.();
  }
}
