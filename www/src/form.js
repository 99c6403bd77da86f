// A form for a tool's arguments, made from its JSON Schema by Jedison, and the same as JSON.

import { argumentsOf, formSchema, formValues } from "./form_schema.js";

/** Loaded with the first form. */
let library;
const loaded = () => (library ??= load().catch((error) => ((library = undefined), Promise.reject(error))));

async function load() {
  const [{ default: jedison }, { default: purify }] = await Promise.all([import("jedison"), import("dompurify")]);
  // Titles and descriptions are the server's, and Jedison takes them for HTML: this is how it is told to clean them.
  globalThis.DOMPurify = { sanitize: (dirty) => purify.sanitize(dirty, { ALLOWED_TAGS: ["#text"] }) };
  return jedison;
}

/** @param {(id: string) => HTMLElement} byId */
export function argumentsForm(byId) {
  let form;
  let schema;
  let asJson = false;
  let latest = 0;

  /** Shows a form for this tool with these values. */
  async function show({ name, inputSchema }, values) {
    const serial = ++latest;
    byId("arguments").value = JSON.stringify(values, null, 2);
    const jedison = await loaded();
    if (serial !== latest) return;
    clear();
    schema = inputSchema ?? {};
    const fields = Object.keys(schema.properties ?? {}).length;
    const container = byId("form");
    container.replaceChildren();
    if (fields === 0) {
      container.append(Object.assign(document.createElement("p"), { className: "hint", textContent: "It takes no arguments." }));
    } else {
      form = new jedison.Create({
        container,
        theme: new jedison.Theme(),
        schema: formSchema(schema),
        data: formValues(schema, values),
        // What the visitor types goes to the tool as it is; it stands in fields, not in HTML.
        purifyData: false,
        btnIcons: false,
        objectAdd: false,
        showErrors: "change",
      });
      form.on("change", () => (byId("arguments").value = JSON.stringify(argumentsOf(schema, form.getValue()), null, 2)));
    }
    byId("form").dataset.tool = name;
  }

  /** Nothing of the tool before is left. */
  function clear() {
    form?.destroy();
    form = undefined;
    byId("form").replaceChildren();
    delete byId("form").dataset.tool;
  }

  /** `{ value }`, or `{ error }` that says what is wrong. */
  function read() {
    const parsed = parse(byId("arguments").value);
    if (asJson || parsed.error || !form) return parsed;
    // An object is wrong where one of its fields is: the field says why.
    const [deepest] = form.getErrors().sort((one, other) => other.path.length - one.path.length);
    return deepest ? { error: `${deepest.path.replace(/^#\/?/, "") || "arguments"}: ${deepest.messages[0]}` } : { value: argumentsOf(schema, form.getValue()) };
  }

  function setJson(on) {
    asJson = on;
    byId("json").hidden = !on;
    byId("form").hidden = on;
    if (on || !form) return;
    const { value } = parse(byId("arguments").value);
    if (value) form.setValue(formValues(schema, value));
  }

  return { show, clear: () => (latest++, clear()), read, setJson, focus: () => (asJson ? byId("arguments") : byId("form").querySelector("input, select, textarea"))?.focus() };
}

function parse(text) {
  let value;
  try {
    value = JSON.parse(text.trim() || "{}");
  } catch (error) {
    return { error: `Not JSON: ${error.message}` };
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return { error: "Arguments are a JSON object, such as {}." };
  }
  return { value };
}

