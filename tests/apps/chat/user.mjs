// The user of examples/chat: what they do is done by labels and names, as an assistive technology has them.

import { until } from "../../e2e/lib/until.mjs";

export class User {
  errors = [];
  #context;
  /** How many turns of the model's were there before the last message. */
  #before = 0;

  constructor(context, page) {
    this.#context = context;
    this.page = page;
    page.setDefaultTimeout(60_000);
    page.on("pageerror", (error) => this.errors.push(String(error?.message ?? error)));
  }

  windows() {
    return this.#context.pages();
  }

  sees() {
    return this.page.evaluate(() => document.body.innerText).catch(({ message }) => message);
  }

  reads(text) {
    return until(async () => (await this.sees()).includes(text), async () => `“${text}” on the page:\n${await this.sees()}`);
  }

  /** Clicks what has this name: a button, a box, a link. */
  async presses(name) {
    await this.page.locator(`::-p-aria([name="${name}"])`).click();
  }

  /** Clicks, and gives the window that this opens. */
  async opens(name) {
    const opened = new Promise((resolve) => this.page.once("popup", resolve));
    await this.presses(name);
    return opened;
  }

  /** The field with this label, the first or another. */
  async fills(label, text, at = 0) {
    const field = await until(async () => (await this.page.$$(`::-p-aria([name="${label}"])`))[at], `the field ${label}`);
    await field.click({ count: 3 });
    await field.type(text);
  }

  async chooses(label, value) {
    const field = await this.page.waitForSelector(`::-p-aria([name="${label}"])`);
    await field.select(value);
  }

  // ── Servers ──

  async adds(url, proxy) {
    await this.fills("Address", url);
    if (proxy) await this.fills("Proxy, if the server has no CORS headers", proxy);
    await this.presses("Add");
  }

  /** The light of the server with that title says so. */
  async seesServer(title, state) {
    const lights = () => this.page.$$eval(".servers > li", (items) => items.map((item) => [item.querySelector("b").innerText, item.querySelector("[role=status]").innerText]));
    const shown = title.startsWith("http") ? new URL(title).host.replace(/\W+/g, "-") : title;
    await until(async () => (await lights()).some(([name, light]) => name === shown && light === state), async () => `${title}: ${state}, not ${JSON.stringify(await lights())}`);
  }

  /** Clicks a button of the server with that title. */
  pressesAt(title, name) {
    return this.page.locator(`.servers > li[aria-label="${title}"] ::-p-aria([name="${name}"][role="button"])`).click();
  }

  /** By that button, and in the window that it opens. */
  async signsIn(name) {
    const window = await this.opens(name);
    await window.waitForSelector("#agree");
    await window.click("#agree");
  }

  seesTools(title, count) {
    return this.page.locator(`.servers > li[aria-label="${title}"] ::-p-text(${count} tools)`).wait();
  }

  // ── The chat ──

  /** Sends a message, by the keyboard. */
  async begins(text) {
    await until(() => this.#isQuiet(), "the chat is ready");
    this.#before = (await this.#said()).length;
    const box = await this.page.waitForSelector(`::-p-aria([name="Message"])`);
    await box.focus();
    for (const [at, line] of text.split("\n").entries()) {
      if (at > 0) {
        await this.page.keyboard.down("Shift");
        await this.page.keyboard.press("Enter");
        await this.page.keyboard.up("Shift");
      }
      await this.page.keyboard.type(line);
    }
    await this.page.keyboard.press("Enter");
  }

  /** What the model says in the end. */
  async hears() {
    await until(async () => (await this.#said()).length > this.#before && (await this.#isQuiet()), async () => `the model's word:\n${await this.sees()}`, 60_000);
    return (await this.#said()).at(-1);
  }

  async says(text) {
    await this.begins(text);
    return this.hears();
  }

  #isQuiet() {
    return this.page.$eval("[role=log]", (log) => log.ariaBusy === "false");
  }

  /** The texts of the model's turns: of one that only calls tools there is none. */
  #said() {
    return this.page.$$eval("article.assistant > p", (texts) => texts.map((text) => text.innerText));
  }

  /** A call that is under way says so. */
  seesCall(text) {
    return until(() => this.page.$$eval(".use", (uses, text) => uses.some((use) => use.querySelector("progress") && use.innerText.includes(text)), text), `a call that says ${text}`);
  }

  isAsked(heading) {
    return until(() => this.page.$$eval(".question h2", (all, heading) => all.some((one) => one.innerText === heading), heading), `the question of ${heading}`);
  }
}
