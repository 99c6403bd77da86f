// The works as bars: how many times the reference each client takes.

const COLOURS = { bare: "#8c959f", ours: "#1a7f37", sdk2: "#0969da", sdk1: "#54aeff", transport: "#8250df" };
const [LEFT, WIDTH, BAR, GAP, TOP] = [330, 470, 12, 16, 58];
/** What is longer is cut, and says so. */
const MOST = 4;

/** An SVG, readable on a light and on a dark page. */
export function plot({ clients, works, date }) {
  const names = Object.keys(clients);
  const parts = [];
  let y = TOP;
  for (const { title, slowdown, clients: measured, of } of works) {
    const here = names.filter((name) => measured[name]);
    const middle = y + (here.length * BAR) / 2 + 4;
    const what = slowdown > 1 ? `${title}; ${slowdown} × slower` : title;
    parts.push(text(LEFT - 12, middle, what, 'text-anchor="end"'));
    const one = LEFT + WIDTH / MOST;
    parts.push(`<path d="M${one} ${y - 3}V${y + here.length * BAR + 3}" stroke="#8c959f" stroke-dasharray="2 2"/>`);
    for (const name of here) {
      const { ratio, ms } = measured[name];
      const width = (Math.min(ratio, MOST) / MOST) * WIDTH;
      parts.push(`<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 2}" fill="${COLOURS[name]}"/>`);
      const label = `${ratio.toFixed(2)} × ${name === of ? "" : clients[of]}`.trim();
      parts.push(text(LEFT + width + 6, y + BAR - 3, `${label} · ${ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`, 'font-size="10"'));
      y += BAR;
    }
    y += GAP;
  }
  const legend = names.map((name, index) => {
    const x = LEFT + index * 130;
    return `<rect x="${x}" y="30" width="10" height="10" fill="${COLOURS[name]}"/>${text(x + 15, 39, clients[name], 'font-size="11"')}`;
  });
  const head = text(12, 22, `Time beside a bare fetch (start: beside the SDK 2), ${date}; shorter is better`, 'font-size="14"');
  return `<svg xmlns="http://www.w3.org/2000/svg" width="1000" height="${y}" viewBox="0 0 1000 ${y}" font-family="system-ui, sans-serif" font-size="12" role="img">
<title>How long the same work takes with each client</title>
<style>text { fill: #59636e }</style>
${[head, ...legend, ...parts].join("\n")}
</svg>
`;
}

function text(x, y, content, more = "") {
  const safe = content.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  return `<text x="${x.toFixed ? x.toFixed(1) : x}" y="${y}" ${more}>${safe}</text>`;
}
