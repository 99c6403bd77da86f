// The form of the demo, without a page: what a tool's schema becomes, and what is sent of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { argumentsOf, formSchema, formValues } from "../../www/src/form_schema.js";
import { sampleArguments } from "../../www/src/tools.js";

const object = (properties, more = {}) => ({ type: "object", properties, ...more });
const field = (property, more) => formSchema(object({ a: property }, more)).properties.a;

/** What goes to the tool where the visitor presses Call at once, and where everything was filled in. */
const sent = (schema, filled = {}) => argumentsOf(schema, { ...formValues(schema, sampleArguments({ inputSchema: schema })), ...filled });

for (const [name, property, shown] of [
  ["a string", { type: "string" }, { type: "string", title: "a (optional)" }],
  ["a number: an empty field is none", { type: "number", minimum: 1, title: "A" }, { type: "string", title: "A (optional)", pattern: "^$|^-?[0-9]+([.][0-9]+)?$" }],
  ["a choice: none is the first", { enum: ["x", "y"] }, { type: "string", enum: ["", "x", "y"], title: "a (optional)" }],
  ["a choice of numbers", { type: "integer", enum: [1, 2] }, undefined],
  ["with a default it is as it is", { type: "number", default: 3 }, { type: "number", default: 3, title: "a" }],
  ["a box to tick", { type: "boolean" }, { type: "boolean", title: "a (optional)", "x-format": "checkbox" }],
]) {
  test(`what may be left out is shown: ${name}`, () => {
    if (shown) assert.deepEqual(field(property), shown);
    assert.deepEqual(sent(object({ a: property })), property.default === undefined ? {} : { a: property.default });
  });
}

for (const [name, property, filled, expected] of [
  ["as pydantic writes an Optional", { anyOf: [{ type: "integer" }, { type: "null" }], default: null, title: "A" }, "4", 4],
  ["with the null first", { oneOf: [{ type: "null" }, { type: "string" }], title: "A" }, "x", "x"],
  ["as a list of types", { type: ["string", "null"], title: "A" }, "x", "x"],
  ["of something that is referred to", { anyOf: [{ $ref: "#/$defs/Unit" }, { type: "null" }], title: "A" }, "F", "F"],
]) {
  test(`an option of null is the other one, under its own name, ${name}`, () => {
    const schema = object({ a: property }, { $defs: { Unit: { type: "string", enum: ["C", "F"], title: "Unit" } } });
    const shown = formSchema(schema).properties.a;
    assert.equal(shown.title, "A (optional)");
    assert.equal(shown.anyOf ?? shown.oneOf, undefined);
    assert.deepEqual(sent(schema), {});
    assert.deepEqual(sent(schema, { a: filled }), { a: expected });
  });
}

test("what must be there and may be null is sent as null", () => {
  const schema = object({ a: { anyOf: [{ type: "string" }, { type: "null" }] } }, { required: ["a"] });
  assert.deepEqual(argumentsOf(schema, formValues(schema, {})), { a: null });
});

test("what has a default and is not given is not there, as JSON says it", () => {
  const schema = object({ name: { type: "string" }, language: { enum: ["English"], default: "English" } }, { required: ["name"] });
  assert.deepEqual(formValues(schema, { name: "mole" }), { name: "mole" });
  assert.deepEqual(sent(schema), { name: "hello", language: "English" });
});

test("references are followed, within others too, and a schema that holds itself has an end", () => {
  const schema = object(
    { at: { $ref: "#/$defs/Place" }, many: { type: "array", items: { $ref: "#/$defs/Place" } }, tree: { $ref: "#/definitions/Tree" }, gone: { $ref: "#/$defs/None" }, away: { $ref: "https://example.com/schema" } },
    { $defs: { Place: object({ unit: { $ref: "#/$defs/a~1b" } }), "a/b": { type: "string", enum: ["C"] } }, definitions: { Tree: object({ left: { $ref: "#/definitions/Tree" } }) }, required: ["at"] },
  );
  const { properties } = formSchema(schema);
  assert.deepEqual(properties.at.properties.unit.enum, ["", "C"]);
  assert.deepEqual(properties.many.items.properties.unit.enum, ["", "C"]);
  assert.deepEqual(properties.tree.properties.left, { title: "left (optional)" });
  assert.doesNotMatch(JSON.stringify(properties), /\$ref|\$defs/);
  assert.deepEqual(sent(schema), { at: {} });
});

test("no member is undefined: the library that makes the form would not end", () => {
  const walk = (part) => Object.entries(part ?? {}).forEach(([name, value]) => (assert.notEqual(value, undefined, name), typeof value === "object" && walk(value)));
  walk(formSchema(object({ a: { type: "string" }, b: { type: "number" }, c: { anyOf: [{ type: "string" }, { type: "null" }] } })));
});

test("two that refer to each other have an end", () => {
  const schema = object({ a: { $ref: "#/$defs/One" } }, { $defs: { One: { $ref: "#/$defs/Two" }, Two: { $ref: "#/$defs/One" } } });
  assert.equal(formSchema(schema).properties.a.title, "a (optional)");
});

test("references that double, and one that is malformed, make no form without an end", () => {
  const names = Array.from({ length: 40 }, (_, at) => `D${at}`);
  const $defs = Object.fromEntries(names.map((name, at) => [name, object({ x: { $ref: `#/$defs/D${at + 1}` }, y: { $ref: `#/$defs/D${at + 1}` } })]));
  const text = JSON.stringify(formSchema(object({ a: { $ref: "#/$defs/D0" }, b: { $ref: "#/%" }, c: { $ref: "#/__proto__" } }, { $defs })));
  assert.ok(text.length < 1_000_000, `${text.length}`);
});

test("keywords that steer the library are not the server's to give; a property may be called so", () => {
  const shown = formSchema(object({ "x-ray": { type: "string", "x-info": { content: "<b>" }, default: "a" } }));
  assert.deepEqual(shown.properties, { "x-ray": { type: "string", default: "a", title: "x-ray" } });
});
