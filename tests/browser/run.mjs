// The runner of these tests, for cargo: has the pages of wasm-bindgen-test-runner, which WASM_BINDGEN_TEST_RUNNER names,
// played by each engine, or by the one that ENGINE names.

import { createServer, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { ENGINES, launchEngine } from "../e2e/lib/engine.mjs";
import { freePort, listen } from "../e2e/lib/ports.mjs";
import { startProcess } from "../e2e/lib/processes.mjs";

const DEADLINE_MS = 120_000;
const RESULT = /^test result: (\w+)\./m;

async function play(engine, url) {
  const browser = await launchEngine({ engine });
  try {
    console.log(`\nIn ${await browser.version()}:`);
    const page = await browser.newPage();
    page.on("pageerror", (error) => console.log(`uncaught in the page: ${error.message}`));
    await page.goto(url, { timeout: DEADLINE_MS });
    const end = Date.now() + DEADLINE_MS;
    let output = "";
    while (!RESULT.test(output) && Date.now() < end) {
      await sleep(100);
      output = await page.evaluate("document.querySelector('#output').textContent");
    }
    console.log(output);
    return RESULT.exec(output)?.[1] === "ok";
  } finally {
    await browser.close();
  }
}

const port = await freePort();
const server = await startProcess(process.env.WASM_BINDGEN_TEST_RUNNER, process.argv.slice(2), {
  port,
  env: { NO_HEADLESS: "1", WASM_BINDGEN_TEST_ADDRESS: `127.0.0.1:${port}` },
});
// The runner's server does not read from a fifth connection while four are kept open: here each request has one of its own.
const front = createServer((asked, answer) => {
  const { url: path, method, headers } = asked;
  const sent = request({ port, host: "127.0.0.1", path, method, headers: { ...headers, connection: "close" }, agent: false }, (got) => {
    answer.writeHead(got.statusCode, got.headers);
    got.pipe(answer);
  });
  sent.on("error", () => answer.destroy());
  asked.pipe(sent);
});
const open = await listen(front);
let passed = true;
for (const engine of process.env.ENGINE ? [process.env.ENGINE] : ENGINES) {
  passed = (await play(engine, `http://127.0.0.1:${open}/`)) && passed;
}
front.closeAllConnections();
front.close();
await server.kill();
process.exitCode = passed ? 0 : 1;
