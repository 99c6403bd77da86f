// The demo's own control endpoint: which servers there are, and how to break them. A page that is
// served from plain files has none; `loadServers` then gives an empty list.

/**
 * @typedef {object} DemoServer
 * @property {string} id
 * @property {string} label
 * @property {string} url      where the page connects to
 * @property {boolean} running
 * @property {number} [pid]
 * @property {{ tool: string, arguments: object }} [suggest]  a call whose answer shows which process ran it
 */

/** @returns {Promise<DemoServer[]>} */
export async function loadServers() {
  try {
    const response = await fetch("/control/servers");
    return response.ok ? await response.json() : [];
  } catch {
    return [];
  }
}

/**
 * Does one of `evict`, `restart`, `kill`, `start` to a server.
 * @returns {Promise<DemoServer & { evicted?: number }>} the server as it is afterwards
 */
export async function control(server, action) {
  const response = await fetch(`/control/servers/${encodeURIComponent(server.id)}/${action}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? `The control endpoint answered ${response.status}.`);
  return answer;
}
