// One server of a manager's: on its way, open, or failed; with its lists.

import { abortable } from "./abortable.js";
import { FAILED, HAD, Listed, NONE } from "./listed.js";
import { KINDS, ManagedList } from "./managed_lists.js";
import { safeIcons, safeTitle } from "./manager_options.js";
import { asksUser } from "./sign_in.js";

/** Milliseconds: what is kept is seldom another. */
const ROUND = 900_000;

export class ManagedServer {
  name;
  url;
  title;
  icons;
  /** What it was opened with, to tell whether it is asked for again. */
  asked;
  /** What the server says of itself: `{ title, icons }`. */
  learned;
  /** Ends the connecting. */
  stop = new AbortController();
  /** How many wait for it. */
  waiting = 0;
  /** Somebody has opened it without waiting: what becomes of it is told by events. */
  isLazy = false;
  /** What was kept of it before. */
  before;
  /** Of the session. */
  promise;
  session;
  /** Why there will be none. */
  error;
  /** Resolves once it is known that nothing is wrong with the options. */
  begun;
  /** Signs out where there is no session yet. */
  signOut;
  /** The same for signing in. */
  #authorize;
  lists;
  #status;
  #begin;
  /** Readings that follow what is announced, by kind. */
  #followed = new Map();

  /** `changed(kind)`: one of its lists is another; `warn(warning)`. */
  constructor({ name, url, title, icons, asked, learned = { icons: [] }, before }, { changed, warn }) {
    Object.assign(this, { name, url, title, icons, asked, learned, before });
    this.begun = new Promise((resolve) => (this.#begin = resolve));
    const list = (kind) => new ManagedList(kind, { server: name, filter: asked.filters[kind], changed: () => changed(kind), warn });
    this.lists = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, list(kind)]));
  }

  begins({ signOut, authorize }) {
    this.signOut = signOut;
    this.#authorize = authorize;
    this.#begin();
  }

  /** In a user's click: what needs that is done before this returns. */
  async authorize(signal) {
    const asked = this.session ? this.session.authorize({ signal }) : this.#authorize?.(signal);
    // One that cannot be opened asks nobody.
    await abortable(Promise.race([asked, this.promise.then(() => asked)]), signal);
    return (await this.promise).status;
  }

  get status() {
    return this.session?.status ?? this.#status;
  }

  get isAsking() {
    return asksUser(this.status);
  }

  /** It is on its way, or waits for its user: what it lists is not asked for. */
  get isPending() {
    return this.error === undefined && (this.session === undefined || this.isAsking);
  }

  /** Its session has found nobody, and tries again. */
  get isAway() {
    return this.session !== undefined && !this.isAsking && this.status?.state === "waiting";
  }

  /** What its session tells. */
  hear(event, detail) {
    for (const [kind, { event: announced }] of Object.entries(KINDS)) {
      if (event !== announced) continue;
      this.lists[kind].news();
      this.#followed.get(kind)?.news();
    }
    if (event === "era") this.learned = { ...this.learned, legacyUntil: detail.legacyUntil && Math.floor(detail.legacyUntil / ROUND) * ROUND };
    if (event !== "statechange") return;
    this.#status = detail;
    const { state, serverInfo } = detail;
    if (serverInfo) this.learned = { ...this.learned, title: safeTitle(serverInfo.title), icons: safeIcons(serverInfo.icons) };
    if (state === "ready") for (const listed of this.#followed.values()) listed.missed();
  }

  /** Keeps these lists up to date from now on, and no others. */
  follow(kinds) {
    for (const [kind, listed] of this.#followed) {
      if (kinds.includes(kind)) continue;
      listed.stop();
      this.#followed.delete(kind);
    }
    if (!this.session) return;
    for (const kind of kinds) if (!this.#followed.has(kind)) this.#follow(kind);
  }

  #follow(kind) {
    const { session } = this;
    const list = this.lists[kind];
    const listed = new Listed(async () => {
      if (this.status?.state === "closed") return NONE;
      return list.read(session).then(
        () => HAD,
        () => FAILED,
      );
    });
    this.#followed.set(kind, listed);
    // One that waits for its server has no lists yet.
    if (this.status?.state !== "waiting") listed.news();
  }

  end() {
    this.follow([]);
  }
}
