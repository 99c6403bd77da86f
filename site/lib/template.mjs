// The frame of every page that is written by hand.

import { GROUPS } from "../pages.mjs";

/** Where the page of a source lies. */
export const placeOf = ({ source, to }) => to ?? source.replace(/\.md$/, ".html").replace(/(^|\/)README\.html$/, "$1readme.html");

/** From one page of the site to another, or to a file: it works below any path. */
export function relative(from, to) {
  const [here, there] = [from.split("/").slice(0, -1), to.split("/")];
  while (here.length > 0 && there.length > 1 && here[0] === there[0]) [here, there].forEach((parts) => parts.shift());
  return [...here.map(() => ".."), ...there].join("/");
}

export const escaped = (text) => text.replace(/[&<>"]/g, (letter) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[letter]);

function navigation(place) {
  const link = (page) => {
    const current = placeOf(page) === place ? ' aria-current="page"' : "";
    return `<li><a href="${relative(place, placeOf(page))}"${current}>${escaped(page.title)}</a></li>`;
  };
  const groups = GROUPS.map(({ name, pages }) => `<h2>${name}</h2>\n<ul>${pages.map(link).join("")}</ul>`);
  return `<nav id="pages" class="pages" aria-label="All pages">\n${groups.join("\n")}\n</nav>`;
}

/** A whole page that lies at `place`. */
export function framed({ place, title, body, about = "" }) {
  const to = (file) => relative(place, file);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}${title === "mcp-evergreen" ? "" : " – mcp-evergreen"}</title>
${about && `<meta name="description" content="${escaped(about)}">\n`}<link rel="icon" href="${to("icon.svg")}" type="image/svg+xml">
<link rel="stylesheet" href="${to("style.css")}">
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<a class="name" href="${to("index.html")}"><img src="${to("icon.svg")}" alt="" width="28" height="28">mcp-evergreen</a>
<ul>
<li><a href="${to("demo/index.html")}">Demo</a></li>
<li><a href="${to("reference/index.html")}">API</a></li>
<li class="narrow"><a href="#pages">All pages</a></li>
</ul>
</header>
<div class="columns">
<main id="content" tabindex="-1">
${body}
</main>
${navigation(place)}
</div>
</body>
</html>
`;
}
