// The entry and the sign-in in one file, for pages without a bundler: the build joins what is named here. Importing it does
// nothing; the WebAssembly beside it is fetched from `init` or the first `connect` on.

export * from "./index.js";
export * from "./auth.js";
