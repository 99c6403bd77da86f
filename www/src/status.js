// What a session says of itself, in words.

const STATES = { none: "not connected" };

/** The state of a `Status`. */
export const inWords = (status) => STATES[status?.state ?? "none"] ?? status.state;
