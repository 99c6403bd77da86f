/** The version of the package; what the server is told where the host names no client of its own. */
export const version = "0.0.0";
