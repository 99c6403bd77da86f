// The examples that lead into a model and out of it, as they stand in the documentation, in Node: the model is a script here,
// and the server loses its sessions while the model thinks.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { examples } from "./lib/examples.mjs";
import { installed } from "./lib/install.mjs";
import { e2e } from "./lib/paths.mjs";
import { run } from "./lib/processes.mjs";
import { startProxy, withLeisure } from "./lib/proxy.mjs";
import { everything } from "./lib/servers.mjs";

const bounded = { timeout: 180_000 };

let folder;
let server;
before(async () => {
  folder = await withSdks(await installed());
  server = await everything.start();
});
after(async () => {
  await server?.kill();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** What each provider's API answers first: a call of `echo`; and then: what came of it. */
const SCRIPTS = {
  anthropic: {
    asks: () => anthropicMessage({ type: "tool_use", id: "t1", name: "echo", input: { message: "otters" } }, "tool_use"),
    told: ({ messages }) => messages.at(-1).content[0].content[0].text,
    says: (said) => anthropicMessage({ type: "text", text: said }, "end_turn"),
    tools: ({ tools }) => tools.map(({ name, input_schema }) => [name, input_schema.type]),
  },
  openai: {
    asks: () => openaiMessage({ content: null, tool_calls: [{ id: "t1", type: "function", function: { name: "echo", arguments: '{"message":"otters"}' } }] }, "tool_calls"),
    told: ({ messages }) => JSON.parse(messages.at(-1).content).content[0].text,
    says: (said) => openaiMessage({ content: said }, "stop"),
    tools: ({ tools }) => tools.map(({ function: { name, parameters } }) => [name, parameters.type]),
  },
  agents: {
    asks: () => SCRIPTS.openai.asks(),
    told: ({ messages }) => messages.at(-1).content,
    says: (said) => SCRIPTS.openai.says(said),
    tools: (request) => SCRIPTS.openai.tools(request),
  },
  tanstack: {
    listens: true,
    asks: () => [{ type: "TOOL_CALL_START", toolCallId: "t1", toolCallName: "echo", toolName: "echo", index: 0 }, { type: "TOOL_CALL_ARGS", toolCallId: "t1", delta: '{"message":"otters"}' }, { type: "TOOL_CALL_END", toolCallId: "t1", toolName: "echo", input: { message: "otters" } }, { type: "RUN_FINISHED", finishReason: "tool_calls" }],
    told: ({ messages }) => /Echo: otters/.exec(JSON.stringify(messages.at(-1)))?.[0],
    says: (said) => [{ type: "TEXT_MESSAGE_START", messageId: "m", role: "assistant" }, { type: "TEXT_MESSAGE_CONTENT", messageId: "m", delta: said }, { type: "TEXT_MESSAGE_END", messageId: "m" }, { type: "RUN_FINISHED", finishReason: "stop" }],
    tools: ({ tools }) => tools.map(({ name, inputSchema }) => [name, inputSchema.type]),
  },
  aisdk: {
    asks: () => aiMessage({ type: "tool-call", toolCallId: "t1", toolName: "echo", input: '{"message":"otters"}' }, "tool-calls"),
    told: ({ prompt }) => prompt.at(-1).content[0].output.value.content[0].text,
    says: (said) => aiMessage({ type: "text", text: said }, "stop"),
    tools: ({ tools }) => tools.map(({ name, inputSchema }) => [name, inputSchema.type]),
  },
};

for (const [name, script] of Object.entries(SCRIPTS)) {
  test(`the example ${name}: the model calls a tool, the server is restarted, and the model gets what came of it`, bounded, async () => {
    const proxy = await startProxy(server.url);
    withLeisure(proxy);
    const asked = [];
    const model = await startModel(async (request) => {
      asked.push(request);
      if (asked.length > 1) return script.says(script.told(request));
      await server.restart();
      return script.asks();
    });
    try {
      const addresses = { "https://example.com/mcp": proxy.url, "https://example.com/model": model.url };
      const said = await runExample(name, addresses, { MODEL: model.url }, (code) => code.replace(/import \{ openaiText \}.*/, ADAPTER));
      assert.deepEqual(said, ["Echo: otters"]);
      assert.equal(asked.length, 2);
      assert.ok(script.tools(asked[0]).some(([tool, type]) => tool === "echo" && type === "object"), JSON.stringify(asked[0].tools));
      const calls = proxy.recording.transcript().filter((line) => line.startsWith("tools/call"));
      // Who listens hears of the restart, and may be back before the call.
      if (script.listens && calls.length === 1) calls.unshift("none");
      assert.deepEqual([calls.length, calls.at(-1), proxy.recording.counts().initialize], [2, "tools/call→200 s2", 2]);
    } catch (error) {
      error.stack += `\n\nOn the wire:\n  ${proxy.recording.transcript().join("\n  ")}`;
      throw error;
    } finally {
      await model.close();
      await proxy.close();
    }
  });
}

test("the example prompt: a prompt and what was read are messages to the model", bounded, async () => {
  const asked = [];
  const model = await startModel(async (request) => {
    asked.push(request);
    return anthropicMessage({ type: "text", text: "read" }, "end_turn");
  });
  try {
    assert.deepEqual(await runExample("prompt", { "https://example.com/mcp": server.url, "https://example.com/model": model.url }), ["read"]);
    const [{ messages }] = asked;
    assert.ok(messages.every(({ role, content }) => ["user", "assistant"].includes(role) && content.length > 0), JSON.stringify(messages));
    assert.ok(messages.length > 1);
  } finally {
    await model.close();
  }
});

test("the example template: the server suggests a value, and what it makes is read", bounded, async () => {
  assert.deepEqual(await runExample("template", { "https://example.com/mcp": server.url }), ["demo://resource/dynamic/text/1"]);
});

test("the example form: a wrong answer is shown again, the right one is what the server gets", bounded, async () => {
  const shown = `const form = {
    shown: [],
    async show(server, message, fields, { begin, wrong }) {
      form.shown.push(wrong.map(({ name, kind }) => [name, kind]));
      return form.shown.length === 1 ? { ...begin, name: "Ann", email: "nowhere" } : { ...begin, email: "ann@example.com" };
    },
  };`;
  const call = `
    const { content } = await session.callTool({ name: "trigger-elicitation-request", arguments: {} });
    console.log(JSON.stringify([form.shown, content.map(({ text }) => text).join(" ")]));
    await session.close();`;
  const [line] = await runExample("form", { "https://example.com/mcp": server.url }, {}, (code) => `${shown}\n${code}\n${call}`);
  const [asked, said] = JSON.parse(line);
  assert.deepEqual(asked, [[], [["email", "format"]]]);
  assert.match(said, /Ann/);
  assert.match(said, /ann@example\.com/);
});

test("a validator of the SDK's says whether structured content fits, and the trace is in what the server gets", bounded, async () => {
  const proxy = await startProxy(server.url);
  const code = `
    import { AjvJsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/ajv";
    import { connect } from "mcp-evergreen";

    const validator = new AjvJsonSchemaValidator();
    let strict = false;
    const session = await connect(${JSON.stringify(proxy.url)}, {
      validate: (schema, value) => validator.getValidator(strict ? { ...schema, required: ["no such member"] } : schema)(value),
      trace: () => ({ traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" }),
    });
    const call = { name: "get-structured-content", arguments: { location: "Chicago" } };
    console.log(typeof (await session.callTool(call)).structuredContent.temperature);
    strict = true;
    const { code, outcome, diagnosis } = await session.callTool(call).catch((error) => error);
    console.log(code, outcome, diagnosis.kind);
    await session.close();`;
  try {
    assert.deepEqual(await runCode("validate", code), ["number", "protocol executed structured_content"]);
    const calls = proxy.recording.records.filter(({ rpc }) => rpc === "tools/call");
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert.deepEqual(calls.map(({ params }) => params._meta.traceparent), [traceparent, traceparent]);
  } finally {
    await proxy.close();
  }
});

// ── Details ──

const usage = { input_tokens: 1, output_tokens: 1 };
const anthropicMessage = (part, stop_reason) => ({ id: "m", type: "message", role: "assistant", model: "m", content: [part], stop_reason, stop_sequence: null, usage });
const openaiMessage = (message, finish_reason) => ({
  id: "m",
  object: "chat.completion",
  created: 0,
  model: "m",
  choices: [{ index: 0, finish_reason, logprobs: null, message: { role: "assistant", refusal: null, ...message } }],
});
const aiMessage = (part, unified) => ({
  content: [part],
  finishReason: { unified, raw: unified },
  usage: { inputTokens: { total: 1 }, outputTokens: { total: 1 } },
  warnings: [],
});

/** The AI SDK gets its model from whoever provides it. */
const PROVIDER = `
  import { MockLanguageModelV4 } from "ai/test";
  const doGenerate = async ({ prompt, tools }) =>
    (await fetch(process.env.MODEL, { method: "POST", body: JSON.stringify({ prompt, tools }) })).json();
  globalThis.AI_SDK_DEFAULT_PROVIDER = { specificationVersion: "v4", languageModel: () => new MockLanguageModelV4({ doGenerate }) };
  globalThis.AI_SDK_LOG_WARNINGS = false;
`;

/** TanStack AI gets an adapter of its provider's. */
const ADAPTER = `
  const openaiText = (model) => ({
    kind: "text",
    name: "script",
    model,
    async *chatStream({ messages, tools, runId = "r", threadId = "t" }) {
      const body = JSON.stringify({ messages, tools: tools?.map(({ name, inputSchema }) => ({ name, inputSchema })) });
      yield { type: "RUN_STARTED", runId, threadId, model, timestamp: Date.now() };
      for (const chunk of await (await fetch(process.env.MODEL, { method: "POST", body })).json()) {
        yield { ...chunk, runId, threadId, model, timestamp: Date.now() };
      }
    },
  });
`;

/** Runs an example with its addresses replaced; gives the lines that it prints. */
function runExample(name, addresses, env, wrap = (code) => code) {
  const replaced = Object.entries(addresses).reduce((code, [from, to]) => code.replaceAll(from, to), examples[name].code);
  return runCode(name, wrap(replaced), env);
}

async function runCode(name, code, env = {}) {
  writeFileSync(`${folder}/${name}.mjs`, code);
  // A session that the example leaves open would keep the process.
  writeFileSync(`${folder}/${name}.run.mjs`, `${name === "aisdk" ? PROVIDER : ""}\nawait import("./${name}.mjs");\nprocess.exit();`);
  const said = await run(process.execPath, [`${folder}/${name}.run.mjs`], { env });
  return said.trim().split("\n");
}

/** A folder in which imports find the package and the SDKs. */
async function withSdks(app) {
  const made = mkdtempSync(`${app}/models-`);
  mkdirSync(`${made}/node_modules`);
  for (const name of ["@ai-sdk", "@anthropic-ai", "@modelcontextprotocol", "@openai", "@tanstack", "ai", "openai"]) {
    symlinkSync(`${e2e}node_modules/${name}`, `${made}/node_modules/${name}`);
  }
  return made;
}

/** A provider's API that answers each request by `answer(body)`. */
async function startModel(answer) {
  const model = createServer(async (request, response) => {
    const reply = await answer(JSON.parse(await text(request))).catch((error) => error);
    response.writeHead(reply instanceof Error ? 400 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(reply instanceof Error ? { error: { message: reply.stack } } : reply));
  });
  await new Promise((resolve) => model.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${model.address().port}`,
    close: () => new Promise((resolve) => model.close(resolve).closeAllConnections()),
  };
}
