// The demo page: servers to break, tools to call, and a diagram of what went over the wire.

import { connect, init } from "mcp-evergreen";
import "mcp-evergreen/devtools";
import { version } from "mcp-evergreen/package.json";
import { STEPS, compare } from "./compare.js";
import { control, ledger, serverInPage, serverProcesses } from "./control.js";
import { argumentsForm } from "./form.js";
import { network } from "./network.js";
import { errorNodes, paragraph, resultNodes } from "./result.js";
import { keep, keptServers, linkedServer, ownServer, serverList, wrongAddress } from "./servers.js";
import { signInTo } from "./signin.js";
import { CALLS, storm } from "./storm.js";
import { story } from "./story.js";
import { firstTool, sampleArguments } from "./tools.js";

const INFO = { name: "mcp-evergreen-demo", version: "1.0.0" };

const byId = (id) => document.getElementById(id);
const wire = byId("devtools");
const told = story(byId);
const form = argumentsForm(byId);
const list = serverList(byId("server-choices"), (server) => statusOf(server), choose);

/** @type {import("./control.js").DemoServer[]} */
let servers = [];
/** The one whose tools and status are shown. */
let chosen;
/** The one whose result is. */
let shown;
/** @type {Map<object, import("mcp-evergreen").Session>} */
const sessions = new Map();
/** How many recoveries a session had had when its server was broken, until a call meets what came of it. @type {Map<object, number>} */
const broken = new Map();
/** Aborting one cancels a connect that is under way. @type {Map<object, AbortController>} */
const connecting = new Map();
/** Tools by server. */
const toolsOf = new Map();
let calls = 0;
/** A storm, a comparison or the show is on: one at a time. */
let playing = false;
/** Ends it early, where it can be ended. @type {AbortController | undefined} */
let ending;
/** Milliseconds by which answers are held back while the show is on. */
const SLOW = 400;

function statusOf(server) {
  return sessions.get(server)?.status ?? (connecting.has(server) ? { state: "connecting" } : undefined);
}

// ── Servers ──────────────────────────────────────────────────────────────────────────────────────

function choose(server) {
  if (server !== shown) forgetResult();
  shown = server;
  chosen = server;
  showServer();
  showTools();
}

byId("connect").addEventListener("click", async () => {
  const server = chosen;
  if (connecting.has(server)) return connecting.get(server).abort(new DOMException("Connecting was cancelled.", "AbortError"));
  if (!sessions.has(server)) return void (await connectTo(server));
  // A storm that loses its session would tell of nothing but that.
  if (playing) await ended();
  if (sessions.has(server)) await disconnect(server);
});

async function connectTo(server) {
  const giveUp = new AbortController();
  connecting.set(server, giveUp);
  showServer();
  wire.follow();
  note(server, { lane: "page-session", text: "connect", opens: true });
  const took = stopwatch();
  const heard = wire.listeners(server.label);
  try {
    const session = await connect(server.url, {
      clientInfo: INFO,
      // The demo's own servers are there to be seen losing sessions: the modern era has none.
      era: server.kind === "own" ? "auto" : "legacy",
      auth: { provider: signInTo(server) },
      // Nobody else's server suffers from a session that is made anew at once, however often.
      ...(server.kind !== "own" && { recovery: { baseDelay: 50, maxDelay: 250 } }),
      fetch: network.fetch,
      signal: giveUp.signal,
      on: {
        ...heard,
        statechange(status) {
          heard.statechange(status);
          list.tick();
          onStatus(server, status);
        },
        close(detail) {
          heard.close(detail);
          onClosed(server, detail.reason);
        },
        // This listener keeps the standing stream open, and so a session notices a restart by itself. With the
        // processes, the next call is to be seen meeting it.
        toolschange: server.kind === "process" ? undefined : () => sessions.has(server) && loadTools(server).catch((error) => fail("listTools", error)),
      },
    });
    sessions.set(server, session);
  } catch (error) {
    wire.recording.forget(server.label);
    fail("connect", error);
    return false;
  } finally {
    connecting.delete(server);
    showServer();
  }
  const ms = took();
  note(server, { lane: "session-page", text: "ready", tag: "ok", tone: "good", note: `${ms} ms` });
  step("call", `Connected to “${server.label}” in ${ms} ms. Call a tool${server.suggest ? ", or press “Show me”" : ""}.`);
  await loadTools(server).catch((error) => fail("listTools", error));
  return true;
}

async function disconnect(server) {
  busy(byId("connect"), true);
  note(server, { lane: "page-session", text: "close", opens: true });
  await sessions.get(server).close().catch((error) => fail("close", error));
  busy(byId("connect"), false);
  showServer();
}

/** A session whose stream ends with it need not wait for a call to notice. */
function onStatus(server, { state, recoveries, generation }) {
  if (playing || server !== chosen || state !== "ready" || !(recoveries > broken.get(server))) return;
  // A call that is on its way says so itself.
  if (byId("result").dataset.kind === "pending") return;
  step("heal", `Healed before you called: session ${generation}. The stream on which the session listens ended, and a new session was made at once. Call: nothing is left of it.`, true);
}

function onClosed(server, reason) {
  broken.delete(server);
  sessions.delete(server);
  toolsOf.delete(server);
  if (server === chosen) showTools();
  showServer();
  step("connect", `The session is closed: ${reason}.`);
}

byId("verify").addEventListener("click", async () => {
  const server = chosen;
  wire.follow();
  note(server, { lane: "page-session", text: "verify", opens: true });
  try {
    const status = await sessions.get(server).verify();
    note(server, { lane: "session-page", text: status.state, tag: "ok", tone: "good" });
    announce(`Verified: the session is ${status.state}.`);
  } catch (error) {
    fail("verify", error);
  }
});

byId("add-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("url").value.trim();
  const wrong = wrongAddress(text);
  byId("url-error").textContent = wrong ?? "";
  byId("url").setAttribute("aria-invalid", String(wrong !== undefined));
  if (wrong) return byId("url").focus();
  const url = new URL(text).href;
  const known = servers.find((server) => server.url === url);
  const server = known ?? ownServer(url);
  if (!known) servers.push(server);
  keep(servers);
  byId("url").value = "";
  chosen = server;
  list.show(servers, chosen);
  choose(server);
  if (!sessions.has(server) && !connecting.has(server)) connectTo(server);
});

byId("remove").addEventListener("click", async () => {
  const server = chosen;
  if (sessions.has(server)) await disconnect(server);
  wire.recording.forget(server.label);
  servers = servers.filter((other) => other !== server);
  keep(servers);
  choose(servers[0]);
  list.show(servers, chosen);
  byId("server-choices").querySelector("input:checked")?.focus();
});

function showServer() {
  const session = sessions.get(chosen);
  const isConnecting = connecting.has(chosen);
  list.tick();
  const isStopped = !playing || ending !== undefined;
  enable("connect", chosen && isStopped);
  byId("connect").textContent = isConnecting ? "Cancel" : session ? (ending ? "Stop and disconnect" : "Disconnect") : "Connect";
  byId("connect").classList.toggle("primary", !session);
  byId("verify").disabled = !session;
  byId("remove").hidden = chosen?.kind !== "own";
  const broken = chosen?.actions ?? [];
  for (const button of byId("break-buttons").querySelectorAll("[data-action]")) {
    const { action } = button.dataset;
    const needsProcess = !["restart", "kill"].includes(action);
    enable(button.id, !playing && broken.includes(action) && !(needsProcess && chosen.running === false));
  }
  byId("kill").textContent = chosen?.running === false ? "Start server" : "Kill server";
  byId("process").textContent = !chosen || chosen.kind === "own"
    ? "Only the demo’s own servers can be broken from here. The page’s connection can."
    : chosen.running
      ? `“${chosen.label}” runs as ${chosen.process}.`
      : `“${chosen.label}” does not run.`;
  enable("storm", !playing && session && chosen.storm);
  enable("compare", !playing && chosen?.suggest && chosen.running !== false);
  enable("show", !playing && session && chosen.suggest);
  enable("call", session && toolsOf.get(chosen)?.length);
}

/** A button that is at work keeps the focus: it takes no press all the same. */
function enable(id, on) {
  const button = byId(id);
  button.disabled = !on && !button.hasAttribute("aria-busy");
}

// ── Tools ────────────────────────────────────────────────────────────────────────────────────────

async function loadTools(server) {
  note(server, { lane: "page-session", text: "tools", opens: true });
  const tools = await Array.fromAsync(sessions.get(server).tools());
  note(server, { lane: "session-page", text: `${tools.length} tools`, tag: "ok", tone: "good" });
  toolsOf.set(server, tools);
  if (server === chosen) await showTools();
}

async function showTools() {
  const tools = toolsOf.get(chosen) ?? [];
  const select = byId("tool");
  const before = select.value;
  select.replaceChildren(...(tools.length ? tools.map(({ name, title }) => new Option(title ?? name, name)) : [new Option("Connect first")]));
  select.disabled = byId("as-json").disabled = tools.length === 0;
  showServer();
  if (tools.length === 0) {
    byId("tool-about").textContent = "The server’s tools appear here.";
    byId("arguments-error").textContent = "";
    form.clear();
    return;
  }
  const kept = tools.find(({ name }) => name === before);
  select.value = (kept ?? firstTool(tools, chosen.suggest)).name;
  await showTool();
}

async function showTool() {
  const tool = toolsOf.get(chosen)?.find(({ name }) => name === byId("tool").value);
  if (!tool) return;
  byId("tool-about").textContent = byId("tool-about").title = tool.description ?? tool.title ?? "No description.";
  const { suggest } = chosen;
  byId("arguments-error").textContent = "";
  const given = tool.name === suggest?.tool ? suggest.arguments : sampleArguments(tool);
  await form.show(tool, given).catch((error) => {
    byId("arguments-error").textContent = `No form for this tool: ${error.message}`;
    byId("as-json").click();
  });
}

byId("tool").addEventListener("change", showTool);
byId("as-json").addEventListener("click", () => form.setJson(toggle(byId("as-json"))));
byId("call").addEventListener("click", async () => {
  const { value, error } = form.read();
  byId("arguments-error").textContent = error ?? "";
  byId("arguments").setAttribute("aria-invalid", String(error !== undefined));
  if (error) return form.focus();
  await call(byId("tool").value, value);
});

async function call(name, args) {
  const serial = ++calls;
  const server = chosen;
  const session = sessions.get(server);
  const before = session.status.recoveries;
  const took = stopwatch();
  showResult({ kind: "pending", title: `Calling ${name}…`, serial: "", nodes: [] });
  wire.follow();
  note(server, { lane: "page-session", text: `callTool ${name}`, opens: true });
  const onprogress = ({ progress, total }) => (byId("result-title").textContent = `Calling ${name}: ${progress} of ${total ?? "?"}…`);
  try {
    const result = await session.callTool({ name, arguments: args }, { onprogress });
    const ms = took();
    const healed = session.status.recoveries > before;
    const healedBefore = !healed && before > broken.get(server);
    broken.delete(server);
    const kind = result.isError ? "error" : "ok";
    note(server, { lane: "session-page", text: "result", tag: kind, tone: result.isError ? "bad" : "good", note: `${ms} ms` });
    const title = result.isError
      ? `The tool reports an error, after ${ms} ms`
      : healed
        ? `Healed on the way, answered in ${ms} ms${network.slow > 0 ? ", in slow motion" : ""}`
        : healedBefore
          ? `Healed before you called: session ${session.status.generation}. Answered in ${ms} ms`
          : `Answered in ${ms} ms`;
    // The visitor may look at another server by now.
    if (server !== chosen) return;
    showResult({ kind, title, nodes: resultNodes(result), healed, took: ms, serial });
    if (healed || healedBefore) step("heal", `${title}. The diagram shows how.`, true);
    else step("break", chosen.suggest ? `${title}. Break the session.` : `${title}.`);
    return { kind, healed, ms };
  } catch (error) {
    fail(`callTool ${name}`, error, serial);
  }
}

function showResult({ kind, title, nodes, healed = false, took, serial }) {
  byId("result-title").textContent = title;
  if (nodes) byId("result-body").replaceChildren(...nodes);
  Object.assign(byId("result").dataset, { kind, healed, serial, took });
}

/** Nothing of the server before stands there as if it were of this one. */
function forgetResult() {
  showResult({ kind: "none", title: "No result yet", nodes: [paragraph("What the tool answers appears here.")], serial: ++calls, took: "" });
  byId("story").hidden = true;
}

/** Shows an error of any kind where results stand, and in the diagram. */
function fail(what, error, serial = ++calls) {
  if (error.name === "AbortError") return cancelled(what, serial);
  const code = typeof error.code === "string" ? error.code : error.name;
  wire.note({ lane: "session-page", text: what, tag: code, tone: "bad" });
  showResult({ kind: "error", title: `${what}: ${code}`, nodes: errorNodes(error), serial });
  const next = code === "overloaded" ? ` ${BUSY}` : chosen?.running === false ? " Start the server, then try again." : "";
  announce(`${what} failed: ${code}.${next}`);
}

/** Nothing is wrong: the visitor did not want it any more. */
function cancelled(what, serial) {
  wire.note({ lane: "session-page", text: what, tag: "cancelled", tone: "plain" });
  showResult({ kind: "none", title: `${what}: cancelled`, nodes: [paragraph("You gave it up.")], serial });
  announce(`${what} was cancelled.`);
}

function note(server, row) {
  wire.note({ ...row, session: server.label });
}

// ── Break ────────────────────────────────────────────────────────────────────────────────────────

const NOTES = {
  evict: "session deleted behind our back",
  refuse400: "session forgotten, refused with 400 from now on",
  refuse404: "session forgotten, refused with 404 from now on",
  refuse200: "session forgotten, refused with 200 and an error",
  drop: "open streams cut off",
  busy: "the next two requests are answered with 503, Retry-After: 1",
  expire: "no token is good any more",
};

const BUSY =
  "The session is alive, and there is nothing to heal. A 503 may be a gateway’s word on a server that broke off while it ran the call, " +
  "so the call is not sent again by itself: call again in a second, if it does no harm twice.";

byId("break-buttons").addEventListener("click", async ({ target }) => {
  const { action } = target.closest("[data-action]")?.dataset ?? {};
  if (!action || target.hasAttribute("aria-busy")) return;
  busy(target, true);
  const now = action === "kill" && !chosen.running ? "start" : action;
  await breakServer(now).catch((error) => refused(now, error));
  busy(target, false);
});

function refused(action, { message }) {
  wire.note({ lane: "server", text: `${action}: ${message}`, tone: "bad", opens: true });
  announce(message);
}

async function breakServer(action, server = chosen) {
  const before = server.process;
  const session = sessions.get(server);
  // What was broken twice is healed by the last.
  if (session && !playing) broken.set(server, session.status.recoveries);
  await control(server, action);
  const after = { kill: `${before} killed`, start: `${server.process} started`, restart: `${before ?? "nothing"} killed, ${server.process} started` };
  const done = NOTES[action] ?? after[action];
  note(server, { lane: "server", text: done, tone: "warn", opens: true });
  const healed = session?.status.recoveries > broken.get(server);
  const next = !sessions.has(server) ? "Connect." : action === "busy" ? "Call, and see what is said of it." : "Call again.";
  if (!playing && !healed) step(sessions.has(server) ? "heal" : "connect", `${server.label}: ${done}. ${next}`);
  showServer();
}

const OFFLINE = "Offline: a call waits for the network, as long as its time-out allows. Call, then go online again.";
const OFFLINE_HERE = "Offline. This server is on your own device, which is reached without a network: a call fails as with one that is down.";

/** No browser says of such an address that it cannot be reached for want of a network, so no session waits for one. */
function isOnThisDevice({ url }) {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}

byId("offline").addEventListener("click", () => plug(!network.online));

function plug(online) {
  if (online === network.online) return;
  network.set(online);
  byId("offline").setAttribute("aria-pressed", String(!online));
  byId("offline").textContent = online ? "Go offline" : "Go online";
  wire.note({ lane: "page", text: online ? "the page is online again" : "the page is offline", tone: online ? "good" : "bad", opens: true });
  if (!playing) announce(online ? "Online again." : isOnThisDevice(chosen) ? OFFLINE_HERE : OFFLINE);
}

// ── What the demo plays by itself ────────────────────────────────────────────────────────────────

/** One play at a time; its button says that it is on. `stoppable`: it takes a signal that ends it early. */
function plays(id, play, { stoppable = false } = {}) {
  byId(id).addEventListener("click", async () => {
    if (playing) return;
    playing = true;
    ending = stoppable ? new AbortController() : undefined;
    busy(byId(id), true);
    showServer();
    await play(ending?.signal).catch((error) => fail(id, error));
    playing = false;
    ending = undefined;
    busy(byId(id), false);
    showServer();
    dispatchEvent(new Event("played"));
  });
}

/** Ends the play that is on, and waits until what it began has settled. */
function ended() {
  return new Promise((resolve) => {
    addEventListener("played", resolve, { once: true });
    ending?.abort();
    announce("Waiting for the calls that are on their way…");
  });
}

plays("show", async () => {
  const server = chosen;
  const { tool, arguments: given } = server.suggest;
  told.begin("A session is lost, in slow motion");
  byId("story").scrollIntoView({ block: "start" });
  byId("tool").value = tool;
  await showTool();
  if (!server.running) await breakServer("start");
  network.slow = SLOW;
  const session = sessions.get(server);
  let stop = () => {};
  try {
    told.tell(`The page calls ${tool}.`);
    const first = await call(tool, given);
    told.tell(first ? "The server answers." : "That failed.", first ? undefined : "bad");
    await breakServer("evict");
    told.tell("The server forgets the session, as one that restarts does.", "bad");
    await new Promise((resolve) => setTimeout(resolve, SLOW));
    stop = told.follow(session);
    told.tell(`The page calls ${tool} again, and knows of nothing.`);
    const second = await call(tool, given);
    if (second) told.tell("The page has its answer.", "good");
    told.end(second?.healed ? "Healed: the page saw one call, one answer, and no error" : "It did not heal", Boolean(second?.healed));
  } finally {
    stop();
    network.slow = 0;
  }
  wire.choose(({ wire, session }) => session === server.label && wire?.verdict === "evicted");
  byId("story").scrollIntoView({ block: "start" });
});

plays("storm", async (signal) => {
  const server = chosen;
  if (!server.running) await breakServer("start", server);
  announce(`${CALLS} calls are on their way…`);
  const unfold = wire.group(`Storm on “${server.label}”`);
  const sum = await storm({
    server,
    signal,
    session: sessions.get(server),
    // Nothing can be evicted while nobody has a session: then that blow misses.
    blow: (action) => breakServer(action, server).catch((error) => refused(action, error)),
    ledger: (prefix) => ledger(server, prefix),
    plug,
    onCount: showStorm,
  }).finally(async () => {
    // What comes after it is not to meet what is left of it.
    await control(server, "calm").catch(() => {});
    unfold();
  });
  const stopped = sum.called < CALLS ? ` Stopped: ${CALLS - sum.called} were not called.` : "";
  announce(`${sum.called} calls: ${sum.once} executed once, ${sum.twice} twice, ${sum.lost} lost; ${sum.retried} retried by the session.${stopped}`);
}, { stoppable: true });

function showStorm({ settled, once, twice, lost, retried, again, sessions }) {
  byId("storm-progress").value = settled;
  for (const [name, count] of Object.entries({ once, twice, lost, retried, again, sessions })) {
    byId(`storm-${name}`).textContent = String(count ?? "…");
  }
  byId("storm-lost").dataset.tone = lost === undefined ? "" : lost === 0 ? "good" : "bad";
}

plays("compare", async () => {
  const server = chosen;
  const cells = showSteps();
  byId("compare-sum").textContent = "Running…";
  const { connectSdk } = await import("./sdk.js");
  const failed = await compare({
    server,
    connect: {
      sdk: () => connectSdk(server, network.fetch),
      evergreen: () => connect(server.url, { clientInfo: INFO, era: "legacy", fetch: network.fetch, auth: { provider: signInTo(server) } }),
    },
    act: (action) => breakServer(action, server),
    onOutcome(step, lane, { ok, ms, words }) {
      const cell = cells[step][lane];
      cell.dataset.ok = ok;
      cell.textContent = ok ? `✓ answered in ${ms} ms` : `✗ failed: ${words.slice(0, 160)}`;
    },
  });
  byId("compare-sum").textContent = `Failed calls out of ${STEPS.length}: official SDK ${failed.sdk}, mcp-evergreen ${failed.evergreen}.`;
  announce(byId("compare-sum").textContent);
});

function showSteps() {
  const cells = STEPS.map(({ words }) => {
    const row = document.createElement("tr");
    const head = Object.assign(document.createElement("th"), { scope: "row", textContent: words });
    const [sdk, evergreen] = [0, 1].map(() => Object.assign(document.createElement("td"), { textContent: "…" }));
    row.append(head, sdk, evergreen);
    return { row, sdk, evergreen };
  });
  byId("compare-rows").replaceChildren(...cells.map(({ row }) => row));
  return cells;
}

// ── Status, steps, words ─────────────────────────────────────────────────────────────────────────

/** Marks where the visitor is, and says so. `complete` marks the step itself as done. */
function step(name, words, complete = false) {
  let passed = true;
  for (const item of byId("steps").children) {
    const isHere = item.dataset.step === name;
    if (isHere) passed = false;
    item.toggleAttribute("data-done", passed || (isHere && complete));
    if (isHere) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
  announce(words);
}

function announce(words) {
  byId("announce").textContent = words;
}

/** A button that is at work keeps the focus and takes no second press. */
function busy(button, on) {
  if (on) button.setAttribute("aria-busy", "true");
  else button.removeAttribute("aria-busy");
}

function toggle(button) {
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  return on;
}

function stopwatch() {
  const began = performance.now();
  return () => Math.round(performance.now() - began);
}

// Beside the service worker; what fails here fails again, in words, with the first `connect`.
init().catch(() => {});
showSteps().forEach(({ sdk, evergreen }) => (sdk.textContent = evergreen.textContent = "–"));
const [inPage, processes] = await Promise.all([serverInPage(), serverProcesses()]);
servers = [...(inPage ? [inPage] : []), ...processes, ...keptServers()];
const linked = linkedServer(servers);
if (linked && !servers.includes(linked)) servers.push(linked);
chosen = linked ?? servers[0];
list.show(servers, chosen);
if (chosen) choose(chosen);
if (!inPage) announce("This browser lets no server run in the page: add one of your own.");
byId("version").textContent = version;
// A link may name a server; that the page speaks to it is for the visitor to say.
if (linked) announce(`This link names “${linked.label}”. Press “Connect” to try it.`);
else if (inPage) await connectTo(inPage);
document.documentElement.dataset.ready = "";
