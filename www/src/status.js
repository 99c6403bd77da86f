// The status light: what a session says of itself, and how long ago the server last proved it.

const STATES = {
  none: "not connected",
  connecting: "connecting",
  ready: "ready",
  recovering: "recovering",
  waiting: "waiting",
  closed: "closed",
};

/** The state of a `Status`, in words. */
export const inWords = (status) => STATES[status?.state ?? "none"] ?? status.state;

/** @param {(id: string) => HTMLElement} byId */
export function statusLight(byId) {
  let status;
  const put = (id, text) => {
    const element = byId(id);
    if (element.textContent !== text) element.textContent = text;
  };

  function tick() {
    put("verified", proof(status));
    put("about", about(status));
  }

  /** Shows a `Status`; `undefined` is "not connected", and a bare `{ state }` is enough. */
  function show(next) {
    status = next;
    byId("light").dataset.state = next?.state ?? "none";
    put("state", inWords(next));
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

/** When the server last answered. */
export function proof(status) {
  if (status?.verifiedAt === undefined) return "–";
  const whole = Math.max(0, Math.floor((Date.now() - status.verifiedAt) / 1000));
  if (whole < 60) return `${whole} s ago`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s ago`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min ago`;
}
