// The examples of docs/examples.md, by their names.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { root } from "./paths.mjs";

const text = readFileSync(`${root}docs/examples.md`, "utf8");

/** `{ language, code }`; none is longer than fifteen lines. */
export const examples = Object.fromEntries(
  [...text.matchAll(/<!-- example: (\w+) -->\n```(\w+)\n([\s\S]*?)```/g)].map(([, name, language, code]) => {
    assert.ok(code.trimEnd().split("\n").length <= 15, `the example ${name} has more than 15 lines`);
    return [name, { language, code }];
  }),
);

// None is without a test.
assert.equal(Object.keys(examples).length, text.match(/^```\w+$/gm).length, "every code block is an example with a name");
