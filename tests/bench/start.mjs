// The requests of a start, and what it saves to know how old the server's protocol is. Gives lines as feats.mjs.

import { median } from "./lab.mjs";

export async function requests(lab, { smoke }) {
  const starts = { plain: undefined, known: { era: "legacy" } };
  const took = { plain: [], known: [] };
  const asked = {};
  let again;
  for (let round = 0; round < (smoke ? 1 : 9); round++) {
    for (const [name, options] of Object.entries(starts)) {
      const page = await lab.page();
      lab.server.takeSeen();
      took[name].push(await page.play("start", "ours", lab.server.url, options));
      asked[name] = lab.server.takeSeen();
      if (name === "plain") {
        // What the first has learned, the next in this page knows.
        await page.play("start", "ours", lab.server.url);
        again = lab.server.takeSeen();
      }
      await page.close();
    }
  }
  const line = (what, seen, limit) => ({
    name: "requests",
    title: `requests from connect to the first result: ${what}`,
    value: seen.length,
    limit,
    detail: seen.join(", "),
    good: seen.length === limit,
    exact: true,
  });
  const value = median(took.known.map((ms, round) => ms / took.plain[round]));
  return [
    line("a legacy server", asked.plain, 4),
    line("one whose era is given", asked.known, 3),
    line("one that was asked in this page before", again, 3),
    { name: "requests", title: "start with the era given, times without", value, detail: `${median(took.known).toFixed(0)} ms` },
  ];
}
