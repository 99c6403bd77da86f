// The panel of servers: the demo's own and the visitor's, each with its light.

import { inWords } from "./status.js";

const KEPT = "servers";

/** The visitor's servers, as the browser keeps them. @returns {import("./control.js").DemoServer[]} */
export function keptServers() {
  try {
    const urls = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(urls) ? urls.filter((url) => typeof url === "string" && URL.canParse(url)).map(ownServer) : [];
  } catch {
    return [];
  }
}

export function keep(servers) {
  const urls = servers.filter(({ kind }) => kind === "own").map(({ url }) => url);
  try {
    localStorage.setItem(KEPT, JSON.stringify(urls));
  } catch {
    // A browser that keeps nothing shows it on the next visit.
  }
}

/** @param {string} url */
export function ownServer(url) {
  const { host, pathname } = new URL(url);
  return { id: url, kind: "own", label: `${host}${pathname}`, url, actions: [] };
}

/** The server that the page's own address names, as in `?server=https://example.com/mcp`. */
export function linkedServer(servers, search = location.search) {
  const text = new URLSearchParams(search).get("server");
  if (!text || wrongAddress(text)) return undefined;
  const url = new URL(text).href;
  return servers.find((server) => server.url === url) ?? ownServer(url);
}

/** What is wrong with an address, in words. */
export function wrongAddress(text) {
  if (!text) return "Enter the address of a server.";
  if (!URL.canParse(text)) return "This is no address: it should begin with https://";
  const { protocol, username, password } = new URL(text);
  if (!["http:", "https:"].includes(protocol)) return "An MCP server's address begins with https:// or http://";
  if (username || password) return "An address with a name and a password in it cannot be used.";
  return undefined;
}

/**
 * @param {HTMLElement} box
 * @param {(server: object) => object | undefined} statusOf
 * @param {(server: object) => void} onChoose
 */
export function serverList(box, statusOf, onChoose) {
  let items = [];

  function show(servers, chosen) {
    items = servers.map((server) => {
      const label = document.createElement("label");
      const input = Object.assign(document.createElement("input"), { type: "radio", name: "server", value: server.id });
      input.checked = server === chosen;
      input.addEventListener("change", () => onChoose(server));
      const [lamp, name, state] = ["lamp", "name", "state"].map((name) => Object.assign(document.createElement("span"), { className: name }));
      lamp.setAttribute("aria-hidden", "true");
      name.textContent = server.label;
      label.append(input, name, state, lamp);
      return { server, label, state };
    });
    box.replaceChildren(...items.map(({ label }) => label));
    tick();
  }

  function tick() {
    for (const { server, label, state } of items) {
      const status = statusOf(server);
      label.dataset.state = status?.state ?? "none";
      const words = inWords(status);
      if (state.textContent !== words) state.textContent = words;
    }
  }

  return { show, tick };
}
