/**
 * Skills of a server (extension `io.modelcontextprotocol/skills`, SEP-2640) over a Session. Nothing is read before it is asked for;
 * every file is what its entry says, by size and digest, and a `SKILL.md` says of itself what its entry says of it. Whether a skill is
 * used is the user's to say.
 *
 * ```js
 * import { parse } from "yaml";
 *
 * const skills = new Skills(session, { parseFrontmatter: parse });
 * const [first] = await skills.list();
 * const { body } = await skills.read(first);
 * const { text } = await skills.read(first, "references/FORMS.md");
 * ```
 */
import type { RequestOptions, Session } from "./types.js";

export const EXTENSION: "io.modelcontextprotocol/skills";

/** What a server says of a skill. */
export interface Skill {
  /** Of its `SKILL.md`. */
  readonly uri: string;
  readonly frontmatter: { readonly name: string; readonly description: string; readonly [field: string]: unknown };
  /** All of its files, the `SKILL.md` among them; `"dynamic"`: they are made as they are asked for, and cannot be verified. */
  readonly resources: "dynamic" | readonly { readonly uri: string; readonly digest: string; readonly size: number }[];
  readonly [member: string]: unknown;
}

/** A file of a skill. */
export interface SkillFile {
  readonly uri: string;
  readonly mimeType?: string | undefined;
  /** What the digest is of. */
  readonly bytes: Uint8Array;
  /** Where the server sent text; of the `SKILL.md` always. */
  readonly text?: string;
  /** Size and digest are those of the entry. `false` only where `resources` is `"dynamic"`. */
  readonly verified: boolean;
  /** Of the `SKILL.md` only. */
  readonly frontmatter?: Readonly<Record<string, unknown>>;
  /** Of the `SKILL.md` only: what stands behind the front matter. */
  readonly body?: string;
}

/**
 * What a server gives that is not so rejects with an `McpError`: `code: "protocol"`, and `data.reason` is `"entry"`, `"unlisted"`,
 * `"size"`, `"digest"` or `"frontmatter"` (`data.differs`: the fields). A server without the extension: `code: "capability"`, and nothing
 * is sent.
 */
export class Skills {
  /**
   * @param options `parseFrontmatter` reads YAML 1.2, such as `parse` of the package `yaml`. `maxPages`: how many pages `list()` gets
   * at most, 1 to 1 000 000, by default 64; a longer list fails with `code: "too_large"`.
   * @throws {TypeError} An option is missing or of a wrong type; the message names it.
   */
  constructor(session: Session, options: { parseFrontmatter: (yaml: string) => unknown; maxPages?: number | undefined });
  /** Whether the server declares the extension. */
  get supported(): boolean;
  /** All pages; `timeout` and `maxTotalTimeout`, where they are given, are for all of them together. No file is read. */
  list(options?: RequestOptions): Promise<Skill[]>;
  /** One skill, listed or not, by the `uri` of its `SKILL.md`. */
  get(uri: string, options?: RequestOptions): Promise<Skill>;
  /**
   * One file, by its path within the skill or its address; by default the `SKILL.md`. A file that the entry does not list is not asked
   * for.
   */
  read(skill: Skill, ref?: string, options?: RequestOptions): Promise<SkillFile>;
}
