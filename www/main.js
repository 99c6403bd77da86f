// The demo page: the built package, a server to break, and a time line of what went over the wire.

import { control, loadServers } from "./control.js";
import { seconds, statusLight } from "./status.js";
import { timeline } from "./timeline.js";
import { allTools, firstTool, parseArguments, resultText, sampleArguments } from "./tools.js";

const byId = (id) => document.getElementById(id);
const light = statusLight(byId);
const wire = timeline(byId("rows"), byId("timeline"), byId("empty"));

/** The package's exports. */
let evergreen;
/** The demo's own servers; none where the page comes from plain files. */
let servers = [];
/** @type {{ session: import("mcp-evergreen").Session, address: string } | undefined} */
let open;
/** Set while a connect is under way: aborting it cancels that. */
let connecting;
let tools = [];
let calls = 0;

const address = () => byId("url").value.trim();

// ── Connect ──────────────────────────────────────────────────────────────────────────────────────

byId("connect-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (byId("connect").hasAttribute("aria-busy")) return;
  if (connecting) return connecting.abort(new DOMException("Connecting was cancelled.", "AbortError"));
  const wanted = address();
  if (!wanted) {
    announce("Enter the address of a server.");
    return byId("url").focus();
  }
  const isSame = open?.address === wanted;
  if (open) await disconnect();
  if (!isSame) await connectTo(wanted);
});

async function connectTo(url) {
  connecting = new AbortController();
  labelConnect();
  light.show({ state: "connecting" });
  wire.add({ lane: "page-session", text: "connect", opens: true });
  const took = stopwatch();
  try {
    const session = await evergreen.connect(url, {
      clientInfo: { name: "mcp-evergreen-demo", version: "1.0.0" },
      // The demo's own servers are there to be seen losing sessions: the modern era has none.
      era: servers.some((server) => server.url === url) ? "legacy" : "auto",
      signal: connecting.signal,
      on: {
        wire: wire.wire,
        statechange: onStateChange,
        recovering: ({ reason }) => wire.add({ lane: "session", text: "recovering:", tone: "warn", note: reason }),
        recovered: onRecovered,
        warning: ({ kind, hint }) => wire.add({ lane: "session", text: `${kind}:`, tone: "warn", note: hint }),
        close: onClosed,
      },
    });
    open = { session, address: url };
  } catch (error) {
    light.show(undefined);
    fail("connect", error);
    if (error instanceof TypeError) byId("url").focus();
    return;
  } finally {
    connecting = undefined;
    labelConnect();
    showServer();
  }
  const ms = took();
  wire.add({ lane: "session-page", text: "ready", tag: "ok", tone: "good", note: `${ms} ms` });
  light.show(open.session.status);
  byId("verify").disabled = false;
  step("call", `Connected in ${ms} ms. Call a tool.`);
  await fillTools().catch((error) => fail("listTools", error));
}

async function disconnect() {
  busy(byId("connect"), "Closing");
  wire.add({ lane: "page-session", text: "close", opens: true });
  await open.session.close().catch((error) => fail("close", error));
  byId("connect").removeAttribute("aria-busy");
  labelConnect();
}

function onClosed({ reason }) {
  open = undefined;
  light.show({ state: "closed", reason });
  byId("verify").disabled = true;
  byId("call").disabled = true;
  labelConnect();
  showServer();
  step("connect", `The session is closed: ${reason}.`);
}

function labelConnect() {
  const button = byId("connect");
  if (button.hasAttribute("aria-busy")) return;
  button.textContent = connecting ? "Cancel" : open?.address === address() ? "Disconnect" : "Connect";
}

// ── Call ─────────────────────────────────────────────────────────────────────────────────────────

async function fillTools() {
  wire.add({ lane: "page-session", text: "listTools", opens: true });
  tools = await allTools(open.session);
  wire.add({ lane: "session-page", text: `${tools.length} tools`, tag: "ok", tone: "good" });
  const select = byId("tool");
  select.replaceChildren(...tools.map(({ name }) => new Option(name)));
  select.disabled = tools.length === 0;
  byId("call").disabled = tools.length === 0;
  const suggest = brokenByUs()?.suggest;
  const first = firstTool(tools, suggest);
  if (!first) return;
  select.value = first.name;
  chooseTool(first.name === suggest?.tool ? suggest.arguments : undefined);
}

function chooseTool(given) {
  const tool = tools.find(({ name }) => name === byId("tool").value);
  if (!tool) return;
  byId("tool-about").textContent = byId("tool-about").title = tool.description ?? tool.title ?? "No description.";
  byId("arguments").value = JSON.stringify(given ?? sampleArguments(tool), null, 2);
  checkArguments();
}

function checkArguments() {
  const parsed = parseArguments(byId("arguments").value);
  byId("arguments-error").textContent = parsed.error ?? "";
  byId("arguments").setAttribute("aria-invalid", String(parsed.error !== undefined));
  return parsed;
}

byId("tool").addEventListener("change", () => chooseTool());
byId("arguments").addEventListener("input", checkArguments);
byId("call-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const parsed = checkArguments();
  if (parsed.error) byId("arguments").focus();
  else if (open) call(byId("tool").value, parsed.value);
});

async function call(name, args) {
  const serial = ++calls;
  const { session } = open;
  const before = session.status.recoveries;
  const took = stopwatch();
  showResult({ kind: "pending", title: `Calling ${name}…`, serial });
  wire.add({ lane: "page-session", text: `callTool ${name}`, opens: true });
  try {
    const result = await session.callTool({ name, arguments: args });
    const ms = took();
    const healed = session.status.recoveries > before;
    const kind = result.isError ? "error" : "ok";
    wire.add({ lane: "session-page", text: "result", tag: kind, tone: result.isError ? "bad" : "good", note: `${ms} ms` });
    const title = result.isError
      ? `The tool reports an error, after ${ms} ms`
      : healed
        ? `Healed on the way, answered in ${ms} ms`
        : `Answered in ${ms} ms`;
    showResult({ kind, title, body: resultText(result), healed, took: ms, serial });
    if (healed) step("heal", `${title}. The time line shows how.`, true);
    else step("break", brokenByUs() ? `${title}. Break the session.` : `${title}.`);
  } catch (error) {
    fail(`callTool ${name}`, error, serial);
  }
}

function showResult({ kind, title, body, healed = false, took, serial }) {
  byId("result-title").textContent = title;
  if (body !== undefined) byId("result-body").textContent = body;
  Object.assign(byId("result").dataset, { kind, healed, serial, took });
}

const OUTCOMES = {
  not_executed: "The server did not run it.",
  executed: "The server ran it.",
  unknown: "Whether the server ran it is not known.",
};

/** Shows an error of any kind where results stand, and in the time line. */
function fail(what, error, serial = ++calls) {
  const code = typeof error.code === "string" ? error.code : error.name;
  wire.add({ lane: "session-page", text: what, tag: code, tone: "bad" });
  const lines = [error.message, OUTCOMES[error.outcome], error.diagnosis?.hint];
  showResult({ kind: "error", title: `${what}: ${code}`, body: lines.filter(Boolean).join("\n\n"), serial });
  announce(`${what} failed: ${code}.${brokenByUs()?.running === false ? " Start the server, then try again." : ""}`);
}

// ── Break ────────────────────────────────────────────────────────────────────────────────────────

/** The demo server that the page is connected to, or would be. */
function brokenByUs() {
  const url = open?.address ?? address();
  return servers.find((server) => server.url === url);
}

const NOTES = {
  evict: () => "session deleted behind our back",
  restart: (pid, { pid: next }) => (pid ? `process ${pid} killed, process ${next} started` : `process ${next} started`),
  kill: (pid) => `process ${pid} killed`,
  start: (_, { pid }) => `process ${pid} started`,
};

byId("evict").addEventListener("click", () => breakServer("evict", "evict"));
byId("restart").addEventListener("click", () => breakServer("restart", "restart"));
byId("kill").addEventListener("click", () => breakServer("kill", brokenByUs().running ? "kill" : "start"));

async function breakServer(id, action) {
  const button = byId(id);
  if (button.hasAttribute("aria-busy")) return;
  const server = brokenByUs();
  const before = server.pid;
  busy(button, button.textContent);
  try {
    const { running, pid } = await control(server, action);
    Object.assign(server, { running, pid });
    const note = NOTES[action](before, server);
    wire.add({ lane: "server", text: note, tone: "warn", opens: true });
    step(open ? "heal" : "connect", `${server.label}: ${note}. ${open ? "Call again." : "Connect."}`);
  } catch (error) {
    wire.add({ lane: "server", text: `${action}: ${error.message}`, tone: "bad", opens: true });
    announce(error.message);
  }
  button.removeAttribute("aria-busy");
  showServer();
}

function showServer() {
  const server = brokenByUs();
  byId("evict").disabled = !server?.running;
  byId("restart").disabled = !server;
  byId("kill").disabled = !server;
  byId("kill").textContent = server && !server.running ? "Start server" : "Kill server";
  byId("process").textContent = !server
    ? "Only the demo’s own servers can be broken from here."
    : server.running
      ? `${server.label} runs as process ${server.pid}.`
      : `${server.label} does not run.`;
}

// ── Status, steps, words ─────────────────────────────────────────────────────────────────────────

function onStateChange(status) {
  light.show(status);
  if (status.state !== "waiting") return;
  const { why, until } = status.waitingFor ?? {};
  const next = until === undefined ? "" : `, next try in ${seconds(until - Date.now())}`;
  wire.add({ lane: "session", text: "waiting:", tone: "warn", note: `${why ?? "?"}${next}` });
}

function onRecovered({ duration, retried }) {
  const again = retried === 1 ? "1 call sent once more" : `${retried} calls sent once more`;
  wire.add({ lane: "session", text: "recovered", tone: "good", note: `in ${Math.round(duration)} ms, ${again}` });
}

byId("verify").addEventListener("click", async () => {
  wire.add({ lane: "page-session", text: "verify", opens: true });
  try {
    const status = await open.session.verify();
    wire.add({ lane: "session-page", text: status.state, tag: "ok", tone: "good" });
    announce(`Verified: the session is ${status.state}.`);
  } catch (error) {
    fail("verify", error);
  }
});

byId("clear").addEventListener("click", wire.clear);
byId("url").addEventListener("input", showChoice);

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
function busy(button, label) {
  button.textContent = label;
  button.setAttribute("aria-busy", "true");
}

function stopwatch() {
  const began = performance.now();
  return () => Math.round(performance.now() - began);
}

function offerServers() {
  byId("servers").hidden = servers.length === 0;
  byId("server-choices").replaceChildren(
    ...servers.map((server) => {
      const label = document.createElement("label");
      const input = Object.assign(document.createElement("input"), { type: "radio", name: "server", value: server.id });
      input.addEventListener("change", () => {
        byId("url").value = server.url;
        showChoice();
      });
      label.append(input, server.label);
      return label;
    }),
  );
  byId("url").value ||= servers[0]?.url ?? "";
  showChoice();
}

function showChoice() {
  for (const input of byId("server-choices").querySelectorAll("input")) {
    input.checked = servers.find(({ id }) => id === input.value).url === address();
  }
  labelConnect();
  showServer();
}

light.show(undefined);
servers = await loadServers();
offerServers();
try {
  evergreen = await import("mcp-evergreen");
} catch (error) {
  byId("connect").disabled = true;
  announce(`The package does not load (${error.message}). Build it with “cargo xtask build”, then reload.`);
}
document.documentElement.dataset.ready = "";
