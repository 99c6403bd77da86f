// The tabs that share a session, for tabs.rs: Web Locks say which of them leads and which are gone; what they tell each
// other goes by a BroadcastChannel. What follows from that is decided there.

// What tabs.rs hears, as it numbers that.
const LEADING = 0;
const FOLLOWING = 1;
const ALONE = 2;
const TOLD = 3;
const GONE = 4;

/**
 * A tab's part in a group, until it is aborted: then its locks go to the next. Nothing is heard, by
 * `hear(what, text?, payload?)`, before the constructor has returned.
 */
export class Tabs extends AbortController {
  #name;
  #hear;
  #channel;
  #locks;
  #bid;

  /** `name`: of the group's lock and channel; `me`: this tab's. */
  constructor(name, me, hear) {
    super();
    this.#name = name;
    this.#hear = hear;
    try {
      this.#channel = new BroadcastChannel(name);
      this.#channel.onmessage = ({ data }) => {
        if (typeof data?.text === "string") hear(TOLD, data.text, data.payload);
      };
      // Only in what the browser calls a secure context.
      this.#locks = navigator.locks;
    } catch {
      // There is none here.
    }
    // Before anybody hears of this tab.
    this.#ask(me, () => new Promise((resolve) => this.signal.addEventListener("abort", resolve)));
    this.#lead({ ifAvailable: true });
  }

  abort() {
    super.abort();
    this.#bid.abort();
    if (!this.#channel) return;
    // What is under way to it goes nowhere.
    this.#channel.onmessage = null;
    this.#channel.close();
  }

  /** Takes the lead from whoever has it. */
  steal() {
    this.#lead({ steal: true });
  }

  /** Tells all others. What was parsed from JSON can be cloned. */
  tell(text, payload) {
    this.#channel?.postMessage({ text, payload });
  }

  /** Hears of it when another tab takes part no more, however it ended: its lock is had then. */
  watch(tab) {
    this.#ask(tab, () => this.#hear(GONE, tab));
  }

  async #ask(tab, granted) {
    const take = () => (this.signal.aborted ? undefined : granted());
    try {
      await this.#locks?.request(`${this.#name}:${tab}`, { signal: this.signal }, take);
    } catch {
      // It was given up, or is not to be had in this place.
    }
  }

  /** `options` are those of the first request; those after it stand in line. */
  async #lead(options) {
    // One at a time: the one before is given up first.
    this.#bid?.abort();
    const bid = (this.#bid = new AbortController());
    const { signal } = bid;
    let leads = false;
    const told = (role) => {
      leads = role === LEADING;
      if (!signal.aborted) this.#hear(role);
    };
    const granted = (lock) => {
      if (!lock || signal.aborted) return undefined;
      const until = new Promise((resolve) => signal.addEventListener("abort", resolve));
      told(LEADING);
      return until;
    };
    if (!this.#locks) {
      await undefined;
      return told(ALONE);
    }
    // It ends with the request that is under way, not before: the browser may be about to grant that.
    for (; !signal.aborted; options = { signal }) {
      try {
        await this.#locks.request(this.#name, options, granted);
      } catch {
        // What was held is stolen; what never was is not to be had in this place.
        if (!leads) return told(ALONE);
      }
      told(FOLLOWING);
    }
  }
}
