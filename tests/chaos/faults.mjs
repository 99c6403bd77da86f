// What the gateway can do to a request, by the name that the plan calls it by. Each gets the exchange (`proxy.mjs`) and what was drawn.

export const FAULTS = {
  /** The connection dies, and nothing was delivered. */
  async "reset before"(exchange) {
    exchange.reset();
  },

  /** The connection dies while the backend works, or when it has answered. */
  async "reset after"(exchange, { ms }) {
    const delivered = exchange.deliver();
    exchange.forget(delivered);
    await exchange.sleep(ms === 0 ? 2 : ms);
    exchange.reset();
  },

  /** The connection dies within the head. */
  async "cut head"(exchange) {
    const delivered = exchange.deliver();
    exchange.forget(delivered);
    await delivered;
    exchange.res.socket?.write("HTTP/1.1 200 OK\r\nContent-Ty");
    await exchange.sleep(2);
    exchange.reset("within the head");
  },

  /** The connection dies within the body. */
  async "cut body"(exchange, { bytes }) {
    await exchange.pass(await exchange.deliver(), { cut: bytes });
  },

  async "late head"(exchange, { ms }) {
    const answer = await exchange.deliver();
    await exchange.sleep(ms);
    await exchange.pass(answer);
  },

  async "late body"(exchange, { ms }) {
    await exchange.pass(await exchange.deliver(), { hold: ms });
  },

  /** Both copies arrive, and one of the two answers is passed on. */
  async "copy at once"(exchange, { passes }) {
    const both = [exchange.deliver(), exchange.deliver({ copy: true })];
    const [counts, other] = passes === "first" ? both : both.reverse();
    exchange.forget(other);
    await exchange.pass(await counts);
  },

  /** As a browser does, and a gateway that tries again: the first copy's connection dies, and the second is delivered later. */
  async "copy later"(exchange, { ms, evicts, page }) {
    exchange.forget(exchange.deliver());
    await exchange.sleep(ms);
    if (evicts) {
      exchange.say("      the backends lose their sessions");
      await Promise.all(exchange.world.pods.map((pod) => exchange.world.evict(pod)));
    }
    if (page) exchange.page(page);
    else await exchange.pass(await exchange.deliver({ copy: true }));
  },

  /** The backend has it, and the gateway answers in its place. */
  async "page after"(exchange, { page, ms }) {
    exchange.forget(exchange.deliver());
    await exchange.sleep(ms);
    exchange.page(page);
  },

  /** The gateway answers, and delivers nothing. */
  async "page before"(exchange, { page }) {
    exchange.page(page);
  },

  async limited(exchange, { page }) {
    exchange.page(page);
  },

  async forbidden(exchange, { page }) {
    exchange.page(page);
  },

  /** Nothing ever comes back. */
  async lost(exchange, { delivered }) {
    if (delivered) exchange.forget(exchange.deliver());
    if (!exchange.res.closed) await new Promise((resolve) => exchange.res.once("close", resolve));
  },
};
