// The reference, made by TypeDoc from the types that are in the package.

import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Application, JSX, PageEvent } from "typedoc";

const TYPESCRIPT = {
  compilerOptions: { strict: true, module: "nodenext", target: "es2022", lib: ["esnext", "dom", "dom.iterable"], types: [], noEmit: true },
  include: ["*.d.ts"],
};

/**
 * Writes into `out`, from the package as it is installed in `app`, by way of the folder `scratch`. Throws where a comment names
 * what is not there.
 */
export async function writeReference(app, out, scratch, links) {
  const packaged = join(app, "node_modules/mcp-evergreen");
  mkdirSync(scratch, { recursive: true });
  for (const name of readdirSync(packaged).filter((name) => name.endsWith(".d.ts"))) cpSync(join(packaged, name), join(scratch, name));
  writeFileSync(join(scratch, "tsconfig.json"), JSON.stringify(TYPESCRIPT));
  writeFileSync(join(scratch, "package.json"), '{ "type": "module" }');
  const { exports, version } = JSON.parse(readFileSync(join(packaged, "package.json"), "utf8"));
  /** By file: two entries may have the same types, and are the same API then. */
  const entries = new Map();
  for (const [entry, { types }] of Object.entries(exports)) {
    if (types && !entries.has(types)) entries.set(types, `mcp-evergreen${entry.slice(1)}`);
  }
  const application = await Application.bootstrap({
    name: `mcp-evergreen ${version}`,
    entryPoints: [...entries.keys()].map((types) => join(scratch, types)),
    tsconfig: join(scratch, "tsconfig.json"),
    // What these are made on is not there: it is the host's, and is documented by those who make it.
    skipErrorChecking: true,
    excludeExternals: false,
    excludePrivate: true,
    disableSources: true,
    disableGit: true,
    githubPages: false,
    hideGenerator: true,
    readme: "none",
    includeHierarchySummary: false,
    navigationLeaves: [...entries.values()],
    navigation: { includeCategories: false, includeGroups: false, includeFolders: false },
    sort: ["source-order"],
    sortEntryPoints: false,
    lightHighlightTheme: "github-light-high-contrast",
    darkHighlightTheme: "github-dark-high-contrast",
    favicon: join(import.meta.dirname, "../../www/icon.svg"),
    customCss: join(import.meta.dirname, "../reference.css"),
    validation: { invalidLink: true, notExported: false, notDocumented: false },
    logLevel: "Warn",
  });
  const project = await application.convert();
  if (!project) throw new Error("TypeDoc cannot read the types of the package");
  for (const module of project.children) {
    const name = entries.get(`./${module.name}.d.ts`);
    if (!name) throw new Error(`the module ${module.name} is no entry of the package`);
    module.name = name;
  }
  application.validate(project);
  if (application.logger.hasErrors() || application.logger.hasWarnings()) throw new Error("the reference has holes: see above");
  application.renderer.hooks.on("body.begin", ({ relativeURL }) => {
    const items = links.map(({ title, to }) => JSX.createElement("a", { href: relativeURL(`../${to}`) }, title));
    return JSX.createElement("nav", { class: "site", "aria-label": "Site" }, ...items);
  });
  application.renderer.on(PageEvent.END, (page) => (page.contents = accessible(page.contents)));
  await application.generateDocs(project, out);
  if (application.logger.hasErrors()) throw new Error("TypeDoc did not write the reference: see above");
}

/** With what TypeDoc's theme leaves out for those who do not see the page. */
function accessible(html) {
  let before = 0;
  return html
    .replace('<div class="col-content">', '<div class="col-content" role="main">')
    .replace('<div class="page-menu">', '<div class="page-menu" role="navigation" aria-label="On this page">')
    .replace(/<summary\b[^]*?<\/summary>/g, (summary) => summary.replace(/<a\b[^>]*class="tsd-anchor-icon"[^]*?<\/a>/g, ""))
    .replace(/<h([1-6])\b/g, (tag, level) => {
      // No level is left out: a heading counts as one below the last at most.
      const next = Math.min(Number(level), before + 1);
      before = next;
      return next === Number(level) ? tag : `${tag} aria-level="${next}"`;
    });
}
