// Ready-made ways to send the user to an authorization server, and the page to which the user comes back.

import { authStorage, check, func, milliseconds, object, pageUrl, string, webUrl, wrong } from "./checks.js";
import { answerNote, forgetResponse, isAuthorizationResponse, keepNotesShort } from "./notes.js";

const ANSWER = "mcp-evergreen:answer";
/** Tells the callback page that nobody needs it any more. */
const TAKEN = "mcp-evergreen:taken";
/** The window has no opener: what an authorization server shows there can neither reach nor navigate this page. */
const CHANNEL = "mcp-evergreen:auth";

keepNotesShort();

/** Milliseconds that a window stays after it has answered: where something was refused, it is led on. */
const LINGER = 5_000;

/** Milliseconds between two looks at the window. */
const LOOK = 250;
/** A window is closed once it has looked so, and this page has had the focus, for so many looks. */
const LOOKS = 12;
/**
 * One that an authorization server's headers cut off looks closed as well (Cross-Origin-Opener-Policy). But the user is in
 * it then, and not in this page, for so many milliseconds; one who has closed a window is back at once.
 */
const AWAY_MS = 1_000;
/** Users look something up in this page meanwhile: it is given so many looks with the focus. */
const CUT_OFF_LOOKS = 240;

const EMBEDDED =
  "This page is embedded in another site's, where its channels are others than those of its own site's windows: the user's answer " +
  "is seen while the window is this page's own. Where the authorization server cuts it off (Cross-Origin-Opener-Policy), the user " +
  "has to open this page by itself. A link to `status.waitingFor.url` needs `target=\"_blank\" rel=\"opener\"`.";
const NO_WINDOW =
  "No window can be opened here, not even in a click: show the user `status.waitingFor.url` as a link (`target=\"_blank\"`; in a " +
  "page that is embedded in another site's, `rel=\"opener\"` as well).";

const PROVIDER = {
  redirectUrl: (name, value) => pageUrl(name, value) && value,
  clientId: string,
  clientSecret: string,
  issuer: webUrl,
  clientMetadata: object,
  storage: authStorage,
  timeout: milliseconds,
};
const POPUP = {
  ...PROVIDER,
  width: pixels,
  height: pixels,
  window: (name, value) => {
    if (value !== null && typeof value?.close !== "function") throw wrong(name, "a Window, as open() gives it, or null", value);
    return value;
  },
};
const REDIRECT = { ...PROVIDER, prepare: func };

/** The windows of authorizations under way, by their signals. */
const windows = new Map();

export function popup(options) {
  const { width = 520, height = 720, timeout = 300_000, window: given, ...provider } = check("", options, POPUP);
  const expected = sameOrigin(provider.redirectUrl);
  const { origin } = expected;
  /** Windows of clicks that nobody has been led through yet, and authorizations that have a place for one. */
  const ready = [];
  const led = new Set();
  let own = given;
  /** The browser has let no window open in a click. */
  let isWindowless = false;
  /** The window that the host opened; once. */
  const takeOwn = () => {
    const opened = own;
    own = undefined;
    if (!opened || opened.closed) return undefined;
    opened.opener = null;
    return opened;
  };
  return {
    ...provider,
    prepare() {
      const waiting = [...led].at(-1);
      if (waiting?.opened && !waiting.opened.closed) {
        waiting.opened.focus();
        return () => {};
      }
      // The click is spent: what it has opened is there.
      if (navigator.userActivation?.isActive === false && ready.some((opened) => !opened.closed)) return () => {};
      const opened = takeOwn() ?? blank(width, height);
      isWindowless = !opened && navigator.userActivation?.isActive === true;
      if (opened && waiting) waiting.lead(opened);
      else if (opened) ready.push(opened);
      return () => {
        isWindowless = false;
        const [unused] = ready.splice(ready.indexOf(opened) >>> 0, 1);
        unused?.close();
      };
    },
    open(url, { state, signal, linked = false, warn }) {
      const isEmbedded = embedded();
      let shown = windows.get(signal);
      if (!shown) {
        shown = { opened: ready.shift() ?? takeOwn() ?? blank(width, height), isLinked: linked || isWindowless };
        if (isEmbedded) warn?.("embedded", EMBEDDED);
        if (!shown.opened && isWindowless) warn?.("popup_blocked", NO_WINDOW);
        isWindowless = false;
      }
      if (!shown.opened && !shown.isLinked) throw new DOMException("The browser blocked the popup.", "NotAllowedError");
      windows.set(signal, shown);
      led.add(shown);
      clearTimeout(shown.linger);
      shown.lead = (opened) => {
        shown.opened = opened;
        // One that the user has closed before it led anywhere is closed, and not blocked.
        if (!opened.closed) opened.location.replace(url);
      };
      if (shown.opened) shown.lead(shown.opened);
      return new Promise((resolve, reject) => {
        const over = new AbortController();
        const channel = new BroadcastChannel(CHANNEL);
        let isClosed = false;
        const close = () => {
          if (isClosed) return;
          isClosed = true;
          windows.delete(signal);
          shown.opened?.close();
          // One that is out of reach closes itself.
          channel.postMessage({ type: TAKEN, state });
          channel.close();
        };
        const end = (settle, value, linger = 0) => {
          over.abort();
          led.delete(shown);
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
          const isOurs = back.origin === origin && back.searchParams.get("state") === state;
          if (isOurs && isAuthorizationResponse(back.searchParams)) end(resolve, url, LINGER);
        };
        const take = ({ data, origin: from }) => from === origin && data?.type === ANSWER && takeUrl(data.url);
        const looks = { closed: 0, here: performance.now(), isCutOff: false };
        const look = setInterval(() => {
          const { opened } = shown;
          // The user goes by the link, or not yet.
          if (!opened) return;
          // A frame of another site's page shares no channel with the window; but it sees it once it is back.
          const { address, answer } = seen(opened);
          if (answer !== undefined || isAt(expected, address)) takeUrl(answer ?? address);
          const isHere = document.hasFocus();
          if (!opened.closed || isHere) looks.here = performance.now();
          looks.isCutOff ||= performance.now() - looks.here > AWAY_MS;
          looks.closed = opened.closed && isHere ? looks.closed + 1 : 0;
          // What a window says that is out of reach, an embedded page does not hear.
          const isHeard = !isEmbedded;
          if (looks.closed <= (looks.isCutOff && isHeard ? CUT_OFF_LOOKS : LOOKS)) return;
          if (!looks.isCutOff) end(reject, new DOMException("The popup was closed.", "AbortError"));
          else if (isHeard) end(reject, new DOMException("The popup is out of reach, and may be closed.", "InvalidStateError"));
          else end(reject, new DOMException("The popup is out of reach of an embedded page.", "SecurityError"));
        }, LOOK);
        const late = setTimeout(() => end(reject, new DOMException("The popup was left open.", "TimeoutError")), timeout);
        addEventListener("message", take, { signal: over.signal });
        channel.addEventListener("message", take, { signal: over.signal });
        signal.addEventListener("abort", () => end(reject, signal.reason), { signal: over.signal });
      });
    },
  };
}

/** Whether there is a page of another origin around this one: then channels and storages may be others than a window's. */
function embedded() {
  try {
    for (let frame = globalThis; frame !== frame.parent; frame = frame.parent) {
      if (frame.parent.location.origin !== location.origin) return true;
    }
    return false;
  } catch {
    return true;
  }
}

/** A window without an opener, before anybody else's page is in it; `undefined` where the browser blocks it. */
function blank(width, height) {
  const left = Math.round((globalThis.outerWidth - width) / 2 + globalThis.screenX);
  const opened = globalThis.open("", "_blank", `popup,width=${width},height=${height},left=${left}`);
  if (!opened) return undefined;
  opened.opener = null;
  return opened;
}

/** What a window of this origin shows, and what its callback page has taken out of the address. */
function seen(opened) {
  try {
    return { address: opened.location.href, answer: opened[ANSWER] };
  } catch {
    return {};
  }
}

/**
 * Whether the user is back: an authorization server may be of this origin, too, and has the state in its own addresses.
 * Static hosts write an address with or without its ending.
 */
function isAt(expected, address) {
  if (!URL.canParse(address)) return false;
  const plain = ({ origin, pathname }) => origin + pathname.replace(/(\/index)?(\.html?)?\/?$/, "");
  const at = new URL(address);
  const has = ([name, value]) => at.searchParams.getAll(name).includes(value);
  return plain(at) === plain(expected) && [...expected.searchParams].every(has);
}

export function redirect(options) {
  const { timeout = 60_000, ...provider } = check("", options, REDIRECT);
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
  const params = new URLSearchParams(location.search);
  const state = params.get("state");
  if (state === null || !isAuthorizationResponse(params)) return false;
  // Neither what loads from here on nor the next page is told (RFC 9700, 4.2.4).
  forgetResponse();
  const from = answerNote(state, url);
  if (from !== undefined) {
    location.replace(from);
    return true;
  }
  // Nobody but a page of this origin hears of it.
  globalThis[ANSWER] = url;
  const answer = { type: ANSWER, url };
  globalThis.opener?.postMessage(answer, location.origin);
  const channel = new BroadcastChannel(CHANNEL);
  channel.addEventListener("message", ({ data }) => {
    if (data?.type === TAKEN && data.state === state) globalThis.close();
  });
  channel.postMessage(answer);
  return true;
}

function pixels(name, value) {
  if (!Number.isFinite(value) || value <= 0) throw wrong(name, "a number of CSS pixels above 0", value);
  return value;
}

function sameOrigin(redirectUrl) {
  const url = pageUrl("redirectUrl", redirectUrl);
  if (globalThis.location && url.origin !== location.origin) {
    throw new TypeError("redirectUrl: expected an address of this page's own origin");
  }
  return url;
}
