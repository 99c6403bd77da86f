// A document of the repository as the content of a page.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { extname, join, posix } from "node:path";
import GithubSlugger from "github-slugger";
import MarkdownIt from "markdown-it";
import { createHighlighter } from "shiki";
import { escaped } from "./template.mjs";

const LANGUAGES = ["bash", "css", "diff", "html", "javascript", "json", "jsx", "rust", "toml", "tsx", "typescript"];
const NAMES = { sh: "bash", js: "javascript", mjs: "javascript", rs: "rust", ts: "typescript" };
const themes = { light: "github-light-high-contrast", dark: "github-dark-high-contrast" };
const highlighter = await createHighlighter({ themes: Object.values(themes), langs: LANGUAGES });

/** Code with its colours for light and dark; what is no language of ours, as it is. */
export function code(text, name) {
  const [word] = name.split(",");
  const lang = NAMES[word] ?? word;
  return highlighter.codeToHtml(text.replace(/\n$/, ""), {
    lang: LANGUAGES.includes(lang) ? lang : "text",
    themes,
    defaultColor: "light-dark()",
    transformers: [{ pre: (node) => void Object.assign(node.properties, { role: "group", "aria-label": word && word !== "text" ? `Code, ${word}` : "Code" }) }],
  });
}

/**
 * `{ title, html, leads }` of the document at `source` in the repository at `root`, where `placeOf(path)` says where a file of
 * the repository lies as seen from the page. `leads` are the files that it leads to.
 */
export function rendered(root, source, placeOf) {
  const leads = [];
  const markdown = new MarkdownIt({ html: true, highlight: (text, name) => code(text, name) });
  const slugger = new GithubSlugger();
  const plain = (token) => token.children.map(({ type, content }) => (type === "text" || type === "code_inline" ? content : "")).join("");
  let title;
  markdown.core.ruler.push("headings", ({ tokens }) => {
    for (const [at, token] of tokens.entries()) {
      if (token.type !== "heading_open") continue;
      const text = plain(tokens[at + 1]);
      title ??= text;
      token.attrSet("id", slugger.slug(text));
    }
  });
  const led = (link) => {
    if (/^([a-z]+:|#)/.test(link)) return link;
    const [path, anchor] = link.split("#");
    const file = posix.join(posix.dirname(source), decodeURI(path));
    if (!existsSync(join(root, file))) throw new Error(`${source}: there is no ${link}`);
    const about = posix.join(file, "README.md");
    const target = existsSync(join(root, about)) ? about : file.replace(/\/$/, "");
    leads.push(target);
    return placeOf(target) + (anchor ? `#${anchor}` : "");
  };
  markdown.core.ruler.push("links", ({ tokens }) => {
    for (const { children } of tokens) {
      for (const token of children ?? []) {
        for (const name of ["href", "src"]) if (token.attrGet(name)) token.attrSet(name, led(token.attrGet(name)));
      }
    }
  });
  // A table that is wider than a phone scrolls by itself, also by the keyboard.
  markdown.renderer.rules.table_open = () => '<div class="table" role="group" aria-label="Table" tabindex="0"><table>\n';
  markdown.renderer.rules.table_close = () => "</table></div>\n";
  // Of a document's own comments none is the reader's business.
  const text = readFileSync(join(root, source), "utf8").replace(/^<!--[^]*?-->\n/gm, "");
  const html = markdown.render(text).replace(/<th><\/th>/g, "<td></td>");
  return { title, html, leads };
}

/** A file of code as the content of a page. */
export function shown(root, source) {
  const text = readFileSync(join(root, source), "utf8");
  return { title: source, html: `<h1><code>${escaped(source)}</code></h1>\n${code(text, extname(source).slice(1))}`, leads: [] };
}

/** A folder of the repository as the content of a page: what of it is committed. */
export function listed(root, source, placeOf) {
  const files = execFileSync("git", ["ls-files", "-z", "--", source], { cwd: root, encoding: "utf8" }).split("\0").filter(Boolean);
  const items = files.map((file) => `<li><a href="${placeOf(file)}">${escaped(file)}</a></li>`);
  return { title: source, html: `<h1><code>${escaped(source)}</code></h1>\n<ul>${items.join("\n")}</ul>`, leads: files };
}
