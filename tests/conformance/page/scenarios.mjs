// What a host does in each scenario of the suite, with the package as it comes.

import { connect } from "mcp-evergreen";
import { popup } from "mcp-evergreen/auth";
import { clientCredentials, enterpriseManaged, withDpop, workloadIdentity } from "mcp-evergreen/grants";
import { Skills } from "mcp-evergreen/skills";

const clientInfo = { name: "mcp-evergreen-conformance", version: "1.0.0" };

const SCENARIOS = {
  // This server has no capabilities, only an answer to everything.
  initialize: (session) => session.ping(),

  async tools_call(session) {
    await session.listTools();
    const { content } = await session.callTool({ name: "add_numbers", arguments: { a: 5, b: 3 } });
    expect(content[0].text === "The sum of 5 and 3 is 8", "the sum");
  },

  "elicitation-sep1034-client-defaults": {
    // The user agrees to the form as it is: the defaults are the session's to fill in.
    options: { handlers: { "elicitation/create": () => ({ action: "accept", content: {} }) } },
    async play(session) {
      const { tools } = await session.listTools();
      await session.callTool({ name: tools[0].name, arguments: {} });
    },
  },

  async "sse-retry"(session) {
    await session.listTools();
    const { content } = await session.callTool({ name: "test_reconnection", arguments: {} });
    expect(content[0].text === "Reconnection test completed successfully", "the answer of the stream that was resumed");
  },

  async "json-schema-2020-12-preservation"(session) {
    const { tools } = await session.listTools();
    const { inputSchema } = tools.find(({ name }) => name === "json_schema_2020_12_tool");
    await session.callTool({ name: "json_schema_echo", arguments: { schema: inputSchema } });
  },

  "request-metadata": {
    options: {
      handlers: {
        "elicitation/create": () => ({ action: "cancel" }),
        "sampling/createMessage": () => ({ role: "assistant", model: "none", content: { type: "text", text: "" } }),
        "roots/list": () => ({ roots: [] }),
      },
    },
    // This server has no capabilities either.
    play: (session) => session.ping(),
  },

  "sep-2322-client-request-state": {
    options: { handlers: { "elicitation/create": () => ({ action: "accept", content: { confirmed: true } }) } },
    async play(session) {
      const call = async (name) => (await session.callTool({ name, arguments: {} })).content[0].text;
      await session.listTools();
      const ends = await Promise.all(["test_mrtr_echo_state", "test_mrtr_unrelated", "test_mrtr_no_state"].map(call));
      expect(ends.join() === "echo-state-ok,unrelated-ok,no-state-ok", "the three answers");
      expect((await call("test_mrtr_no_result_type")) === "no-result-type-test-ok", "a result without a type");
      expect((await call("test_mrtr_unrelated")) === "unrelated-ok", "a call that carries no input of others");
    },
  },

  async "http-standard-headers"(session) {
    const { tools } = await session.listTools();
    for (const { name } of tools) await session.callTool({ name, arguments: {} });
    const { resources } = await session.listResources();
    for (const { uri } of resources) await session.readResource({ uri });
    const { prompts } = await session.listPrompts();
    for (const { name } of prompts) await session.getPrompt({ name });
  },

  async "http-custom-headers"(session, { toolCalls }) {
    await session.listTools();
    for (const call of toolCalls) await session.callTool(call);
  },

  async "http-invalid-tool-headers"(session) {
    const { tools } = await session.listTools();
    for (const { name, inputSchema } of tools) {
      const given = Object.keys(inputSchema.properties).map((property) => [property, "eu"]);
      await session.callTool({ name, arguments: Object.fromEntries(given) });
    }
    expect(tools.length === 1, "the one valid tool");
  },

  "sep-2640-client-no-prefetch": (session) => skillsOf(session).list(),
  "sep-2640-client-verify-digest": { play: load, refusal: given("digest") },
  "sep-2640-client-verify-size": { play: load, refusal: given("size") },
  "sep-2640-client-verify-frontmatter": { play: load, refusal: given("frontmatter") },

  // No token is ever enough.
  "auth/scope-retry-limit": { refusal: ({ httpStatus }) => httpStatus === 403 },
  "auth/resource-mismatch": { refusal: because("resource_mismatch") },
  "auth/metadata-issuer-mismatch": { refusal: because("issuer_mismatch") },
  "auth/iss-supported-missing": { refusal: because("wrong_issuer") },
  "auth/iss-wrong-issuer": { refusal: because("wrong_issuer") },
  "auth/iss-unexpected": { refusal: because("wrong_issuer") },
  "auth/iss-normalized": { refusal: because("wrong_issuer") },
};

function skillsOf(session) {
  // The suite's front matter has no more to it.
  const parseFrontmatter = (text) => Object.fromEntries(text.split("\n").map((line) => line.split(/: (.*)/).slice(0, 2)));
  return new Skills(session, { parseFrontmatter });
}

/** A host that loads a skill with all that belongs to it. */
async function load(session) {
  const skills = skillsOf(session);
  const [skill] = await skills.list();
  await skills.read(skill);
  await skills.read(skill, "references/FORMS.md");
}

/** A file is not what its entry says, in this. */
function given(reason) {
  return ({ data }) => data?.reason === reason;
}

/** The authorization must not come about, for this reason. */
function because(kind) {
  return ({ code, diagnosis }) => code === "auth" && diagnosis?.kind === kind;
}

/** The client's metadata document, by the name that the suite knows. Nobody fetches it. */
const DOCUMENT = "https://conformance-test.local/client-metadata.json";

/** A host that authorizes in a popup. The mock of an authorization server sends everybody back at once. */
function byPopup({ client_id = DOCUMENT, client_secret, issuer } = {}) {
  return popup({ redirectUrl: "/callback.html", clientId: client_id, clientSecret: client_secret, issuer, timeout: 10_000 });
}

/** The providers of the extensions. The suite's secrets are for everybody to see. */
const PROVIDERS = {
  "auth/client-credentials-basic": ({ client_id: clientId, client_secret: clientSecret }) => clientCredentials({ clientId, clientSecret }),
  "auth/client-credentials-jwt": ({ client_id: clientId, private_key_pem: privateKey, signing_algorithm: algorithm }) =>
    clientCredentials({ clientId, privateKey, algorithm }),
  "auth/enterprise-managed-authorization": ({ client_id: clientId, client_secret: clientSecret, idp_client_id, idp_id_token, idp_token_endpoint: tokenEndpoint }) =>
    enterpriseManaged({ clientId, clientSecret, idToken: () => idp_id_token, idp: { tokenEndpoint, clientId: idp_client_id } }),
  "auth/wif-jwt-bearer": ({ client_id: clientId, valid_jwt }) => workloadIdentity({ clientId, assertion: () => valid_jwt }),
  "auth/dpop": (context) => withDpop(byPopup(context)),
  "auth/dpop-nonce": (context) => withDpop(byPopup(context)),
};

/** What a host does with a server that wants an authorization. */
const listAndCall = async (session) => {
  const { tools } = await session.listTools();
  await session.callTool({ name: tools[0].name, arguments: {} });
};

/** Those that nobody has written yet: what almost all of them begin with. */
const begin = (session) => session.listTools();

/** Plays one against the server at `url`; rejects where it does not come to its end. */
export async function play({ scenario, url, context }) {
  const isAuth = scenario.startsWith("auth/");
  const { options = isAuth ? { auth: { provider: (PROVIDERS[scenario] ?? byPopup)(context) } } : {}, play = listAndCall, refusal } = steps(SCENARIOS[scenario] ?? (isAuth ? listAndCall : begin));
  const whole = async () => {
    const session = await connect(url, { clientInfo, recovery: { maxAttempts: 1 }, ...options });
    await play(session, context);
    await session.close();
  };
  if (!refusal) return whole();
  const error = await whole().then(() => undefined, (error) => error);
  expect(refusal(error ?? {}), `a refusal, and it ended with ${error}`);
}

function steps(given) {
  return typeof given === "function" ? { play: given } : given;
}

function expect(condition, what) {
  if (!condition) throw new Error(`expected ${what}`);
}
