// The status light: what the session says of itself, and how long ago the server last proved it.

const STATES = {
  none: "not connected",
  connecting: "connecting",
  ready: "ready",
  recovering: "recovering",
  waiting: "waiting",
  closed: "closed",
};

/** @param {(id: string) => HTMLElement} byId */
export function statusLight(byId) {
  let status;
  const light = byId("light");
  const put = (id, text) => {
    const element = byId(id);
    if (element.textContent !== text) element.textContent = text;
  };

  function tick() {
    put("verified", status?.verifiedAt === undefined ? "–" : ago(Date.now() - status.verifiedAt));
    put("about", about(status));
  }

  /** Shows a `Status`; `undefined` is "not connected", and a bare `{ state }` is enough. */
  function show(next) {
    status = next;
    const state = next?.state ?? "none";
    light.dataset.state = state;
    put("state", STATES[state] ?? state);
    put("generation", next?.generation === undefined ? "–" : String(next.generation));
    put("recoveries", next?.recoveries === undefined ? "–" : String(next.recoveries));
    tick();
  }

  setInterval(tick, 250);
  return { show };
}

function about(status) {
  if (!status) return "No session yet.";
  if (status.state === "closed") return `No session: ${status.reason ?? "closed"}.`;
  if (status.waitingFor) {
    const { why, until } = status.waitingFor;
    return until === undefined ? `Waiting: ${why}.` : `Waiting: ${why}. Next try in ${seconds(until - Date.now())}.`;
  }
  if (!status.serverInfo) return "Shaking hands…";
  const { name, version } = status.serverInfo;
  return `${name} ${version ?? ""} · MCP ${status.protocolVersion ?? "?"}`;
}

/** Whole seconds to come, at least one. */
export function seconds(ms) {
  return `${Math.max(1, Math.ceil(ms / 1000))} s`;
}

function ago(ms) {
  const whole = Math.max(0, Math.floor(ms / 1000));
  if (whole < 60) return `${whole} s ago`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s ago`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min ago`;
}
