// Why a request failed below HTTP, for exchange.rs: a request of its own tells.

/**
 * Tells within `ms` whether the server can be reached: "answers", or why it is not, "silent", "offline", "mixed" or "local";
 * or "unknown". `own`: the host has a `fetch` of its own.
 */
export async function reach(url, own, ms, told) {
  told(await reached(url, own, ms));
}

/** By a request whose answer need not be readable, as far as CORS lets that tell. It carries nothing of anybody's. */
async function reached(url, own, ms) {
  const page = globalThis.location?.origin;
  // What a host's own `fetch` does is not known. Outside of a page there is no CORS.
  if (own || page === undefined) return "unknown";
  const { protocol, hostname } = new URL(url);
  // (W3C Mixed Content, 5.) This device is no network.
  if (globalThis.isSecureContext && page.startsWith("https:") && protocol === "http:" && !LOOPBACK.test(hostname)) return "mixed";
  if (navigator.onLine === false) return "offline";
  try {
    const signal = AbortSignal.timeout?.(ms);
    await fetch(url, { method: "HEAD", mode: "no-cors", credentials: "omit", cache: "no-store", signal });
  } catch {
    return (await isForbidden(hostname)) ? "local" : "silent";
  }
  return new URL(url).origin === page ? "unknown" : "answers";
}

const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/;
const PRIVATE = /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|\[f[cde])|\.local$/;

/** Whether the browser keeps this page from the local network (WICG, Local Network Access). */
async function isForbidden(hostname) {
  if (!LOOPBACK.test(hostname) && !PRIVATE.test(hostname)) return false;
  const names = LOOPBACK.test(hostname) ? ["loopback-network", "local-network-access"] : ["local-network", "local-network-access"];
  for (const name of names) {
    try {
      return (await navigator.permissions.query({ name })).state === "denied";
    } catch {
      // This browser knows it by another name, or not at all.
    }
  }
  return false;
}

/** What errors of Node's name, by their codes, and in what order `exchange.rs` counts them. */
const WHY = [/^ECONNREFUSED$/, /^(?:ENOTFOUND|EAI_AGAIN)$/, /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO|^EPROTO$/, /(?:)/];

/**
 * Why there is no answer: 0 in a page, which is not told; else 1 and more, as `WHY` has it. And 8 where it proves that nothing was
 * sent: the platform's own `fetch` (`isFirst`: for its first request) found no connection to send it on. Over TLS that is no proof: a
 * request may have gone out on a connection of HTTP/2 before.
 */
export function why(thrown, url, isFirst) {
  if (globalThis.location?.origin !== undefined) return 0;
  try {
    const cause = thrown?.cause ?? thrown;
    const causes = cause?.errors ?? [cause];
    const isUnconnected = ({ syscall }) => syscall === "connect" || syscall === "getaddrinfo";
    const isUnsent = isFirst && url.startsWith("http:") && causes.length > 0 && causes.every(isUnconnected);
    return 1 + WHY.findIndex((one) => one.test(cause?.code ?? "")) + (isUnsent ? 8 : 0);
  } catch {
    // A host's `fetch` may throw anything.
    return WHY.length;
  }
}
