// The same with the WebAssembly in it.

export * from "./inline.js";
export * from "./auth.js";
