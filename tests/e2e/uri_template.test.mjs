// URI templates, against the examples of RFC 6570.

import assert from "node:assert/strict";
import { test } from "node:test";
import { UriTemplate } from "../../pkg-template/uri_template.js";

/** (RFC 6570, 3.2.) */
const VALUES = {
  count: ["one", "two", "three"],
  dom: ["example", "com"],
  dub: "me/too",
  hello: "Hello World!",
  half: "50%",
  var: "value",
  who: "fred",
  base: "http://example.com/home/",
  path: "/foo/bar",
  list: ["red", "green", "blue"],
  keys: { semi: ";", dot: ".", comma: "," },
  v: "6",
  x: "1024",
  y: "768",
  empty: "",
  empty_keys: {},
  undef: null,
};

const TABLE = {
  "3.2.1": { "{count}": "one,two,three", "{count*}": "one,two,three", "{/count}": "/one,two,three", "{/count*}": "/one/two/three", "{;count}": ";count=one,two,three", "{;count*}": ";count=one;count=two;count=three", "{?count}": "?count=one,two,three", "{?count*}": "?count=one&count=two&count=three", "{&count*}": "&count=one&count=two&count=three" },
  "3.2.2": { "{var}": "value", "{hello}": "Hello%20World%21", "{half}": "50%25", "O{empty}X": "OX", "O{undef}X": "OX", "{x,y}": "1024,768", "{x,hello,y}": "1024,Hello%20World%21,768", "?{x,empty}": "?1024,", "?{x,undef}": "?1024", "?{undef,y}": "?768", "{var:3}": "val", "{var:30}": "value", "{list}": "red,green,blue", "{list*}": "red,green,blue", "{keys}": "semi,%3B,dot,.,comma,%2C", "{keys*}": "semi=%3B,dot=.,comma=%2C" },
  "3.2.3": { "{+var}": "value", "{+hello}": "Hello%20World!", "{+half}": "50%25", "{base}index": "http%3A%2F%2Fexample.com%2Fhome%2Findex", "{+base}index": "http://example.com/home/index", "O{+empty}X": "OX", "O{+undef}X": "OX", "{+path}/here": "/foo/bar/here", "here?ref={+path}": "here?ref=/foo/bar", "up{+path}{var}/here": "up/foo/barvalue/here", "{+x,hello,y}": "1024,Hello%20World!,768", "{+path,x}/here": "/foo/bar,1024/here", "{+path:6}/here": "/foo/b/here", "{+list}": "red,green,blue", "{+list*}": "red,green,blue", "{+keys}": "semi,;,dot,.,comma,,", "{+keys*}": "semi=;,dot=.,comma=," },
  "3.2.4": { "{#var}": "#value", "{#hello}": "#Hello%20World!", "{#half}": "#50%25", "foo{#empty}": "foo#", "foo{#undef}": "foo", "{#x,hello,y}": "#1024,Hello%20World!,768", "{#path,x}/here": "#/foo/bar,1024/here", "{#path:6}/here": "#/foo/b/here", "{#list*}": "#red,green,blue", "{#keys}": "#semi,;,dot,.,comma,,", "{#keys*}": "#semi=;,dot=.,comma=," },
  "3.2.5": { "{.who}": ".fred", "{.who,who}": ".fred.fred", "{.half,who}": ".50%25.fred", "www{.dom*}": "www.example.com", "X{.var}": "X.value", "X{.empty}": "X.", "X{.undef}": "X", "X{.var:3}": "X.val", "X{.list}": "X.red,green,blue", "X{.list*}": "X.red.green.blue", "X{.keys}": "X.semi,%3B,dot,.,comma,%2C", "X{.keys*}": "X.semi=%3B.dot=..comma=%2C", "X{.empty_keys}": "X", "X{.empty_keys*}": "X" },
  "3.2.6": { "{/who}": "/fred", "{/who,who}": "/fred/fred", "{/half,who}": "/50%25/fred", "{/who,dub}": "/fred/me%2Ftoo", "{/var}": "/value", "{/var,empty}": "/value/", "{/var,undef}": "/value", "{/var,x}/here": "/value/1024/here", "{/var:1,var}": "/v/value", "{/list}": "/red,green,blue", "{/list*}": "/red/green/blue", "{/list*,path:4}": "/red/green/blue/%2Ffoo", "{/keys}": "/semi,%3B,dot,.,comma,%2C", "{/keys*}": "/semi=%3B/dot=./comma=%2C" },
  "3.2.7": { "{;who}": ";who=fred", "{;half}": ";half=50%25", "{;empty}": ";empty", "{;v,empty,who}": ";v=6;empty;who=fred", "{;v,bar,who}": ";v=6;who=fred", "{;x,y}": ";x=1024;y=768", "{;x,y,empty}": ";x=1024;y=768;empty", "{;x,y,undef}": ";x=1024;y=768", "{;hello:5}": ";hello=Hello", "{;list}": ";list=red,green,blue", "{;list*}": ";list=red;list=green;list=blue", "{;keys}": ";keys=semi,%3B,dot,.,comma,%2C", "{;keys*}": ";semi=%3B;dot=.;comma=%2C" },
  "3.2.8": { "{?who}": "?who=fred", "{?half}": "?half=50%25", "{?x,y}": "?x=1024&y=768", "{?x,y,empty}": "?x=1024&y=768&empty=", "{?x,y,undef}": "?x=1024&y=768", "{?var:3}": "?var=val", "{?list}": "?list=red,green,blue", "{?list*}": "?list=red&list=green&list=blue", "{?keys}": "?keys=semi,%3B,dot,.,comma,%2C", "{?keys*}": "?semi=%3B&dot=.&comma=%2C" },
  "3.2.9": { "{&who}": "&who=fred", "{&half}": "&half=50%25", "?fixed=yes{&x}": "?fixed=yes&x=1024", "{&x,y,empty}": "&x=1024&y=768&empty=", "{&var:3}": "&var=val", "{&list*}": "&list=red&list=green&list=blue", "{&keys*}": "&semi=%3B&dot=.&comma=%2C" },
};

for (const [section, examples] of Object.entries(TABLE)) {
  test(`the examples of RFC 6570, ${section}`, () => {
    for (const [template, uri] of Object.entries(examples)) assert.equal(new UriTemplate(template).expand(VALUES), uri, template);
  });
}

test("what servers write: hyphens, letters of all kinds, triplets that are there", () => {
  const expand = (template, values) => new UriTemplate({ uriTemplate: template, name: "t" }).expand(values);
  assert.equal(expand("repo://{owner-name}/{repo}/contents{/path*}", { "owner-name": "a b", repo: "r", path: ["x", "y z"] }), "repo://a%20b/r/contents/x/y%20z");
  assert.equal(expand("weather://{city}/ä b%20c", { city: "Zürich 🦦" }), "weather://Z%C3%BCrich%20%F0%9F%A6%A6/%C3%A4%20b%20c");
  assert.equal(expand("x://{n:2}{?b}", { n: "🦦🦦🦦", b: true }), "x://%F0%9F%A6%A6%F0%9F%A6%A6?b=true");
  assert.equal(expand("x://{+q}", { q: "a%20b%zz" }), "x://a%20b%25zz");
  assert.equal(expand("x://{toString}{a}", { a: 5 }), "x://5");
  assert.equal(expand("file:///{path}"), "file:///");
  assert.deepEqual(new UriTemplate("{a}{?b,a*}{c.d:3}").variables, ["a", "b", "c.d"]);
  assert.equal(String(new UriTemplate("x://{a}")), "x://{a}");
});

for (const [template, says] of [
  [undefined, /^template: expected a string, or a resource template, got undefined/],
  [{ uriTemplate: 5 }, /^template: expected/],
  ["x://{a", /^template: a \{ without its \} at 4$/],
  ["x://a}", /^template: a \} without its \{ at 5$/],
  ["{}", /^template: the expression at 0 /],
  ["a{{b}}", /^template: the expression at 1 /],
  ["{a b}", /RFC 6570/],
  ["{!a}", /RFC 6570/],
  ["{=a}", /RFC 6570/],
  ["{a,}", /RFC 6570/],
  ["{a:0}", /RFC 6570/],
  ["{a:10000}", /RFC 6570/],
  ["{a:2*}", /RFC 6570/],
]) {
  test(`${JSON.stringify(template)} is no template`, () => assert.throws(() => new UriTemplate(template), { name: "TypeError", message: says }));
}

test("a wrong value is a TypeError that names it", () => {
  const template = new UriTemplate("{a}{b:3}");
  assert.throws(() => template.expand([]), /^TypeError: values: expected an object, got an array/);
  assert.throws(() => template.expand({ a: () => {} }), /^TypeError: values\.a: expected/);
  assert.throws(() => template.expand({ a: { k: {} } }), /^TypeError: values\.a\.k: expected/);
  assert.throws(() => template.expand({ b: ["x"] }), /^TypeError: values\.b: expected a string or a number/);
});

test("the server is asked for suggestions by the template, with what is filled in already", async () => {
  const asked = [];
  const session = { complete: async (...args) => (asked.push(args), { completion: { values: ["otter"], hasMore: false } }) };
  const template = new UriTemplate("zoo://{house}/{animal}{?tags*}");
  const argument = { name: "animal", value: "o", values: { house: 5, animal: "x", tags: ["a"], other: "y" } };
  assert.deepEqual(await template.complete(session, argument, { timeout: 5 }), { values: ["otter"], hasMore: false });
  await template.complete(session, { name: "house", value: "" });
  const ref = { type: "ref/resource", uri: "zoo://{house}/{animal}{?tags*}" };
  assert.deepEqual(asked, [
    [{ ref, argument: { name: "animal", value: "o" }, context: { arguments: { house: "5" } } }, { timeout: 5 }],
    [{ ref, argument: { name: "house", value: "" } }, undefined],
  ]);
  await assert.rejects(template.complete(session, { name: "cage", value: "" }), /^TypeError: name: the template has no such variable; there are house, animal, tags/);
  await assert.rejects(template.complete(session, { name: "house" }), /^TypeError: value: /);
});
