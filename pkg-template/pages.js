// Lists that come in pages, as one.

import { McpError } from "./error.js";

/**
 * The items of all pages. `list(params)` gets one; `field` is where it has its items. A cursor is opaque: an empty
 * string is one like any other (2025-11-25, Pagination, Implementation Guidelines).
 */
export async function* allPages(list, field, maxPages) {
  const seen = new Set();
  let cursor;
  do {
    if (seen.size >= maxPages) {
      const message = `The server's list of ${field} has more than ${maxPages} pages. The option maxPages of connect is the bound.`;
      throw new McpError(message, { code: "too_large", outcome: "executed" });
    }
    const page = await list(cursor === undefined ? undefined : { cursor });
    const items = page?.[field];
    if (!Array.isArray(items)) throw broken(`A page of the server's list has no array "${field}".`);
    const next = page.nextCursor ?? undefined;
    if (next !== undefined && typeof next !== "string") throw broken(`The cursor of the server's list of ${field} is no string.`);
    yield* items;
    seen.add(cursor);
    if (next !== undefined && seen.has(next)) throw broken(`The server's list of ${field} repeats a cursor: it has no end.`);
    cursor = next;
  } while (cursor !== undefined);
}

function broken(message) {
  return new McpError(message, { code: "protocol", outcome: "executed" });
}
