// Whether every link of the site leads somewhere within it, and nothing is fetched from elsewhere.

import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { Parser } from "htmlparser2";

const LINKS = ["href", "src", "srcset", "poster", "action", "data"];
/** What the reader follows; everything else is fetched with the page. */
const FOLLOWED = ["a", "area"];

/** `{ ids, links }` of a page: its anchors, and where it leads. */
function read(path) {
  const [ids, links] = [new Set(), []];
  const parser = new Parser({
    onopentag(tag, attributes) {
      for (const name of ["id", "name"]) if (attributes[name] && (name === "id" || tag === "a")) ids.add(attributes[name]);
      for (const name of LINKS) if (attributes[name] !== undefined) links.push({ tag, link: name === "srcset" ? attributes[name].trim().split(/\s/)[0] : attributes[name] });
    },
  });
  parser.end(readFileSync(path, "utf8"));
  return { ids, links };
}

/** One line for each link of the pages in `folder` that leads nowhere, with the page it stands on. */
export function deadLinks(folder) {
  const files = readdirSync(folder, { recursive: true }).map((path) => join(folder, path)).filter((path) => statSync(path).isFile());
  const all = new Set(files);
  const pages = new Map(files.filter((path) => path.endsWith(".html")).map((path) => [path, read(path)]));
  const found = [];
  const check = (path, link, isFetched) => {
    const name = relative(folder, path);
    if (/^[a-z][a-z+.-]*:/i.test(link) || link.startsWith("//")) {
      if (isFetched && !/^(data|blob):/.test(link)) found.push(`${name}: fetches ${link}`);
      return;
    }
    const [address, anchor] = link.split("#");
    const [file] = address.split("?");
    if (file.startsWith("/")) return void found.push(`${name}: ${link} leads out of a folder that the site lies in`);
    let target = file === "" ? path : resolve(dirname(path), decodeURIComponent(file));
    if (!all.has(target) && all.has(join(target, "index.html"))) target = join(target, "index.html");
    if (!all.has(target)) found.push(`${name}: there is no ${link}`);
    else if (anchor && pages.has(target) && !pages.get(target).ids.has(decodeURIComponent(anchor))) found.push(`${name}: there is no ${link}`);
  };
  for (const [path, { links }] of pages) for (const { tag, link } of links) check(path, link, !FOLLOWED.includes(tag));
  // As Markdown: llms.txt, and what it leads to.
  for (const path of files.filter((path) => /\.md$|llms\.txt$/.test(path))) {
    const text = readFileSync(path, "utf8").replace(/^```[^]*?^```/gm, "");
    for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) if (!existsSync(join(dirname(path), link.split("#")[0]))) check(path, link, false);
  }
  return found;
}
