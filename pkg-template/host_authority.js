// Authorizations beneath a host's own Client: what the host has decided about scopes, and what its provider throws.

import { Authority } from "./authority.js";
import { challenge as read } from "./challenge.js";
import { fromCore } from "./error.js";
import { hosts, lacksScope } from "./host_errors.js";

/** Troubles of a discovery: what a provider has kept of an earlier one may be of yesterday. */
const STALE = ["issuer_mismatch", "no_metadata", "no_pkce", "other_issuer", "resource_mismatch", "unreachable", "unsafe_url"];

/** As an `Authority`, which it asks. */
export class HostAuthority {
  #authority;
  #auth;
  #options;
  /** Step-ups in a row that no answer has followed but the next refusal. */
  #stepUps = 0;

  /** `auth`: what `byOurselves` gives; or nothing, where `authority` is not our flow. */
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
      if (response.ok) this.#stepUps = 0;
      return response;
    };
  }

  async authorize(wanted, more) {
    if (wanted.status === 403) {
      const { maxStepUpRetries, onInsufficientScope, errors } = this.#options;
      const said = read(wanted.challenge);
      if (said.error === "insufficient_scope" && onInsufficientScope === "throw") return { thrown: lacksScope(said, errors) };
      if (this.#stepUps >= maxStepUpRetries) {
        return { thrown: refusal(`The server refuses the token for want of a scope, after ${this.#stepUps} step-ups (maxStepUpRetries).`) };
      }
      this.#stepUps++;
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

function refusal(message) {
  return Object.assign(new Error(message), { httpStatus: 403 });
}
