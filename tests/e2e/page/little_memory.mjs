// A WebAssembly module as it is, but for the memory that it may have: `pages` of 64 KiB more than it starts with.

const MEMORY_SECTION = 5;

export function withLittleMemory(buffer, pages) {
  const bytes = new Uint8Array(buffer);
  for (let at = 8; at < bytes.length; ) {
    const [size, start] = readNumber(bytes, at + 1);
    if (bytes[at] === MEMORY_SECTION) {
      // One memory; its flags; what it starts with.
      const [initial] = readNumber(bytes, start + 2);
      const section = [1, 1, ...writeNumber(initial), ...writeNumber(initial + pages)];
      return concat(bytes.subarray(0, at), [MEMORY_SECTION, ...writeNumber(section.length), ...section], bytes.subarray(start + size));
    }
    at = start + size;
  }
  throw new Error("this module has no memory of its own");
}

/** LEB128, as WebAssembly writes numbers: the number, and where the next byte is. */
function readNumber(bytes, at) {
  let number = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    number |= (byte & 127) << shift;
    if (byte < 128) return [number, at];
  }
}

function writeNumber(number) {
  return number < 128 ? [number] : [(number & 127) | 128, ...writeNumber(number >>> 7)];
}

function concat(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}
