// A hand on the page's controls and an eye on what it shows, by puppeteer.

const WAIT = { timeout: 60_000 };
const ARROWS = {
  "page-session": "page ──▶ session          ",
  "session-page": "page ◀── session          ",
  "session-server": "         session ──▶ server",
  "server-session": "         session ◀── server",
  page: "page                      ",
  session: "         session           ",
  server: "                     server",
};

/** What the devtools have on their side of the shadow. */
const INSIDE = ["pause", "copy", "save-json", "save-svg", "clear"];
export const inside = (selector) => `mcp-evergreen-devtools >>> ${selector}`;
const at = (id) => (INSIDE.includes(id) ? inside(`#${id}`) : `#${id}`);

export class PagePilot {
  #page;
  /** The page's uncaught errors. */
  errors = [];

  constructor(page) {
    this.#page = page;
    page.on("pageerror", (error) => this.errors.push(String(error?.message ?? error)));
  }

  static async open(browser, url, viewport = { width: 1360, height: 900 }) {
    const page = await browser.newPage();
    page.setDefaultTimeout(WAIT.timeout);
    const pilot = new PagePilot(page);
    await page.setViewport(viewport);
    await page.goto(url);
    await page.waitForSelector("html[data-ready]", WAIT);
    return pilot;
  }

  get page() {
    return this.#page;
  }

  /** Clicks what the visitor has scrolled to. */
  async click(selector) {
    await this.#page.$eval(selector, (element) => element.scrollIntoView({ block: "center" }));
    await this.#page.click(selector);
  }

  /** Chooses a server by its id. */
  choose(id) {
    return this.click(`#server-choices input[value="${id}"]`);
  }

  /** Presses Connect and waits for the tools. */
  async connect() {
    if ((await this.#press("#connect", "#call:enabled")).failed) throw new Error(`not connected: ${(await this.result()).text}`);
    await this.formShown();
  }

  /** Chooses a tool and waits for its form. */
  async chooseTool(name) {
    await this.#page.select("#tool", name);
    await this.formShown();
  }

  /** Waits for the form of the chosen tool. */
  formShown() {
    return this.#page.waitForFunction(() => document.getElementById("form").dataset.tool === document.getElementById("tool").value, WAIT);
  }

  /** Presses a button and waits until it is done. */
  async press(id, { timeout = WAIT.timeout } = {}) {
    await this.#page.waitForSelector(`${at(id)}:enabled`, WAIT);
    await this.click(at(id));
    await this.#page.waitForSelector(`${at(id)}:not([aria-busy])`, { timeout });
  }

  /** Presses Call and waits for what comes of it. */
  async call() {
    await this.#press("#call");
    return this.result();
  }

  /** Presses a button and waits for a new result, or for `good` to be on the page. */
  async #press(button, good = ":not(*)") {
    const before = await this.#page.$eval("#result", ({ dataset }) => dataset.serial);
    await this.click(button);
    const seen = await this.#page.waitForFunction(
      (before, good) => {
        const { serial, kind } = document.getElementById("result").dataset;
        if (serial !== before && kind !== "pending") return { failed: kind === "error" };
        return document.querySelector(good) && { failed: false };
      },
      WAIT,
      before,
      good,
    );
    return seen.jsonValue();
  }

  /** The result that the page shows: `kind`, `healed`, `took` in milliseconds, `title`, `text`; and the chosen `tool`. */
  result() {
    return this.#page.evaluate(() => {
      const { kind, healed, took } = document.getElementById("result").dataset;
      const [title, text] = ["result-title", "result-body"].map((id) => document.getElementById(id).textContent);
      return { kind, healed: healed === "true", took: Number(took), title, text, tool: document.getElementById("tool").value };
    });
  }

  /** What the light of the chosen server says, in words. */
  status() {
    return this.#page.evaluate(() => {
      const name = document.querySelector("#server-choices label:has(:checked) .name").textContent;
      const { shadowRoot } = document.getElementById("devtools");
      const item = [...shadowRoot.querySelectorAll("[data-session]")].find(({ dataset }) => dataset.session === name);
      const part = (className, none) => item?.querySelector(`.${className}`).textContent ?? none;
      return { state: part("state", "not connected"), generation: part("generation", "–"), recoveries: part("recoveries", "–") };
    });
  }

  /** The time line, one line of text per row. */
  async rows() {
    const rows = await this.#page.$$eval(inside("#rows > li"), (items) =>
      items.map((item) => {
        const part = (name) => item.querySelector(`.${name}`)?.textContent ?? "";
        return { lane: item.dataset.lane, when: part("when"), words: [part("fold"), part("text"), part("tag") && `[${part("tag")}]`, part("note")] };
      }),
    );
    return rows.map(({ lane, when, words }) => `  ${when.padStart(9)}  ${ARROWS[lane] ?? ""}  ${words.filter(Boolean).join("  ")}`);
  }

  close() {
    return this.#page.close();
  }
}
