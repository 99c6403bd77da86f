// The site, for `cargo xtask site`: the demo, the documents as pages, the reference, and llms.txt. Nothing in it is fetched from
// elsewhere, and every address is relative: it works offline, and below any path.

import { statSync } from "node:fs";
import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { builtSite } from "../www/host/build.mjs";
import { installed } from "../tests/e2e/lib/install.mjs";
import { root, target } from "../tests/e2e/lib/paths.mjs";
import { archived } from "./lib/archive.mjs";
import { listed, rendered, shown } from "./lib/document.mjs";
import { deadLinks } from "./lib/links.mjs";
import { llms } from "./lib/llms.mjs";
import { writeReference } from "./lib/reference.mjs";
import { framed, placeOf, relative } from "./lib/template.mjs";
import { GROUPS } from "./pages.mjs";

const site = join(target, "site");
const making = join(target, "site-making");
const CODE = /\.(js|jsx|mjs|ts|tsx|rs|toml|json|html|css|yml)$/;

const pages = GROUPS.flatMap(({ pages }) => pages);
/** Pages by their sources; what they lead to in the repository is added as it is met. */
const known = new Map(pages.filter(({ source }) => source).map((page) => [page.source, page]));

for (const folder of [making, join(target, "site-types")]) await rm(folder, { recursive: true, force: true });
await mkdir(making, { recursive: true });
const app = await installed();
await demo();
await writeReference(app, join(making, "reference"), join(target, "site-types"), [
  { title: "mcp-evergreen", to: "index.html" },
  { title: "Demo", to: "demo/index.html" },
  { title: "Examples", to: "docs/examples.html" },
  { title: "All pages", to: "index.html#pages" },
]);
for (const name of ["style.css", "icon.svg"]) await cp(join(root, name === "icon.svg" ? "www" : "site", name), join(making, name));
for (const page of known.values()) await write(page);
await types();
await writeFile(join(making, "llms.txt"), llms());

const dead = deadLinks(making);
if (dead.length > 0) {
  console.error(dead.join("\n"));
  process.exit(1);
}
await rm(site, { recursive: true, force: true });
await rename(making, site);
console.log(`The site: ${site}/index.html`);

async function put(place, text) {
  await mkdir(dirname(join(making, place)), { recursive: true });
  await writeFile(join(making, place), text);
}

function isFolder(path) {
  return statSync(join(root, path)).isDirectory();
}

/** Where a file of the repository lies: a page where it can be shown, else the file. It is a page from now on. */
function lies(path) {
  if (path === "www/index.html") return "demo/index.html";
  if (!known.has(path)) {
    if (path.endsWith(".md")) known.set(path, { source: path });
    else if (isFolder(path)) known.set(path, { source: path, to: `${path}/index.html` });
    else if (CODE.test(path)) known.set(path, { source: path, to: `${path}.html` });
  }
  return known.has(path) ? placeOf(known.get(path)) : path;
}

async function write(page) {
  const place = placeOf(page);
  const seen = (path) => relative(place, lies(path));
  const show = page.source.endsWith(".md") ? rendered : isFolder(page.source) ? listed : shown;
  const { title, html, leads } = show(root, page.source, seen);
  const copy = page.copy ? await copyable(page.copy, place) : "";
  await put(place, framed({ place, title: page.title && title !== page.title && page.to !== "index.html" ? `${title} (${page.title})` : title, about: page.about, body: html.replace("</h1>", `</h1>${copy}`) }));
  // As it was written, too: for who reads Markdown.
  if (place !== "index.html" && !isFolder(page.source)) await put(page.source, await readFile(join(root, page.source)));
  for (const path of leads.filter((path) => lies(path) === path)) await put(path, await readFile(join(root, path)));
}

/** A link from the page at `place` to all files of a folder. */
async function copyable(folder, place) {
  const file = `${folder}.tgz`;
  await archived(folder, join(app, "node_modules/mcp-evergreen/package.json"), join(making, file));
  const address = relative(place, file);
  return `\n<p><a href="${address}" download>All files of it</a>: <code>tar xzf ${file.split("/").at(-1)}</code> unpacks them.</p>`;
}

async function demo() {
  await cp(await builtSite(), join(making, "demo"), { recursive: true });
  const path = join(making, "demo/index.html");
  const text = await readFile(path, "utf8");
  const end = "</footer>";
  if (text.split(end).length !== 2) throw new Error("the demo's page has no footer to lead on from");
  const links = [["../index.html", "What this is"], ["../package.html", "The package"], ["../docs/examples.html", "Examples"], ["../reference/index.html", "API"]];
  await writeFile(path, text.replace(end, `<p>${links.map(([to, title]) => `<a href="${to}">${title}</a>`).join(" · ")}</p>\n  ${end}`));
}

/** The types as they are in the package, which llms.txt names. */
async function types() {
  const packaged = join(app, "node_modules/mcp-evergreen");
  await put("types.d.ts", await readFile(join(packaged, "types.d.ts")));
  await put("auth.d.ts", await readFile(join(packaged, "auth.d.ts")));
}
