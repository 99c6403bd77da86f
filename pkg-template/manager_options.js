// What a manager may be told beyond what `connect` takes. Every complaint is a TypeError that names the option.

import { boolean, check, object, text, wrong } from "./checks.js";
import { report } from "./events.js";
import { listStore } from "./list_store.js";
import { readDefaults, readOpen } from "./options.js";

/** An icon may be as long as this: it may stand in its own address. */
const MAX_ICON = 65_536;
const MAX_ICONS = 8;
const MAX_TITLE = 256;

const FILTER = { allow: choice, deny: choice };
const FILTERS = Object.fromEntries(
  ["tools", "resources", "resourceTemplates", "prompts"].map((kind) => [kind, (name, value) => check(name, value, FILTER)]),
);

const OWN = {
  lazy: boolean,
  filters: (name, value) => check(name, value, FILTERS),
  title: text,
  icons: (name, value) => {
    if (!Array.isArray(value)) throw wrong(name, "an array", value);
    value.forEach((icon, at) => text(`${name}[${at}].src`, object(`${name}[${at}]`, icon).src));
    return value;
  },
};

/** `{ store, defaults }`. */
export function readManager(options) {
  const { store, ...defaults } = readDefaults(options, { store: listStore });
  return { store, defaults };
}

/** `{ signal, lazy, filters, title, icons }`, and what is for `connect` as it came. */
export function readServer(options) {
  const { signal, lazy = false, filters = {}, title, icons } = readOpen(options, OWN);
  const rest = Object.entries(options).filter(([key]) => key !== "signal" && !Object.hasOwn(OWN, key));
  return { signal, lazy, filters, title, icons: icons && safeIcons(icons), options: Object.fromEntries(rest) };
}

export function readCloseOne(options) {
  return check("", options, { terminate: boolean, keep: boolean });
}

/** Names, or a function that is asked for each. */
function choice(name, value) {
  if (typeof value === "function") return value;
  if (!Array.isArray(value) || value.some((one) => typeof one !== "string")) throw wrong(name, "an array of strings or a function", value);
  return [...value];
}

/** Whether an item is offered: not where the host's own function throws. */
export function passes({ allow, deny } = {}, name, item) {
  const holds = (choice) => {
    const answer = typeof choice === "function" ? choice(item) : choice.includes(name);
    // It would count as a yes, whatever comes of it.
    if (typeof answer?.then === "function") throw new TypeError("filters: a function gave a promise; expected true or false");
    return Boolean(answer);
  };
  try {
    return (allow === undefined || holds(allow)) && !(deny !== undefined && holds(deny));
  } catch (error) {
    report(error);
    return false;
  }
}

/**
 * Those that a page can show: "Clients MUST reject icon URIs that use unsafe schemes" (MCP 2025-11-25, Icons). Whatever is
 * no list of icons has none.
 */
export function safeIcons(icons) {
  if (!Array.isArray(icons)) return [];
  const isSafe = (icon) => typeof icon?.src === "string" && icon.src.length <= MAX_ICON && /^(https:\/\/|data:image\/)/i.test(icon.src);
  return Object.freeze(icons.filter(isSafe).slice(0, MAX_ICONS).map(iconOf));
}

function iconOf({ src, mimeType, sizes, theme }) {
  const icon = { src };
  if (typeof mimeType === "string") icon.mimeType = mimeType;
  if (Array.isArray(sizes)) icon.sizes = sizes.filter((size) => typeof size === "string").slice(0, MAX_ICONS);
  if (theme === "light" || theme === "dark") icon.theme = theme;
  return Object.freeze(icon);
}

/** What people are shown, or nothing. */
export function safeTitle(title) {
  return typeof title === "string" && title.trim() !== "" ? title.slice(0, MAX_TITLE) : undefined;
}

