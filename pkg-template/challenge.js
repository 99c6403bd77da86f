// What a refusal says of itself (RFC 6750, 3; RFC 9449, 7.1; RFC 9728, 5.1).

/** `{ error?, errorDescription?, scope?, resourceMetadataUrl? }` of the value of `WWW-Authenticate`. */
export function challenge(header) {
  const field = (name) => new RegExp(`\\b${name}=(?:"([^"]*)"|([^\\s,]+))`, "i").exec(header ?? "")?.slice(1).find(Boolean);
  const metadata = field("resource_metadata");
  return {
    error: field("error"),
    errorDescription: field("error_description"),
    scope: field("scope"),
    resourceMetadataUrl: metadata && URL.canParse(metadata) ? new URL(metadata) : undefined,
  };
}
