// One list of a server's, kept up to date: one reading is under way at most, and one more follows it, however much is
// announced meanwhile.

/** Between two readings where news follows upon each: the pause doubles, from the first of these to the second. */
const PACE_MS = [250, 15_000];
/** The same after readings that failed. */
const PATIENCE_MS = [1_000, 60_000];
/** News that comes so long after a reading, and after twice the pause, is none of its doing: it is read at once. */
const CALM_MS = 5_000;

export class Listed {
  #read;
  #pause = 0;
  #patience = 0;
  #endedAt = -Infinity;
  #timer;
  /** News came that no reading has begun after. */
  #isNews = false;
  #isReading = false;
  #isStopped = false;
  /** The latest reading succeeded. */
  #isHad = false;

  /** `read()` resolves with how it ended. */
  constructor(read) {
    this.#read = read;
  }

  /** There may be another list by now. */
  news() {
    if (this.#isNews) return;
    this.#isNews = true;
    if (!this.#isReading) this.#follow();
  }

  /** What could not be had may be had now. */
  missed() {
    if (!this.#isHad && !this.#isReading) this.news();
  }

  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #follow() {
    const quiet = performance.now() - this.#endedAt;
    this.#pause = quiet > Math.max(CALM_MS, 2 * this.#pause) ? 0 : doubled(this.#pause, PACE_MS);
    this.#in(this.#pause);
  }

  #in(ms) {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    if (ms === 0) this.#go();
    else this.#timer = setTimeout(() => this.#go(), ms);
  }

  async #go() {
    this.#isReading = true;
    this.#isNews = false;
    const next = await this.#read();
    this.#isReading = false;
    this.#endedAt = performance.now();
    this.#isHad = next === HAD;
    this.#patience = next === FAILED ? doubled(this.#patience, PATIENCE_MS) : 0;
    if (this.#isNews) this.#follow();
    // No two pages ask in step.
    else if (next === FAILED) this.#in(this.#patience * (0.75 + Math.random() / 2));
  }
}

/** How a reading ended: there it is; it is asked for again; it waits for news. */
export const HAD = "had";
export const FAILED = "failed";
export const NONE = "none";

const doubled = (ms, [least, most]) => Math.min(Math.max(2 * ms, least), most);
