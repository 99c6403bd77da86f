// Which hosts a proxy goes to: public ones. What is not known to be public is not.

/**
 * Of IPv4 (IANA IPv4 Special-Purpose Address Registry, RFC 6890), with what each is for; `own` are those of a network that
 * somebody may run, and reach on purpose.
 */
const V4 = [
  ["0.0.0.0", 8, "this host"],
  ["10.0.0.0", 8, "a private network", "own"],
  ["100.64.0.0", 10, "the inside of a provider's network (CGNAT)", "own"],
  ["127.0.0.0", 8, "the proxy itself (loopback)", "own"],
  ["169.254.0.0", 16, "the local link"],
  ["172.16.0.0", 12, "a private network", "own"],
  ["192.0.0.0", 24, "protocol assignments"],
  ["192.0.2.0", 24, "documentation"],
  ["192.88.99.0", 24, "6to4 relays"],
  ["192.168.0.0", 16, "a private network", "own"],
  ["198.18.0.0", 15, "benchmarks"],
  ["198.51.100.0", 24, "documentation"],
  ["203.0.113.0", 24, "documentation"],
  ["224.0.0.0", 4, "multicast"],
  ["240.0.0.0", 4, "no use (reserved, broadcast)"],
];

/** Of IPv6 (IANA IPv6 Special-Purpose Address Registry). The first that fits counts; beyond them 2000::/3 is public alone. */
const V6 = [
  ["::", 128, "this host"],
  ["::1", 128, "the proxy itself (loopback)", "own"],
  ["::", 96, "an embedded IPv4 address"],
  ["::ffff:0:0", 96, "an embedded IPv4 address"],
  ["::ffff:0:0:0", 96, "an embedded IPv4 address"],
  ["64:ff9b:1::", 48, "a translator's own addresses"],
  ["fc00::", 7, "a private network (ULA)", "own"],
  ["fe80::", 10, "the local link"],
  ["fec0::", 10, "a private network (site-local)"],
  ["ff00::", 8, "multicast"],
  ["2001::", 23, "protocol assignments (Teredo among them)"],
  ["2001:db8::", 32, "documentation"],
  ["2002::", 16, "an embedded IPv4 address (6to4)"],
  ["3fff::", 20, "documentation"],
];

/** RFC 6052: where there is no IPv4, public addresses look so. */
const NAT64 = ["64:ff9b::", 96];

/** Suffixes that no public DNS has (RFC 6761, 6762, 7686, 8375, 9476; ICANN, .internal), and what networks use in their place. */
const HOME =
  /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|private|corp|home|lan|home\.arpa|test|invalid|example|onion|alt)$/;

/**
 * Why a host of a URL is not to be gone to: `{ what, own }`; `undefined` where it may be, as far as its name tells.
 * `hostname` is as URL gives it: whatever notation an address was written in, it is one of two there.
 */
export function hostAtHome(hostname) {
  const name = hostname.replace(/\.+$/, "").toLowerCase();
  if (name.startsWith("[")) return addressAtHome(name.slice(1, -1));
  if (isV4(name)) return addressAtHome(name);
  if (HOME.test(name)) return { what: "a name that no public DNS has", own: true };
  if (!name.includes(".")) return { what: "a name of one label, which is one of the local network", own: true };
  return undefined;
}

/** The same of an address that a name leads to. */
export function addressAtHome(address) {
  const bits = isV4(address) ? v4(address) : v6(address);
  if (bits === undefined) return { what: "no address", own: false };
  if (bits.length === 32) return within(V4, v4, bits);
  if (bits.startsWith(prefix(v6, NAT64))) return within(V4, v4, bits.slice(96));
  return within(V6, v6, bits) ?? (bits.startsWith("001") ? undefined : { what: "no public use", own: false });
}

function within(ranges, read, bits) {
  const range = ranges.find((range) => bits.startsWith(prefix(read, range)));
  return range && { what: range[2], own: range[3] === "own" };
}

function prefix(read, [address, length]) {
  return read(address).slice(0, length);
}

function isV4(text) {
  return /^\d+(?:\.\d+){3}$/.test(text);
}

function v4(text) {
  const parts = text.split(".").map(Number);
  return parts.every((part) => part <= 255) ? parts.map((part) => part.toString(2).padStart(8, "0")).join("") : undefined;
}

/** As a text of 128 digits. URL knows all notations, but zones. */
function v6(text) {
  const url = `http://[${text.replace(/%.*$/, "")}]/`;
  if (!URL.canParse(url)) return undefined;
  const [head, tail] = new URL(url).hostname.slice(1, -1).split("::");
  const groups = (part) => (part ? part.split(":") : []);
  const [before, after] = [groups(head), groups(tail)];
  const zeros = tail === undefined ? [] : Array(8 - before.length - after.length).fill("0");
  return [...before, ...zeros, ...after].map((group) => parseInt(group, 16).toString(2).padStart(16, "0")).join("");
}
