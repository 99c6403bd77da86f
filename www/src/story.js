// What happens to a call that meets a lost session, told step by step as it happens.

/** @param {(id: string) => HTMLElement} byId */
export function story(byId) {
  const list = byId("story-steps");
  const tell = (words, tone) => {
    const item = document.createElement("li");
    item.textContent = words;
    if (tone) item.dataset.tone = tone;
    list.append(item);
  };

  return {
    begin(title) {
      byId("story").hidden = false;
      byId("story-title").textContent = title;
      list.replaceChildren();
    },

    tell,

    /** Tells what the session does from now on. @returns {() => void} the way to stop */
    follow(session) {
      return session.on("wire", ({ phase, purpose, status, verdict, attempt, generation }) => {
        if (phase === "sent" && purpose === "call" && attempt > 1) return tell(`The same call is sent once more, in session ${generation}.`);
        if (phase !== "answered") return;
        if (verdict === "evicted") tell(`The server answers ${status}: it does not know the session any more. The call did not run.`, "bad");
        if (purpose === "initialize") tell("A new session is made: the handshake, as at the beginning.");
      });
    },

    end(title, good) {
      byId("story-title").textContent = title;
      byId("story").dataset.tone = good ? "good" : "bad";
    },
  };
}
