// What the suite starts as the client, with the server's URL as its argument. The work is done by the browser of
// `run.mjs`, which plays the scenario and tells how it ended.

const { CONFORMANCE_BROWSER, MCP_CONFORMANCE_CONTEXT = "{}" } = process.env;

const answer = await fetch(CONFORMANCE_BROWSER, {
  method: "POST",
  body: JSON.stringify({
    scenario: process.env.MCP_CONFORMANCE_SCENARIO,
    version: process.env.MCP_CONFORMANCE_PROTOCOL_VERSION,
    context: JSON.parse(MCP_CONFORMANCE_CONTEXT),
    url: process.argv[2],
  }),
});
const { error } = await answer.json();
if (error) console.error(error);
process.exitCode = error ? 1 : 0;
