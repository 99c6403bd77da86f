// The diagram as a file: an SVG that stands alone.

const X = { page: 150, session: 400, server: 760 };
const WIDTH = 860;
const TOP = 70;
const ROW = 34;
const COLOURS = { good: "#0c7047", bad: "#ad231c", warn: "#875000", plain: "#3d6f9e" };

export function diagramSvg(rows, title) {
  const height = TOP + rows.length * ROW + 30;
  const parts = rows.map((row, at) => drawn(row, TOP + at * ROW + ROW));
  const lanes = Object.entries(X).map(
    ([name, x]) =>
      `<line x1="${x}" y1="52" x2="${x}" y2="${height - 10}" stroke="#d5dcd5"/>` +
      `<text x="${x}" y="42" text-anchor="middle" font-weight="600">${name}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="13" fill="#18211c">
<title>${escaped(title)}</title>
<defs>${Object.entries(COLOURS).map(([tone, colour]) => `<marker id="${tone}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0l8 4-8 4z" fill="${colour}"/></marker>`).join("")}</defs>
<rect width="100%" height="100%" fill="#fff"/>
<text x="16" y="20" font-weight="600">${escaped(title)}</text>
${lanes.join("\n")}
${parts.join("\n")}
</svg>
`;
}

function drawn({ lane, text, tag, tone, note, lost, when }, y) {
  const name = Object.hasOwn(COLOURS, tone) ? tone : "plain";
  const colour = COLOURS[name];
  const words = `${escaped(text)}${tag ? ` <tspan font-weight="600" fill="${colour}">${escaped(tag)}</tspan>` : ""}${note ? ` <tspan fill="#566159" font-size="11">${escaped(note)}</tspan>` : ""}`;
  const time = `<text x="8" y="${y}" font-size="11" fill="#566159">${escaped(when)}</text>`;
  const [from, to] = lane.split("-").map((name) => X[name]);
  if (to === undefined) return `<g>${time}<text x="${from}" y="${y}" text-anchor="${lane === "server" ? "end" : "middle"}" fill="${colour}">${words}</text></g>`;
  const end = lost ? from + (to - from) * 0.4 : to;
  const dashes = lane.startsWith("server") || lane.endsWith("page") ? ' stroke-dasharray="6 4"' : "";
  return `<g>${time}<text x="${Math.min(from, to) + 10}" y="${y - 3}">${words}</text><line class="arrow" x1="${from}" y1="${y + 5}" x2="${end}" y2="${y + 5}" stroke="${colour}" stroke-width="1.5"${dashes} marker-end="url(#${name})"/></g>`;
}

/** Control characters have no place in XML. */
function escaped(text) {
  const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return String(text).replace(/[&<>"]/g, (character) => entities[character]).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, " ");
}
