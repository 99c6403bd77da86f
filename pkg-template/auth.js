// Ready-made ways to send the user to an authorization server, and the page to which the user comes back.

import { answerNote } from "./notes.js";

const ANSWER = "mcp-evergreen:answer";
/** Tells the callback page that nobody needs it any more. */
const TAKEN = "mcp-evergreen:taken";
/** The window has no opener: what an authorization server shows there can neither reach nor navigate this page. */
const CHANNEL = "mcp-evergreen:auth";

/** Milliseconds that a window stays after it has answered: where something was refused, it is led on. */
const LINGER = 5_000;

/** Milliseconds between two looks at the window. */
const LOOK = 250;
/**
 * A window that looks closed may have lost its opener. While the user is in it, this page has no focus; once this page
 * has had it for so many looks, nobody is coming back.
 */
const LOOKS = 12;

/** The windows of authorizations under way, by their signals. */
const windows = new Map();

export function popup({ width = 520, height = 720, timeout = 300_000, ...provider }) {
  const { origin } = sameOrigin(provider.redirectUrl);
  return {
    ...provider,
    open(url, { state, signal }) {
      const shown = windows.get(signal) ?? { opened: blank(width, height) };
      windows.set(signal, shown);
      clearTimeout(shown.linger);
      const { opened } = shown;
      opened.location.replace(url);
      return new Promise((resolve, reject) => {
        const over = new AbortController();
        const channel = new BroadcastChannel(CHANNEL);
        let isClosed = false;
        const close = () => {
          if (isClosed) return;
          isClosed = true;
          windows.delete(signal);
          opened.close();
          // One that is out of reach closes itself.
          channel.postMessage({ type: TAKEN, state });
          channel.close();
        };
        const end = (settle, value, linger = 0) => {
          over.abort();
          clearInterval(look);
          clearTimeout(late);
          if (linger === 0 || signal.aborted) close();
          else {
            signal.addEventListener("abort", close, { once: true });
            shown.linger = setTimeout(close, linger);
          }
          settle(value);
        };
        const takeUrl = (url) => {
          if (!URL.canParse(url)) return;
          const back = new URL(url);
          if (back.origin === origin && back.searchParams.get("state") === state) end(resolve, url, LINGER);
        };
        const take = ({ data, origin: from }) => from === origin && data?.type === ANSWER && takeUrl(data.url);
        let looks = 0;
        const look = setInterval(() => {
          // A frame of another site's page shares no channel with the window; but it sees it once it is back.
          takeUrl(addressOf(opened));
          looks = opened.closed && document.hasFocus() ? looks + 1 : 0;
          if (looks > LOOKS) end(reject, new DOMException("The popup was closed.", "AbortError"));
        }, LOOK);
        const late = setTimeout(() => end(reject, new DOMException("The popup was left open.", "TimeoutError")), timeout);
        addEventListener("message", take, { signal: over.signal });
        channel.addEventListener("message", take, { signal: over.signal });
        signal.addEventListener("abort", () => end(reject, signal.reason), { signal: over.signal });
      });
    },
  };
}

/** A window without an opener, before anybody else's page is in it. */
function blank(width, height) {
  const left = Math.round((globalThis.outerWidth - width) / 2 + globalThis.screenX);
  const opened = globalThis.open("", "_blank", `popup,width=${width},height=${height},left=${left}`);
  if (!opened) throw new DOMException("The browser blocked the popup.", "NotAllowedError");
  opened.opener = null;
  return opened;
}

/** Of a window of this origin. */
function addressOf(opened) {
  try {
    return opened.location.href;
  } catch {
    return undefined;
  }
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
        const over = new AbortController();
        const end = (reason) => {
          over.abort();
          clearTimeout(late);
          reject(reason);
        };
        const late = setTimeout(() => end(new DOMException("The page was not left.", "TimeoutError")), timeout);
        // Out of the browser's cache: the user has come back without an answer.
        const shown = ({ persisted }) => persisted && end(new DOMException("The page was left and come back to.", "AbortError"));
        addEventListener("pageshow", shown, { signal: over.signal });
        signal.addEventListener("abort", () => end(signal.reason), { signal: over.signal });
      });
    },
  };
}

export function completeAuthorization() {
  const url = location.href;
  const state = new URLSearchParams(location.search).get("state");
  if (state === null) return false;
  const from = answerNote(state, url);
  if (from !== undefined) {
    location.replace(from);
    return true;
  }
  // Nobody but a page of this origin hears of it.
  const answer = { type: ANSWER, url };
  globalThis.opener?.postMessage(answer, location.origin);
  const channel = new BroadcastChannel(CHANNEL);
  channel.addEventListener("message", ({ data }) => {
    if (data?.type === TAKEN && data.state === state) globalThis.close();
  });
  channel.postMessage(answer);
  return true;
}

function sameOrigin(redirectUrl) {
  const url = new URL(redirectUrl, globalThis.document?.baseURI);
  if (globalThis.location && url.origin !== location.origin) {
    throw new TypeError("redirectUrl: expected an address of this page's own origin");
  }
  return url;
}
