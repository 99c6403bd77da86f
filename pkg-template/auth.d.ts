/**
 * Ready-made providers for the option `auth` of `connect`, and what the page does to which the user comes back. This
 * module loads nothing else: a callback page of a few lines is enough.
 */

import type { AuthProvider } from "./types.js";

/**
 * The user authorizes in a popup. The page at `redirectUrl` calls {@link completeAuthorization}; it must be of this
 * page's own origin. The popup has no opener: what is shown there can neither reach this page nor navigate it.
 *
 * Browsers open a popup only within a few seconds of a click. One that is blocked fails the call with `code: "auth"`
 * and `diagnosis.kind: "popup_blocked"`: let the user click, and call `session.authorize()` or `connect` from there. With
 * `auth: { ask: "click" }` the address in `status.waitingFor.url` does as a link meanwhile.
 *
 * One that the user closes is `"closed"` a few seconds after. An authorization server whose headers cut the window off
 * (Cross-Origin-Opener-Policy) makes it look closed while the user is in it: it is waited for, also while the user looks
 * something up in this page, and is `"cut_off"` once this page has had the focus for a minute. After `timeout` it is
 * `"timeout"`. The authorization server may be of this page's own origin.
 *
 * In a page that is embedded in another site's, the channels by which a window that was cut off would answer are others than
 * those of the window: the `warning` `"embedded"` says so at once, and a login whose window was cut off is `"embedded"` when
 * the user is back. The user has to open the page by itself then. A link to `status.waitingFor.url` needs `rel="opener"` there.
 *
 * @throws {TypeError} An option is unknown or wrong, or `redirectUrl` is of another origin.
 */
export function popup(options: PopupOptions): AuthProvider;

/** A `Window`, as far as it is used. */
export interface PopupWindow {
  readonly closed: boolean;
  opener: unknown;
  readonly location: { replace(url: string): void };
  focus(): void;
  close(): void;
}

/** The options of {@link popup}. */
export interface PopupOptions extends Omit<AuthProvider, "open" | "navigates" | "prepare"> {
  /**
   * A window that the host opened in a click (`open("", "_blank")`), for the first login. One that is not needed, since the user
   * is signed in already, is the host's to close. Default: one is opened when it is needed, or in the click of
   * `session.authorize()`.
   */
  window?: PopupWindow | null | undefined;
  /** CSS pixels. Default 520. */
  width?: number | undefined;
  /** CSS pixels. Default 720. */
  height?: number | undefined;
  /**
   * Milliseconds that the user has; then the window is closed, where the browser lets a page close one that is not its own
   * any more (Chromium does not). Default 300 000.
   */
  timeout?: number | undefined;
}

/**
 * The page itself goes to the authorization server and comes back: to a page that calls {@link completeAuthorization},
 * which leads to where the user was; or to the page that connects, at once. There the next `connect` with the same
 * options finishes what was begun; nothing else has to be kept. What is needed for that stands in `sessionStorage`
 * meanwhile, and goes when the user is back, with an answer or without; what nobody comes back for, after an hour, and an
 * answer that no `connect` takes, after ten minutes, where a page of the origin loads this module. For a minute it is kept
 * there, too, when the page was left. To survive a later reload too, give a `storage`.
 *
 * @throws {TypeError} An option is unknown or wrong, or `redirectUrl` is of another origin.
 */
export function redirect(options: RedirectOptions): AuthProvider;

/** The options of {@link redirect}. */
export interface RedirectOptions extends Omit<AuthProvider, "open" | "navigates"> {
  /** Milliseconds after which a page that could not be left is an error. Default 60 000. */
  timeout?: number | undefined;
}

/**
 * For the page at `redirectUrl`: hands what the authorization server sent back to the page that waits for it, or goes
 * back to that page. Nobody of another origin hears of it. A window that nobody needs any more is closed.
 *
 * The answer is taken out of the page's address first: neither what the page loads afterwards nor the next page is told of
 * the code (RFC 9700, 4.2.4). What it loads before is the page's business: `<meta name="referrer" content="no-referrer">`.
 *
 * @returns Whether this page was called by an authorization server at all: its address has a `state`, and a `code` or an
 * `error`.
 */
export function completeAuthorization(): boolean;
