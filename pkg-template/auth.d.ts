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
 * and `diagnosis.kind: "popup_blocked"`: let the user click, and call again from there.
 *
 * @throws {TypeError} `redirectUrl` is of another origin.
 */
export function popup(options: PopupOptions): AuthProvider;

/** The options of {@link popup}. */
export interface PopupOptions extends Omit<AuthProvider, "open" | "navigates"> {
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
 * meanwhile, and goes when the user is back, with an answer or without. To survive a later reload too, give a `storage`.
 *
 * @throws {TypeError} `redirectUrl` is of another origin.
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
 * @returns Whether this page was called by an authorization server at all.
 */
export function completeAuthorization(): boolean;
