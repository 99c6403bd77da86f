// A tool's structured content against what the tool says of it, by the host's option `validate` (2025-11-25, Tools, Output
// Schema: "Clients SHOULD validate structured results against this schema").

import { abortable } from "./abortable.js";
import { McpError } from "./error.js";

const HINT = "Tell whoever runs the server: the tool says in its outputSchema what it gives.";
const MISFIT = "does not fit its outputSchema: see cause";

export class Structured {
  #validate;
  /** By the tools' names, as they were listed last. */
  #schemas = new Map();
  #listing;

  constructor(validate) {
    this.#validate = validate;
  }

  learn(tools) {
    for (const tool of tools) this.#schemas.set(tool?.name, tool?.outputSchema ?? undefined);
  }

  /** The server has other tools. */
  forget() {
    this.#schemas.clear();
  }

  /** The result, if it fits; `list` asks for all tools. Whatever comes of it, the tool has run. */
  async checked(name, result, list, signal) {
    if (result.isError || (result.resultType ?? "complete") !== "complete") return result;
    return abortable(this.#check(name, result, list), signal);
  }

  async #check(name, result, list) {
    if (!this.#schemas.has(name)) {
      this.#listing ??= list().finally(() => (this.#listing = undefined));
      await this.#listing.catch((cause) => {
        throw unfit(name, "is not known to fit: the tools could not be listed", cause);
      });
    }
    const schema = this.#schemas.get(name);
    const value = result.structuredContent;
    if (schema === undefined) return result;
    if (value === undefined) throw unfit(name, "is missing");
    let verdict;
    try {
      verdict = (await this.#validate(schema, value)) ?? true;
    } catch (cause) {
      throw unfit(name, MISFIT, cause);
    }
    if (verdict !== true && verdict.valid !== true && verdict.length !== 0) throw unfit(name, MISFIT, verdict);
    return result;
  }
}

function unfit(tool, what, cause) {
  const diagnosis = { kind: "structured_content", tool, hint: HINT };
  const message = `The structured content of "${tool}" ${what}. The tool has run, and is not run again.`;
  return new McpError(message, { code: "protocol", outcome: "executed", diagnosis, cause });
}
