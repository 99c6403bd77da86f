// What a WebAssembly module holds, by function (WebAssembly 2.0, 5.5 Modules, and its appendix on the name section).

const [CUSTOM, IMPORT, CODE, DATA] = [0, 2, 10, 11];
const FUNCTION_NAMES = 1;
const FUNCTION = 0;

/** `functions`: name and bytes of each; bytes of `data`, and of what is neither and would be shipped. */
export function sections(module) {
  const names = new Map();
  const sizes = [];
  let imported = 0;
  let data = 0;
  let other = 8;
  for (const { id, body, end } of parts(reader(module, 8), module.length)) {
    if (id === CODE) for (let left = body.number(); left > 0; left--) sizes.push(body.skip(body.number()));
    else if (id === DATA) data += end - body.at;
    else if (id === CUSTOM && body.text() === "name") readNames(body, end, names);
    else if (id !== CUSTOM) other += end - body.at;
    if (id === IMPORT) imported = functionsAmong(body);
  }
  const functions = sizes.map((bytes, index) => [names.get(index + imported) ?? `function ${index}`, bytes]);
  return { functions, data, other };
}

/** Bytes by module of ours, and by crate of others', the most first. */
export function byModule(functions) {
  const sums = new Map();
  for (const [name, bytes] of functions) {
    const owner = ownerOf(name);
    sums.set(owner, (sums.get(owner) ?? 0) + bytes);
  }
  return [...sums].sort((a, b) => b[1] - a[1]);
}

/** `<mcp_evergreen::a::B as core::fmt::Display>::fmt` belongs to `mcp_evergreen::a`, where B is. */
function ownerOf(name) {
  const path = name.replace(/\[[0-9a-f]+\]/g, "").replace(/^[<&(]*(mut |dyn )?/, "");
  const [, crate, module, inner] = /^([a-z_][a-z0-9_]*)(?:::([a-z_0-9]+))?(?:::([a-z_0-9]+))?/.exec(path) ?? [];
  if (crate === "mcp_evergreen") return [crate, module, inner].filter(Boolean).join("::");
  return ["alloc", "core", "std"].includes(crate) ? [crate, module].filter(Boolean).join("::") : (crate ?? "others");
}

function readNames(body, end, names) {
  for (const { id, body: inner } of parts(body, end)) {
    if (id !== FUNCTION_NAMES) continue;
    for (let left = inner.number(); left > 0; left--) {
      const index = inner.number();
      names.set(index, inner.text());
    }
  }
}

function functionsAmong(body) {
  let count = 0;
  for (let left = body.number(); left > 0; left--) {
    body.text();
    body.text();
    const kind = body.number();
    if (kind === FUNCTION) count++;
    // A table or a global has a type of one byte before what a memory has as well; a tag has two numbers.
    else if (kind !== 2) body.number();
    if (kind === 3 || kind === FUNCTION) body.number();
    else if (kind === 1 || kind === 2) body.limits();
    else body.number();
  }
  return count;
}

function* parts(from, end) {
  while (from.at < end) {
    const id = from.number();
    const length = from.number();
    const body = from.copy();
    from.skip(length);
    yield { id, body, end: from.at };
  }
}

function reader(bytes, at) {
  return {
    at,
    copy() {
      return reader(bytes, this.at);
    },
    skip(length) {
      this.at += length;
      return length;
    },
    /** Unsigned LEB128. */
    number() {
      let value = 0;
      let scale = 1;
      for (;;) {
        const byte = bytes[this.at++];
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) return value;
        scale *= 128;
      }
    },
    text() {
      const length = this.number();
      return new TextDecoder().decode(bytes.subarray(this.at, (this.at += length)));
    },
    limits() {
      const bounded = this.number();
      this.number();
      if (bounded & 1) this.number();
    },
  };
}
