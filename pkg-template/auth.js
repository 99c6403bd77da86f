// Ready-made ways to send the user to an authorization server, and the page to which the user comes back.

import { NOTES } from "./notes.js";

const ANSWER = "mcp-evergreen:answer";
/** Where a window that lost its opener (Cross-Origin-Opener-Policy) is still heard. */
const CHANNEL = "mcp-evergreen:auth";

/** Milliseconds between two looks at the window. */
const LOOK = 250;
/**
 * A window that looks closed may have lost its opener. While the user is in it, this page has no focus; once this page
 * has had it for so many looks, nobody is coming back.
 */
const LOOKS = 12;

export function popup({ width = 520, height = 720, timeout = 300_000, ...provider }) {
  const { origin } = sameOrigin(provider.redirectUrl);
  return {
    ...provider,
    open(url, { state, signal }) {
      const left = Math.round((globalThis.outerWidth - width) / 2 + globalThis.screenX);
      const features = `popup,width=${width},height=${height},left=${left}`;
      const opened = globalThis.open(url, "_blank", features);
      if (!opened) throw new DOMException("The browser blocked the popup.", "NotAllowedError");
      return new Promise((resolve, reject) => {
        const over = new AbortController();
        const channel = new BroadcastChannel(CHANNEL);
        const end = (settle, value) => {
          over.abort();
          channel.close();
          clearInterval(look);
          clearTimeout(late);
          opened.close();
          settle(value);
        };
        const take = ({ data, origin: from }) => {
          if (from !== origin || data?.type !== ANSWER || !URL.canParse(data.url)) return;
          if (new URL(data.url).searchParams.get("state") === state) end(resolve, data.url);
        };
        let looks = 0;
        const look = setInterval(() => {
          looks = opened.closed && document.hasFocus() ? looks + 1 : 0;
          if (looks > LOOKS) end(reject, new DOMException("The popup was closed.", "AbortError"));
        }, LOOK);
        const late = setTimeout(() => end(reject, new DOMException("The popup was left open.", "TimeoutError")), timeout);
        addEventListener("message", take, { signal: over.signal });
        channel.addEventListener("message", take);
        signal.addEventListener("abort", () => end(reject, signal.reason), { signal: over.signal });
      });
    },
  };
}

export function redirect({ timeout = 60_000, ...provider }) {
  sameOrigin(provider.redirectUrl);
  return {
    ...provider,
    navigates: true,
    open(url, { signal }) {
      location.assign(url);
      // The page that this is ends now, unless something keeps it.
      return new Promise((_, reject) => {
        const late = () => reject(new DOMException("The page was not left.", "TimeoutError"));
        const timer = setTimeout(late, timeout);
        signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)));
      });
    },
  };
}

export function completeAuthorization() {
  const url = location.href;
  const state = new URLSearchParams(location.search).get("state");
  if (state === null) return false;
  const names = Object.keys(sessionStorage).filter((name) => name.startsWith(NOTES));
  for (const name of names) {
    const note = JSON.parse(sessionStorage.getItem(name));
    if (note.state !== state) continue;
    sessionStorage.setItem(name, JSON.stringify({ ...note, url }));
    location.replace(note.from);
    return true;
  }
  // Nobody but a page of this origin hears of it.
  const answer = { type: ANSWER, url };
  globalThis.opener?.postMessage(answer, location.origin);
  new BroadcastChannel(CHANNEL).postMessage(answer);
  return true;
}

function sameOrigin(redirectUrl) {
  const url = new URL(redirectUrl, globalThis.document?.baseURI);
  if (globalThis.location && url.origin !== location.origin) {
    throw new TypeError("redirectUrl: expected an address of this page's own origin");
  }
  return url;
}
