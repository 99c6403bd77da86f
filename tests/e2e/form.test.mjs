// The form of an elicitation: its fields, their defaults, and what fits.

import assert from "node:assert/strict";
import { test } from "node:test";
import { accept, contentOf, defaults, fields, problems } from "../../pkg-template/form.js";

const SCHEMA = {
  type: "object",
  properties: {
    name: { type: "string", title: "Your name", description: "As on the card", minLength: 2, maxLength: 4, default: "Ann" },
    mail: { type: "string", format: "email" },
    site: { type: "string", format: "uri" },
    day: { type: "string", format: "date" },
    at: { type: "string", format: "date-time" },
    size: { type: "number", minimum: 0, maximum: 1.5, default: 1 },
    count: { type: "integer", minimum: 1 },
    sure: { type: "boolean", default: false },
    plain: { type: "string", enum: ["a", "b"], default: "c" },
    titled: { type: "string", oneOf: [{ const: "r", title: "Red" }, { const: "g", title: "Green" }], default: "g" },
    legacy: { type: "string", enum: ["x", "y"], enumNames: ["Ex"] },
    many: { type: "array", minItems: 1, maxItems: 2, items: { type: "string", enum: ["p", "q", "s"] }, default: ["p"] },
    manyTitled: { type: "array", items: { anyOf: [{ const: "m", title: "Em" }] } },
  },
  required: ["name", "sure", "count"],
};
const one = (property) => ({ type: "object", properties: { it: property } });
const kinds = (property, value) => problems(one(property), { it: value }).map(({ kind }) => kind);

test("the fields, in their order, with what a form shows", () => {
  const all = fields({ message: "m", requestedSchema: SCHEMA });
  assert.deepEqual(all.map(({ name, title, kind, required }) => [name, title, kind, required]), [
    ["name", "Your name", "string", true],
    ["mail", "mail", "string", false],
    ["site", "site", "string", false],
    ["day", "day", "string", false],
    ["at", "at", "string", false],
    ["size", "size", "number", false],
    ["count", "count", "integer", true],
    ["sure", "sure", "boolean", true],
    ["plain", "plain", "choice", false],
    ["titled", "titled", "choice", false],
    ["legacy", "legacy", "choice", false],
    ["many", "many", "choices", false],
    ["manyTitled", "manyTitled", "choices", false],
  ]);
  const by = Object.fromEntries(all.map((field) => [field.name, field]));
  assert.equal(by.name.description, "As on the card");
  assert.equal(by.mail.format, "email");
  assert.deepEqual(by.titled.choices, [{ value: "r", title: "Red" }, { value: "g", title: "Green" }]);
  assert.deepEqual(by.legacy.choices, [{ value: "x", title: "Ex" }, { value: "y", title: "y" }]);
  assert.deepEqual(by.manyTitled.choices, [{ value: "m", title: "Em" }]);
  assert.equal(by.name.schema, SCHEMA.properties.name);
  // A default that does not fit is none.
  assert.deepEqual(defaults(SCHEMA), { name: "Ann", size: 1, sure: false, titled: "g", many: ["p"] });
});

test("an answer has the defaults of what it lacks; one that does not fit is not made, and says why", () => {
  assert.deepEqual(accept(one({ type: "string", default: "d" })), { action: "accept", content: { it: "d" } });
  assert.deepEqual(accept({ requestedSchema: one({ type: "string", default: "d" }), message: "m" }, { it: "x" }), { action: "accept", content: { it: "x" } });
  const { content } = accept(SCHEMA, { count: 3, sure: true });
  assert.deepEqual(content, { name: "Ann", size: 1, sure: true, titled: "g", many: ["p"], count: 3 });
  assert.throws(
    () => accept(one({ type: "integer" }), { it: 1.5, more: "secret" }),
    (error) => {
      assert.equal(error.message, "content: does not fit what is asked for. it: Expected a whole number. more: There is no such field.");
      assert.deepEqual(error.problems.map(({ name, kind }) => [name, kind]), [["it", "type"], ["more", "unexpected"]]);
      return error instanceof TypeError;
    },
  );
});

test("what is required is there; undefined is not", () => {
  assert.deepEqual(problems(SCHEMA, { name: undefined, sure: false }).map(({ name, kind }) => [name, kind]), [["name", "missing"], ["count", "missing"]]);
});

for (const [property, good, bad] of [
  [{ type: "string" }, ["", "x"], [[5, "type"], [null, "type"], [["x"], "type"]]],
  [{ type: "string", minLength: 2, maxLength: 3 }, ["ab", "🦦🦦🦦"], [["🦦", "length"], ["abcd", "length"]]],
  [{ type: "string", format: "email" }, ["a@b", "a.b+c@d.example"], [["a", "format"], ["a@@b", "format"], ["a b@c", "format"], ["", "format"]]],
  [{ type: "string", format: "uri" }, ["https://a", "urn:x:y", "mailto:a@b"], [["a", "format"], ["//a", "format"], ["https://a b", "format"]]],
  [{ type: "string", format: "date" }, ["2024-02-29", "0001-01-01"], [["2023-02-29", "format"], ["2024-13-01", "format"], ["2024-1-1", "format"], ["2024-00-10", "format"], ["2024-01-01T00:00:00Z", "format"]]],
  [{ type: "string", format: "date-time" }, ["2024-02-29T23:59:60Z", "2024-01-01t00:00:00.123+05:30"], [["2024-01-01", "format"], ["2024-01-01T24:00:00Z", "format"], ["2024-01-01T00:00:00", "format"], ["2023-02-29T00:00:00Z", "format"], ["", "format"]]],
  [{ type: "string", format: "toString" }, ["x"], []],
  [{ type: "number", minimum: -1, maximum: 1 }, [-1, 0.5, 1], [[-1.1, "range"], [2, "range"], [NaN, "type"], [Infinity, "type"], ["1", "type"]]],
  [{ type: "integer" }, [0, -5], [[0.5, "type"], ["1", "type"]]],
  [{ type: "boolean" }, [true, false], [["true", "type"], [0, "type"]]],
  [{ type: "string", enum: ["a"] }, ["a"], [["b", "choice"], ["", "choice"], [["a"], "choice"]]],
  [{ type: "string", oneOf: [{ const: "a", title: "A" }] }, ["a"], [["A", "choice"]]],
  [{ type: "array", items: { enum: ["a", "b"] }, minItems: 1, maxItems: 1 }, [["a"]], [["a", "type"], [[], "count"], [["a", "b"], "count"], [["c"], "choice"], [["a", "a"], "choice"]]],
  [{ type: "array", items: { anyOf: [{ const: "a", title: "A" }] } }, [[], ["a"]], [[["A"], "choice"]]],
  [{ type: "object" }, [{}, 5], []],
  [{}, ["anything"], []],
]) {
  test(`what fits ${JSON.stringify(property)}`, () => {
    for (const value of good) assert.deepEqual(kinds(property, value), [], JSON.stringify(value));
    for (const [value, kind] of bad) assert.deepEqual(kinds(property, value), [kind], JSON.stringify(value));
  });
}

test("a schema that is none asks nothing; what is no schema at all is a TypeError", () => {
  for (const schema of [{}, { properties: null, required: 5 }, { properties: [], required: [5] }, { properties: { a: null } }]) {
    assert.deepEqual(fields(schema), []);
    assert.deepEqual(problems(schema, {}), []);
  }
  for (const schema of [undefined, null, "x", []]) assert.throws(() => fields(schema), /^TypeError: schema: expected an object/);
  for (const content of [null, "x", []]) assert.throws(() => problems({}, content), /^TypeError: content: expected an object/);
});

test("names that every object has are names like others", () => {
  const schema = { properties: { constructor: { type: "string", default: "c" }, toString: { type: "boolean" } }, required: ["constructor", "toString"] };
  assert.deepEqual(problems(schema, {}).map(({ name }) => name), ["constructor", "toString"]);
  assert.deepEqual(accept(schema, { toString: true }).content, { toString: true, constructor: "c" });
  assert.deepEqual(problems({}, JSON.parse('{"__proto__": 1}')).map(({ name, kind }) => [name, kind]), [["__proto__", "unexpected"]]);
});

test("what a form holds is content: by its kinds, and what was left empty is missing", () => {
  const form = (entries) => {
    const data = new FormData();
    for (const [name, value] of entries) data.append(name, value);
    return data;
  };
  const emptied = ["name", "mail", "day", "at", "size", "count", "plain", "titled"].map((name) => [name, ""]);
  assert.deepEqual(contentOf(SCHEMA, form(emptied)), { name: "", sure: false, many: [] });
  const full = [["name", "Bob"], ["day", "2026-12-31"], ["at", "2026-12-31T23:59"], ["size", "0.5"], ["count", "2"], ["sure", "on"], ["titled", "r"], ["many", "q"], ["many", "s"], ["else", "x"]];
  const content = { name: "Bob", day: "2026-12-31", at: new Date("2026-12-31T23:59").toISOString(), size: 0.5, count: 2, sure: true, titled: "r", many: ["q", "s"] };
  assert.deepEqual(contentOf({ requestedSchema: SCHEMA }, form(full)), content);
  assert.deepEqual(accept(SCHEMA, form(full)), { action: "accept", content });
  assert.deepEqual(problems(SCHEMA, form([["name", "B"], ["count", "x"], ["at", "soon"]])).map(({ name, kind }) => [name, kind]), [
    ["name", "length"],
    ["at", "format"],
    ["count", "type"],
    ["many", "count"],
  ]);
  assert.throws(() => accept(SCHEMA, form([])), { message: /count: It must be filled in\./ });
  for (const [value, sure] of [["false", false], ["true", true], ["", true]]) {
    assert.equal(contentOf(one({ type: "boolean" }), form([["it", value]])).it, sure, value);
  }
  for (const [text, at] of [["2026-12-31T23:59:59Z", "2026-12-31T23:59:59Z"], ["2026-13-31T23:59", "2026-13-31T23:59"]]) {
    assert.equal(contentOf(one({ type: "string", format: "date-time" }), form([["it", text]])).it, at);
  }
  for (const none of [undefined, null, 5, {}, { name: "Bob" }, new Map()]) {
    assert.throws(() => contentOf(SCHEMA, none), { name: "TypeError", message: /^form: expected a FormData/ });
  }
});
