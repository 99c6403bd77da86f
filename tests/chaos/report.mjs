// What came of the seeds, in numbers and, where the law was broken, in words.

/** Transcripts that are printed for each law that is broken; of the others it is said in a line what is wrong. */
const SHOWN = 3;

export class Tally {
  #about;
  #whole;
  #began = performance.now();
  #counts = { seeds: 0, calls: 0, ok: 0, recovered: 0, unknown: 0, not_executed: 0, executed: 0, aborted: 0, requests: 0, copies: 0, browsers: 0 };
  #admitted = {};
  #ends = {};
  #broken = new Map();
  #latest = 0;

  #again;

  constructor({ engine, era, server, whole = false }) {
    this.#again = [`--engine ${engine}`, era && `--era ${era}`, `--server ${server}`].filter(Boolean).join(" ");
    this.#about = `${engine}, ${server === "own" ? "own servers" : `server ${server}`}, ${era ?? "both eras"}`;
    this.#whole = whole;
  }

  /** How many seeds broke the law. */
  get broken() {
    return new Set([...this.#broken.values()].flat()).size;
  }

  take(run) {
    const { seed, violations, counts, requests } = run;
    this.#counts.seeds += 1;
    this.#latest = Math.max(this.#latest, run.lag ?? 0);
    this.#counts.requests += requests;
    for (const name of Object.keys(this.#counts)) if (Number.isInteger(counts[name])) this.#counts[name] += counts[name];
    for (const [what, times] of Object.entries(counts.admitted)) this.#admitted[what] = (this.#admitted[what] ?? 0) + times;
    for (const [end, times] of Object.entries(counts.ends)) this.#ends[end] = (this.#ends[end] ?? 0) + times;
    for (const violation of violations) {
      const seeds = this.#broken.get(violation.law) ?? this.#broken.set(violation.law, []).get(violation.law);
      seeds.push(seed);
      if (this.#whole) continue;
      console.log(seeds.length > SHOWN ? breach(run, violation) : `\n${violated(run, violation)}\n  again: cargo xtask chaos --seed ${seed} ${this.#again}\n`);
    }
    if (this.#whole) console.log(wholly(run));
    else if (this.#counts.seeds % 250 === 0) process.stderr.write(`${this.#counts.seeds} seeds, ${Math.round((performance.now() - this.#began) / 1_000)} s\n`);
  }

  print() {
    const { seeds, calls, ok, recovered, unknown, not_executed, executed, aborted, requests, copies, browsers } = this.#counts;
    const admitted = Object.entries(this.#admitted).map(([what, times]) => `\n  ${times} ${what}`);
    const ends = Object.entries(this.#ends).sort(([, one], [, other]) => other - one).map(([end, times]) => `${end} ${times}`);
    console.log(`
${this.#about}; ${Math.round((performance.now() - this.#began) / 1_000)} s
${seeds} seeds, ${calls} calls, ${requests} requests
${ok} ok, ${recovered} of them sent more than once
${unknown} unknown, ${not_executed} not executed, ${executed} executed with an error, ${aborted} given up
  ${ends.join(", ")}
${Math.round(this.#latest)} ms was the machine late at most
${copies} copies ran that the proxy delivered, ${browsers} that the browser sent
what README admits: ${admitted.length > 0 ? admitted.join("") : "none"}
violations: ${[...this.#broken.values()].flat().length}`);
    for (const [law, broken] of this.#broken) console.log(`  ${law}: ${broken.length}, with the seeds ${[...new Set(broken)].join(" ")}`);
  }
}

const breach = ({ seed }, { law, token, why }) => `seed ${seed} breaks "${law}"${token ? ` with the call ${token}` : ""}: ${why}`;

function violated(run, violation) {
  const { token } = violation;
  return [
    breach(run, violation),
    `  ${setting(run.plan)}`,
    ...callLines(run, token),
    ...lines(run, (entry) => token === undefined || entry.token === undefined || entry.token === token),
  ].join("\n");
}

function wholly(run) {
  const said = run.violations.map(({ law, token, why }) => `  breaks "${law}"${token ? ` with ${token}` : ""}: ${why}`);
  return [`seed ${run.seed}: ${setting(run.plan)}`, ...callLines(run), ...lines(run, () => true), ...said].join("\n");
}

function setting({ era, client, pods, sticky, server, faults, bare }) {
  const parts = [
    era,
    `era: ${client.era}`,
    `mode: ${client.recovery.mode}`,
    `listen: ${client.listen}`,
    pods > 1 && `${pods} backends, ${sticky ? "sticky" : "not sticky"}`,
    server.refusal && `refuses with ${server.refusal.status} ${server.refusal.body.slice(0, 100).trim()}`,
    server.gate > 0 && `gate ${server.gate} ms`,
    server.running && `running calls of an evicted session: ${server.running}`,
    server.flips && "flips its era",
    bare && "pages without CORS",
    faults.length > 0 && `faults: ${faults.map(({ kind, calls, session }) => `${kind} ${calls}/${session}`).join(", ")}`,
  ];
  return parts.filter(Boolean).join("; ");
}

/** From the client's clock to that of the world. */
const shift = ({ armedAt, told }) => armedAt - (told.armed ?? 0);

function callLines(run, token) {
  const { told, plan } = run;
  const planned = new Map(plan.calls.map((call) => [call.token, call]));
  return [...(told.calls ?? []), ...(told.last ?? [])]
    .filter((call) => token === undefined || call.token === token)
    .map(({ token, kind, timeout, began, took, ok, error, hung, aborted }) => {
      const { seconds = 0, ending } = planned.get(token) ?? {};
      const how = ending ? `, ends with ${JSON.stringify(ending)}` : "";
      const end = hung ? "hangs" : ok !== undefined ? `ok "${ok}"` : aborted ? "given up" : `${error.code}/${error.outcome} ${error.httpStatus ?? ""}: ${error.message}`;
      return `  call ${token} (${kind}, runs ${seconds * 1_000} ms${how}, time-out ${timeout}) made at ${Math.round(began + shift(run))}: ${end}, after ${Math.round(took)} ms`;
    });
}

function lines(run, wanted) {
  const { timeline, told, armedAt } = run;
  const client = (told.wire ?? []).map(({ at, what }) => ({ at: at + shift(run), what: `            client: ${what}` }));
  return [...timeline.filter(wanted), ...client.filter(({ at }) => at >= armedAt)]
    .sort((one, other) => one.at - other.at)
    .map(({ at, what }) => `  ${String(Math.round(at)).padStart(6)}  ${what}`);
}
