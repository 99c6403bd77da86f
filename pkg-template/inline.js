// The entry point with the WebAssembly in it, for where a second file cannot be. The other entries use it, too, once this
// one was imported.

import { build } from "./load.js";
import { AUTHORIZATIONS, SESSIONS } from "./wasm/inline.js";

const unpacked = (packed) => async () => {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
};
build({ sessions: unpacked(SESSIONS), authorizations: unpacked(AUTHORIZATIONS) });

export * from "./index.js";
