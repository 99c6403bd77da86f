// The looks, as one sheet that all elements share: a strict page allows no style in the markup.

const COLOURS = {
  light: `--ground: #fff; --sunk: #f0f3ef; --ink: #18211c; --soft: #566159; --line: #d5dcd5; --edge: #77857c; --focus: #0c7047;
    --good: #0c7047; --good-bg: #e0f3e8; --bad: #ad231c; --bad-bg: #fce7e4; --warn: #875000; --warn-bg: #fcefd6;
    --plain-bg: #e6ebe6; --wire: #3d6f9e; color-scheme: light;`,
  dark: `--ground: #19201c; --sunk: #121814; --ink: #e5ebe6; --soft: #9daba2; --line: #2e3832; --edge: #7b8a81; --focus: #45c388;
    --good: #5fd39b; --good-bg: #16382a; --bad: #ff9a8f; --bad-bg: #44211d; --warn: #edb659; --warn-bg: #3d2f14;
    --plain-bg: #29322d; --wire: #86b8e8; color-scheme: dark;`,
};

const CSS = `
:host { display: block; min-width: 0; container-type: inline-size; }
:host([hidden]) { display: none; }
.root { ${COLOURS.light} }
@media (prefers-color-scheme: dark) { .root { ${COLOURS.dark} } }
:host([theme="light"]) .root { ${COLOURS.light} }
:host([theme="dark"]) .root { ${COLOURS.dark} }
.root {
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
  --time: 5rem; --pad: 2.25rem; --a: var(--time); --b: calc(var(--time) + (100% - var(--time) - var(--pad)) * .36); --c: calc(100% - var(--pad));
  overflow: hidden; border: 1px solid var(--line); border-radius: .75rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; text-align: left;
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
h2, p, dl, dd, ol, ul { margin: 0; padding: 0; }
ol, ul { list-style: none; }
h2 { font-size: 1rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
button {
  flex: none; min-height: 2.25rem; padding: .25rem .75rem; font: inherit; font-size: .875rem; font-weight: 550; cursor: pointer;
  color: var(--ink); background: var(--ground); border: 1px solid var(--edge); border-radius: .5rem;
}
button:hover { background: var(--sunk); }
button.quiet { padding: .125rem .625rem; font-size: .8125rem; border-color: var(--line); color: var(--soft); }
button[aria-busy="true"] { cursor: progress; opacity: .7; }
button[aria-pressed="true"] { background: var(--warn-bg); color: var(--warn); border-color: var(--warn); }
@media (pointer: coarse) { button, button.quiet { min-height: 2.75rem; } }

.sessions > li { display: flex; flex-wrap: wrap; align-items: center; gap: .375rem 1.75rem; padding: .75rem 1.125rem; border-bottom: 1px solid var(--line); }
/* As high as the first session, which nothing moves for. */
.sessions > .none { gap: .625rem; min-height: 5.7rem; color: var(--soft); }
.light { display: flex; align-items: center; gap: .625rem; min-width: 13rem; font-size: 1.0625rem; }
.light .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 14rem; }
.lamp { width: 1rem; height: 1rem; border-radius: 50%; border: 3px solid var(--edge); flex: none; }
[data-state="ready"] .lamp { background: var(--good); border-color: var(--good); box-shadow: 0 0 0 4px var(--good-bg); }
[data-state="connecting"] .lamp, [data-state="recovering"] .lamp { border-color: var(--warn); border-right-color: transparent; animation: turn .8s linear infinite; }
[data-state="waiting"] .lamp { border-color: var(--warn); background: linear-gradient(90deg, var(--warn) 50%, transparent 50%); }
[data-state="closed"] .lamp { border-radius: 3px; }
@keyframes turn { to { rotate: 1turn; } }
.sessions dl { display: flex; flex-wrap: wrap; gap: .25rem 1.75rem; flex: 1; }
.sessions dt { font-size: .75rem; color: var(--soft); line-height: 1.3; }
.sessions dd { font-weight: 600; font-variant-numeric: tabular-nums; min-width: 3.5rem; }
.sessions dd.verified { min-width: 7rem; }
.about { flex-basis: 100%; min-height: 1.25rem; font-size: .8125rem; color: var(--soft); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }

.broken { display: flex; flex-wrap: wrap; gap: .5rem; padding: .625rem 1.125rem; border-bottom: 1px solid var(--line); }
.wire-head { display: flex; flex-wrap: wrap; gap: .5rem; justify-content: space-between; align-items: center; padding: .625rem 1.125rem .375rem; }
.tools { display: flex; flex-wrap: wrap; gap: .375rem; }
.said { padding: 0 1.125rem; font-size: .8125rem; color: var(--soft); }
#pause { min-width: 5rem; }
.lanes { position: relative; height: 2.125rem; border-bottom: 1px solid var(--line); }
.lanes span { position: absolute; left: var(--x); translate: -50% 0; padding: .0625rem .625rem; border: 1px solid var(--line); border-radius: 1rem; background: var(--ground); font-size: .8125rem; font-weight: 600; }
.lanes span:nth-child(1) { --x: var(--a); } .lanes span:nth-child(2) { --x: var(--b); } .lanes span:nth-child(3) { --x: calc(var(--c) - .25rem); }
.scroll { position: relative; height: var(--mcp-devtools-height, 27.5rem); overflow-y: auto; scrollbar-gutter: stable; overscroll-behavior: contain; }
.scroll:focus-visible, .inspect:focus-visible { outline-offset: -3px; }
#rows { padding: .375rem 0; }
.event {
  position: relative; min-height: 2.5rem; padding: .25rem 0; cursor: pointer; content-visibility: auto; contain-intrinsic-size: auto 2.5rem;
  background-image: linear-gradient(90deg, transparent var(--a), var(--line) var(--a) calc(var(--a) + 1px), transparent 0),
    linear-gradient(90deg, transparent var(--b), var(--line) var(--b) calc(var(--b) + 1px), transparent 0),
    linear-gradient(90deg, transparent var(--c), var(--line) var(--c) calc(var(--c) + 1px), transparent 0);
}
.event:hover { background-color: var(--sunk); }
.event[aria-current] { background-color: var(--plain-bg); }
.event[data-opens]:not(:first-child) { margin-top: .625rem; border-top: 1px dashed var(--line); padding-top: .625rem; }
.folded { padding-left: calc(var(--time) + .875rem); }
.when { position: absolute; left: 0; width: calc(var(--time) - .875rem); text-align: right; font: .75rem/1.5rem var(--mono); color: var(--soft); }
.message { position: relative; display: block; margin-left: var(--from); width: calc(var(--to) - var(--from)); padding: 0 .875rem .5625rem; font-size: .875rem; line-height: 1.5rem; }
[data-lane="page-session"], [data-lane="session-page"] { --from: var(--a); --to: var(--b); }
[data-lane="session-server"], [data-lane="server-session"] { --from: var(--b); --to: var(--c); }
.text { font-family: var(--mono); font-size: .8125rem; overflow-wrap: anywhere; }
.note, .who { color: var(--soft); font-size: .8125rem; overflow-wrap: anywhere; }
.event[aria-current] .note, .event[aria-current] .who, .event[aria-current] .when { color: var(--ink); }
.who::before { content: "· "; }
.tag { display: inline-block; padding: 0 .5rem; border-radius: .3125rem; font-size: .75rem; font-weight: 650; line-height: 1.25rem; white-space: nowrap; }
.tag.good { color: var(--good); background: var(--good-bg); }
.tag.bad { color: var(--bad); background: var(--bad-bg); }
.tag.warn { color: var(--warn); background: var(--warn-bg); }
.tag.plain { color: var(--ink); background: var(--plain-bg); }
.arrow { position: absolute; left: 2px; right: 1px; bottom: .25rem; border-bottom: 1.5px solid var(--wire); color: var(--wire); }
.arrow::after { content: ""; position: absolute; top: -4px; border: 5px solid transparent; }
[data-lane="page-session"] .arrow::after, [data-lane="session-server"] .arrow::after { right: 0; border-left: 8px solid; border-right-width: 0; }
[data-lane="session-page"] .arrow::after, [data-lane="server-session"] .arrow::after { left: 0; border-right: 8px solid; border-left-width: 0; }
[data-lane="session-page"] .arrow, [data-lane="server-session"] .arrow { border-bottom-style: dashed; }
[data-tone="good"] .arrow { border-color: var(--good); color: var(--good); }
[data-tone="bad"] .arrow { border-color: var(--bad); color: var(--bad); }
[data-tone="warn"] .arrow { border-color: var(--warn); color: var(--warn); }
[data-lost] .arrow { right: auto; width: 40%; border-bottom-style: dotted; }
[data-lost] .arrow::before { content: "✕"; position: absolute; right: -.9rem; top: -.7rem; font-weight: 700; }
[data-lane="session"] .message, [data-lane="server"] .message, [data-lane="page"] .message { width: fit-content; max-width: calc(100% - var(--time)); padding: 0; }
[data-lane="session"] .message { --from: var(--b); translate: -50% 0; max-width: 26rem; }
[data-lane="server"] .message { margin-left: auto; margin-right: calc(var(--pad) - 1rem); }
[data-lane="page"] .message { --from: var(--a); translate: -1rem 0; }
.event:is([data-lane="session"], [data-lane="server"], [data-lane="page"]) .words { display: inline-block; padding: .125rem .75rem; border-radius: .5rem; line-height: 1.375rem; border: 1px solid var(--line); background: var(--ground); }
.event:is([data-lane="session"], [data-lane="server"])[data-tone="warn"] .words { color: var(--warn); background: var(--warn-bg); border-color: transparent; }
.event:is([data-lane="session"], [data-lane="server"])[data-tone="bad"] .words { color: var(--bad); background: var(--bad-bg); border-color: transparent; }
.event:is([data-lane="session"], [data-lane="server"])[data-tone="good"] .words { color: var(--good); background: var(--good-bg); border-color: transparent; }
.event:is([data-lane="session"], [data-lane="server"]) :is(.note, .who) { color: inherit; }
.empty { position: absolute; inset: 0; display: grid; place-content: center; gap: 1rem; padding: 1.5rem; color: var(--soft); font-size: .9375rem; }
.inspect { height: 9.5rem; overflow: auto; padding: .625rem 1.125rem; border-top: 1px solid var(--line); background: var(--sunk); font-size: .8125rem; }
.inspect-head { font-weight: 600; }
.hint { color: var(--soft); }
.inspect dl { display: flex; flex-wrap: wrap; gap: .125rem 1.25rem; margin: .25rem 0; }
.inspect dl div { display: flex; gap: .375rem; min-width: 0; }
.inspect dt { color: var(--soft); }
.inspect dd { font-family: var(--mono); overflow-wrap: anywhere; min-width: 0; }

@container (max-width: 36rem) {
  .root { --time: 1.375rem; --pad: 1.75rem; --b: calc(var(--time) + (100% - var(--time) - var(--pad)) * .34); }
  .when { position: static; display: block; width: auto; text-align: left; padding-left: 2rem; line-height: 1.125rem; }
  .message { padding-inline: .5rem; line-height: 1.25rem; }
  .text, .note { font-size: .75rem; }
  .lanes span:nth-child(1) { translate: -.75rem 0; } .lanes span:nth-child(3) { translate: -80% 0; }
  [data-lane="session"] .message { translate: 0 0; margin-left: 2rem; }
  .sessions dl { gap: .375rem 1.25rem; flex-basis: 100%; order: 1; }
  .about { order: 2; white-space: normal; }
  .folded { padding-left: 2rem; }
  .sessions > .none { min-height: 8.4rem; }
}
@media (prefers-reduced-motion: reduce) { * { animation: none !important; } }
@media (forced-colors: active) { .lamp, .arrow { forced-color-adjust: none; } }
`;

let sheet;

export function styles() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
