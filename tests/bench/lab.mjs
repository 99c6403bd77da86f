// Pages, and what is measured in them.

/** Engines compile what runs often: the first rounds are not counted. */
const WARM_UP = 2;

/** Minutes for one row of the tables: a round that is begun then is the last. */
const MINUTES = 3;
/** … after which a row that has not come to the end of a round is given up. */
const MOST_MINUTES = 5;

export class Lab {
  /** When no other round is begun. */
  #until = Infinity;
  /** Where not all rounds were played: how many were. */
  #cut;

  constructor({ browser, site, server }) {
    this.browser = browser;
    this.site = site;
    this.server = server;
  }

  /**
   * What `measure` gives within the time that a row has: `{ value?, cut? }`. `cut` says what is missing. `value` is missing
   * where nothing came, or the work failed.
   */
  async row(measure) {
    this.#until = performance.now() + MINUTES * 60_000;
    this.#cut = undefined;
    const pages = await this.browser.pages();
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, MOST_MINUTES * 60_000, { cut: `gave nothing in ${MOST_MINUTES} minutes` })));
    const measured = measure().then(
      (value) => ({ value, cut: this.#cut }),
      (error) => ({ cut: `failed: ${error.message.split("\n")[0]}`, failed: true }),
    );
    const row = await Promise.race([measured, late]);
    clearTimeout(timer);
    // What it has left open would go on beside the next.
    const left = (await this.browser.pages()).filter((page) => !pages.includes(page));
    await Promise.all(left.map((page) => page.close().catch(() => {})));
    return row;
  }

  /** The numbers of the rounds: `count` of them, or fewer where the row's time is up. The first is always played. */
  *rounds(count, first = 0) {
    for (let round = first; round < count; round++) {
      if (round > 0 && performance.now() > this.#until) {
        this.#cut = `${round} of ${count} rounds, as its ${MINUTES} minutes were over`;
        return;
      }
      yield round;
    }
  }

  /** A page with the functions of `page/work.mjs`; `play` runs one of them. */
  async page({ slowdown = 1, counts = false } = {}) {
    const page = await this.browser.newPage();
    const devtools = await page.createCDPSession();
    await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
    await page.goto(this.site.url);
    await page.evaluate(async (counts) => {
      globalThis.crossed = 0;
      const counted = (functions) =>
        Object.fromEntries(Object.entries(functions).map(([name, run]) => [name, typeof run === "function" ? (...given) => (crossed++, run(...given)) : run]));
      const instantiate = WebAssembly.instantiate;
      WebAssembly.instantiate = async (module, imports) => {
        const wrapped = counts ? Object.fromEntries(Object.entries(imports).map(([from, functions]) => [from, counted(functions)])) : imports;
        const made = await instantiate(module, wrapped);
        const { exports } = made.instance ?? made;
        // To be able to ask for its memory.
        globalThis.memory = exports.memory;
        return counts ? { exports: counted(exports) } : made;
      };
      globalThis.work = await import("/work.mjs");
    }, counts);
    if (slowdown > 1) await devtools.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
    return {
      page,
      devtools,
      play: (run, ...given) => page.evaluate((run, given) => work[run](...given), run, given),
      open: (client) => page.evaluate((client, url) => work.open(client, url), client, this.server.url),
      close: () => page.close(),
    };
  }

  /** All clients do the same work in turn, round by round. */
  async compare({ name, title, run, given, options, fresh = false, clients, target }, known, { slowdown, rounds, smoke }) {
    const taking = clients.filter((client) => known.includes(client));
    const shared = fresh ? undefined : await this.page({ slowdown });
    for (const client of fresh ? [] : taking) await shared.open(client);
    const took = Object.fromEntries(taking.map((client) => [client, []]));
    const failed = {};
    for (const round of this.rounds(rounds, smoke ? 0 : slowdown > 1 ? -1 : -WARM_UP)) {
      // Each client follows each other one equally often.
      for (const client of rotated(taking, round).filter((client) => took[client])) {
        const page = shared ?? (await this.page({ slowdown }));
        await page.devtools.send("HeapProfiler.collectGarbage");
        const before = await busy(page);
        try {
          const wall = await page.play(run, client, ...(fresh ? [this.server.url, options] : [given]));
          const thread = (await busy(page)) - before;
          if (round >= 0) took[client].push({ wall, thread });
        } catch (error) {
          // Ours must do it; what another cannot do is a result as well.
          if (client === "ours" || client === target.of) throw error;
          failed[client] = error.message.split("\n")[0];
          delete took[client];
        }
        if (fresh) await page.close();
      }
    }
    await shared?.close();
    return { name, title, slowdown, rounds, failed, ...judged(took, slowdown > 1 ? { ...target, atMost: target.slowed ?? target.atMost } : target) };
  }
}

/**
 * Medians in milliseconds, on the wall and of the page's thread, which waiting does not count for; and the medians of
 * the ratios within each round, which what else the machine does changes least.
 */
function judged(took, { of, atMost }) {
  const against = (client, clock) => median(took[client].map((own, round) => own[clock] / took[of][round][clock]));
  const clients = Object.fromEntries(
    Object.entries(took).map(([client, rounds]) => [
      client,
      {
        ms: median(rounds.map(({ wall }) => wall)),
        ratio: against(client, "wall"),
        threadMs: median(rounds.map(({ thread }) => thread)),
        threadRatio: against(client, "thread"),
      },
    ]),
  );
  return { clients, of, atMost, good: clients.ours.ratio <= atMost };
}

/** Milliseconds that the page's thread has worked so far. */
export async function busy({ devtools }) {
  const { metrics } = await devtools.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration").value * 1000;
}

export function rotated(list, round) {
  const at = ((round % list.length) + list.length) % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
