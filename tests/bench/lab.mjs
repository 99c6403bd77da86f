// Pages, and what is measured in them.

/** Engines compile what runs often: the first rounds are not counted. */
const WARM_UP = 2;

export class Lab {
  constructor({ browser, site, server }) {
    this.browser = browser;
    this.site = site;
    this.server = server;
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
  async compare({ name, title, run, given, fresh = false, clients, target }, known, { slowdown, rounds, smoke }) {
    const taking = clients.filter((client) => known.includes(client));
    const shared = fresh ? undefined : await this.page({ slowdown });
    for (const client of fresh ? [] : taking) await shared.open(client);
    const took = Object.fromEntries(taking.map((client) => [client, []]));
    const failed = {};
    for (let round = smoke ? 0 : -WARM_UP; round < rounds; round++) {
      // Each client follows each other one equally often.
      for (const client of rotated(taking, round).filter((client) => took[client])) {
        const page = shared ?? (await this.page({ slowdown }));
        await page.devtools.send("HeapProfiler.collectGarbage");
        const before = await busy(page);
        try {
          const wall = await page.play(run, client, fresh ? this.server.url : given);
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
async function busy({ devtools }) {
  const { metrics } = await devtools.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration").value * 1000;
}

function rotated(list, round) {
  const at = ((round % list.length) + list.length) % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
