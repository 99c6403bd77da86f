// What is done with a server, in Node and in a page, by our package and by others: each says in the same words what came
// of it.

/** Milliseconds that one answer may take. */
export const PATIENCE = 2_400;

/** Where a user comes back to who has signed in; nobody goes there. */
export const REDIRECT = "http://127.0.0.1:9/callback";

/** A user who agrees at once: the page of the authorization server says where that leads. */
export const agree = async (url) => (await fetch(url)).text();

/** What our package makes of a server. */
export async function ours({ connect, McpError }, { url, play, options, signsIn }) {
  let session;
  const warnings = [];
  const said = (error) => (error instanceof McpError ? `${error.code}${error.rpcCode === undefined ? "" : ` ${error.rpcCode}`}${error.diagnosis ? ` (${error.diagnosis.kind})` : ""}: ${error.message}` : `threw ${error}`);
  try {
    const auth = signsIn && { provider: { redirectUrl: REDIRECT, open: agree } };
    session = await connect(url, { timeout: PATIENCE, ...(auth && { auth }), on: { warning: ({ kind }) => warnings.push(kind) }, ...options });
    const value = await PLAYS[play](client(session));
    return { value: `${value}${session.status.recoveries > 0 ? ", healed" : ""}`, warnings };
  } catch (error) {
    return { failed: said(error), code: error?.code, outcome: error?.outcome, excerpt: error?.data?.excerpt, warnings };
  } finally {
    await Promise.race([session?.close().catch(() => {}), new Promise((done) => setTimeout(done, 200))]);
  }
}

/** The method that gets one page of a list, for our session and for the SDK's Client alike. */
export const LISTING = { tools: "listTools", resources: "listResources", resourceTemplates: "listResourceTemplates", prompts: "listPrompts" };

/** The same words for our session and for the SDK's Client. */
const client = (session) => ({
  all: async (list) => {
    const all = [];
    for await (const item of session[list]()) all.push(item.name);
    return all;
  },
  page: async (list) => (await session[LISTING[list]]())[list].map(({ name }) => name),
  read: () => session.readResource({ uri: "x://r" }),
  prompt: () => session.getPrompt({ name: "p" }),
  complete: () => session.complete({ ref: { type: "ref/prompt", name: "p" }, argument: { name: "a", value: "" } }),
  call: (params, onprogress) => session.callTool(params, { onprogress }),
});

/** What one does with a server. */
export const PLAYS = {
  tools: async (it) => `tools ${await it.all("tools")}`,
  resources: async (it) => `resources ${await it.all("resources")}`,
  resourceTemplates: async (it) => `resourceTemplates ${await it.all("resourceTemplates")}`,
  prompts: async (it) => `prompts ${await it.all("prompts")}`,
  // One page, where those above iterate over all.
  toolsPage: async (it) => `tools ${await it.page("tools")}`,
  resourcesPage: async (it) => `resources ${await it.page("resources")}`,
  resourceTemplatesPage: async (it) => `resourceTemplates ${await it.page("resourceTemplates")}`,
  promptsPage: async (it) => `prompts ${await it.page("prompts")}`,
  read: async (it) => `contents ${(await it.read()).contents.map(({ text }) => text)}`,
  prompt: async (it) => `messages ${(await it.prompt()).messages.map(({ role }) => role)}`,
  complete: async (it) => `values ${(await it.complete()).completion.values.map((value) => value)}`,
  call: async (it) => `says ${texts(await it.call({ name: "t", arguments: {} }))}`,
  // The second call meets what became of the session in between.
  calls: async (it) => `says ${texts(await it.call({ name: "t", arguments: {} }))}, ${texts(await it.call({ name: "t", arguments: {} }))}`,
  listed: async (it) => `tools ${await it.all("tools")}, says ${texts(await it.call({ name: "t", arguments: {} }))}`,
  progress: async (it) => {
    let heard = 0;
    const told = texts(await it.call({ name: "t", arguments: {} }, () => heard++));
    return `says ${told}, progress ${heard}`;
  },
};

function texts({ content }) {
  return content.map(({ text }) => text).join(" ");
}
