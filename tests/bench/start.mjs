// The requests of a start, and what it saves to know how old the server's protocol is. Gives lines as feats.mjs.

import { median } from "./lab.mjs";

export async function requests(lab, { smoke }) {
  const starts = { plain: undefined, known: { era: "legacy" }, kept: { kept: true } };
  const took = { plain: [], known: [], kept: [] };
  const asked = {};
  let again;
  // An earlier page life, whose session has ended: what is kept of it is how old the protocol is.
  const earlier = await lab.page();
  await earlier.play("start", "ours", lab.server.url, starts.kept);
  await earlier.play("end", "ours");
  await earlier.close();
  for (const _ of lab.rounds(smoke ? 1 : 9)) {
    for (const [name, options] of Object.entries(starts)) {
      const page = await lab.page();
      lab.server.takeSeen();
      took[name].push(await page.play("start", "ours", lab.server.url, options));
      asked[name] = lab.server.takeSeen();
      if (name === "kept") await page.play("end", "ours");
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
  const times = (name) => median(took[name].map((ms, round) => ms / took.plain[round]));
  const start = (name, title) => ({ name: "requests", title: `start ${title}, times without`, value: times(name), detail: `${median(took[name]).toFixed(0)} ms` });
  return [
    line("a legacy server", asked.plain, 4),
    line("one whose era is given", asked.known, 3),
    line("one whose era was kept with `persist`", asked.kept, 3),
    line("one that was asked in this page before", again, 3),
    start("known", "with the era given"),
    start("kept", "with the era kept with `persist`"),
  ];
}
