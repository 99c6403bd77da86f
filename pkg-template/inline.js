// The entry point with the WebAssembly in it, for where a second file cannot be. The other entries use it, too, once this
// one was imported.

import { build } from "./load.js";
import { GZIP } from "./wasm/inline.js";

build(async () => {
  const bytes = Uint8Array.from(atob(GZIP), (character) => character.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(unpacked).arrayBuffer();
});

export * from "./index.js";
