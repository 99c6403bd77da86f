/** The version of the package, for reports. */
export const version = "0.0.0";
