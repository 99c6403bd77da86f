// Lists that come in pages, as one.

import { McpError } from "./error.js";

const MODERN = "2026-07-28";
const INVALID_PARAMS = -32602;
/** What names an item of its list. */
const keyOf = (item) => item?.uri ?? item?.uriTemplate ?? item?.name;

/**
 * The items of all pages. `list(params)` gets one; `field` is where it has its items. What there is is never lost to a
 * cursor that leads nowhere: the list ends there, and `warn(hint)` is told. Cursors are the session's: where it was lost
 * meanwhile, the list is begun anew, once, and what was given already is left out. `version()`: the protocol version;
 * `generation()`: the session's.
 */
export async function* allPages(list, field, { maxPages, version, generation, warn }) {
  const seen = new Set();
  const given = new Set();
  let isSecond = false;
  let cursor;
  let before;
  let under;
  for (;;) {
    if (seen.size >= maxPages) {
      const message = `The server's list of ${field} has more than ${maxPages} pages. The option maxPages of connect is the bound.`;
      throw new McpError(message, { code: "too_large", outcome: "executed" });
    }
    let page;
    const current = generation();
    try {
      page = await list(cursor === undefined ? undefined : { cursor });
    } catch (error) {
      // "Invalid cursors SHOULD result in an error with code -32602" (2025-11-25, Pagination, Error Handling).
      if (cursor === undefined || error?.rpcCode !== INVALID_PARAMS) throw error;
      if (generation() !== under) {
        if (isSecond) throw error;
        isSecond = true;
        seen.clear();
        [cursor, before] = [];
        continue;
      }
      return warn(`The server refused its own cursor for the list of ${field}. ${ENDS}`);
    }
    const items = page[field];
    seen.add(cursor);
    const next = page.nextCursor ?? undefined;
    const repeats = next !== undefined && seen.has(next);
    // A server that does not heed its cursors gives the same page again.
    if (!repeats || JSON.stringify(items) !== JSON.stringify(before)) {
      for (const item of items) {
        const key = keyOf(item);
        if (isSecond && key !== undefined && given.has(key)) continue;
        given.add(key);
        yield item;
      }
    }
    // To 2026-07-28 alone an empty string is a cursor like any other.
    if (next === "" && version() !== MODERN) return;
    if (next !== undefined && typeof next !== "string") return warn(`The cursor of the server's list of ${field} is no string. ${ENDS}`);
    if (repeats) return warn(`The server's list of ${field} repeats a cursor: it has no end. ${ENDS}`);
    if (next === undefined) return;
    [cursor, before, under] = [next, items, current];
  }
}

const ENDS = "The list ends with what there was before.";
