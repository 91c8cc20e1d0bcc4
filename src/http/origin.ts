/** Where connections lead: all that two URLs must have in common to share one. */
export interface Origin {
  readonly secure: boolean;
  /** A name or an address; an IPv6 address without its brackets. */
  readonly hostname: string;
  readonly port: number;
  /** What the Host header says: the port only where it is not the scheme's own. */
  readonly authority: string;
}

/**
 * The origin of a URL.
 *
 * ```ts
 * import { originOf } from "./origin.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(originOf(new URL("http://[::1]:8080/a")), {
 *   secure: false,
 *   hostname: "::1",
 *   port: 8080,
 *   authority: "[::1]:8080",
 * });
 * ```
 *
 * @param url of `http:` or `https:`.
 */
export function originOf(url: URL): Origin {
  const secure = url.protocol === "https:";
  const { hostname, port, host } = url;
  return {
    secure,
    hostname: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
    port: port === "" ? (secure ? 443 : 80) : Number(port),
    authority: host,
  };
}
