/**
 * Headers that a browser adds to its requests.
 *
 * @module
 */

/** A header that belongs to the browser or the connection, and not to what a user does. */
export function isBrowserHeader(name: string, value: string): boolean {
  const lower = name.toLowerCase();
  if (BROWSER_HEADERS.has(lower) || lower.startsWith("sec-") || lower.startsWith(":")) return true;
  if (lower === "user-agent") return value.startsWith("Mozilla/");
  return lower === "accept" && value === "*/*";
}

const BROWSER_HEADERS: ReadonlySet<string> = new Set([
  ...[
    "accept-encoding",
    "alt-used",
    "cache-control",
    "connection",
    "content-length",
    "dnt",
    "host",
  ],
  ...["if-modified-since", "if-none-match", "keep-alive", "pragma", "priority", "purpose"],
  ...["proxy-authorization", "proxy-connection", "referer", "te", "transfer-encoding"],
  ...["upgrade-insecure-requests", "x-client-data"],
]);

/** The accepted types of a page, as a browser sends them, in short: the long list is of no use to a reader. */
export function shortAccept(name: string, value: string): string {
  return name === "accept" && value.startsWith("text/html,application/xhtml+xml")
    ? "text/html"
    : value;
}
