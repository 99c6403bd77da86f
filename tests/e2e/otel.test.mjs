// examples/otel: what OpenTelemetry's own SDK makes of an evicted call, by the conventions for MCP.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { installed } from "./lib/install.mjs";
import { e2e, root } from "./lib/paths.mjs";

let folder;
let kit;
before(async () => {
  const app = await installed();
  folder = mkdtempSync(`${app}/fixtures-`);
  // Where its imports find what a host would have installed.
  copyFileSync(`${root}examples/otel/spans.mjs`, `${folder}/spans.mjs`);
  symlinkSync(`${e2e}node_modules`, `${folder}/node_modules`);
  const load = (path) => import(pathToFileURL(path));
  const packaged = `${app}/node_modules/mcp-evergreen`;
  kit = { ...(await load(`${packaged}/index.js`)), ...(await load(`${packaged}/testing.js`)), ...(await load(`${folder}/spans.mjs`)) };
});
after(() => folder && rmSync(folder, { recursive: true, force: true }));

async function played(play, options = {}) {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const server = new kit.TestServer({ tools: { echo: ({ message }) => message }, ...options });
  let session;
  const wire = kit.spans(provider.getTracer("host"), server.url, () => session?.status);
  session = await kit.connect(server.url, { era: "legacy", fetch: server.fetch, on: { wire } });
  await play({ session, server });
  await session.close();
  return exporter.getFinishedSpans();
}

const told = ({ name, kind, status, attributes }) => {
  const { "mcp.method.name": method, "error.type": error, "http.response.status_code": http, "http.request.resend_count": again } = attributes;
  assert.equal(kind, SpanKind.CLIENT);
  assert.equal(method, name);
  assert.equal(status.code, error ? SpanStatusCode.ERROR : SpanStatusCode.UNSET);
  return [name, http, error, again].filter((part) => part !== undefined).join(" ");
};

test("an evicted call: two spans, the first with the verdict, the second with the count of its resends", async () => {
  const spans = await played(async ({ session, server }) => {
    server.evict();
    await session.callTool({ name: "echo", arguments: { message: "s3cret" } });
  });
  assert.deepEqual(spans.map(told), [
    "initialize 200",
    "notifications/initialized 202",
    "tools/call 404 evicted",
    "initialize 200",
    "notifications/initialized 202",
    "tools/call 200 1",
  ]);
  const { attributes } = spans.at(-1);
  assert.deepEqual(attributes, {
    "mcp.method.name": "tools/call",
    "mcp.protocol.version": "2025-11-25",
    "gen_ai.operation.name": "execute_tool",
    "network.protocol.name": "http",
    "http.request.method": "POST",
    "http.request.resend_count": 1,
    "http.response.status_code": 200,
    "server.address": "mcp.test",
    "server.port": 443,
  });
  assert.equal(spans[0].attributes["gen_ai.operation.name"], undefined, "of tool calls alone");
  assert.doesNotMatch(JSON.stringify(spans.map(({ attributes, events }) => ({ attributes, events }))), /s3cret|echo/);
});

test("what broke and what was given up end as errors, and no span stays open", async () => {
  const spans = await played(async ({ session, server }) => {
    server.break("tools/call", { head: true });
    await session.callTool({ name: "echo", arguments: { message: "a" } }).catch(() => {});
    const release = server.stall("tools/call");
    await assert.rejects(session.callTool({ name: "echo", arguments: { message: "b" } }, { signal: AbortSignal.timeout(20) }));
    release();
  });
  const calls = spans.map(told).filter((line) => line.startsWith("tools/call"));
  assert.deepEqual(calls, ["tools/call network", "tools/call cancelled"]);
  assert.ok(spans.every(({ ended }) => ended));
});

test("its line of use, as it stands: the handshake's spans end as well", async () => {
  const [, line] = /^\/\/   (const session = await connect\(.+)$/m.exec(readFileSync(`${root}examples/otel/spans.mjs`, "utf8"));
  const exporter = new InMemorySpanExporter();
  const trace = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const server = new kit.TestServer({ tools: { echo: ({ message }) => message } });
  const connect = (url, options) => kit.connect(url, { ...options, era: "legacy", fetch: server.fetch });
  const use = `async (connect, spans, trace, url) => { ${line} return session; }`;
  const session = await (0, eval)(use)(connect, kit.spans, trace, server.url);
  await session.callTool({ name: "echo", arguments: { message: "otters" } });
  await session.close();
  const spans = exporter.getFinishedSpans();
  assert.deepEqual(spans.map(told), ["initialize 200", "notifications/initialized 202", "tools/call 200"]);
  assert.deepEqual(spans.map(({ attributes }) => attributes["mcp.protocol.version"]), [undefined, undefined, "2025-11-25"]);
});
