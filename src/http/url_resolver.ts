/**
 * Resolves the URLs of tests.
 *
 * @module
 */

import { setBounded } from "../core/bounded_map.ts";
import { hideCredentials, shown } from "../core/text.ts";

/** A resolved URL of a test. */
export interface ResolvedUrl {
  /** Absolute, without fragment and credentials. The object is shared and must not be changed. */
  readonly url: URL;
  /** The path without query: the default name in reports. */
  readonly name: string;
  /** The Authorization header for the URL's `user:password@`, or `null`. */
  readonly authorization: string | null;
}

/** A relative URL cannot be resolved, because there is no host. */
export class NoHostError extends TypeError {}

/** Enough for the fixed URLs of any test. URLs that contain an id are evicted. */
const MAX_ENTRIES = 1000;

/**
 * Resolves URLs against one host. It caches the last thousand, because parsing a URL costs more than most
 * other work for a request. Users of the same host can share it.
 */
export class UrlResolver {
  readonly #host: string;
  readonly #known = new Map<string, ResolvedUrl>();

  /** @param host the base of relative URLs, including a path; can be empty. */
  constructor(host: string) {
    this.#host = host.replace(/\/+$/, "");
  }

  /**
   * Resolves a URL.
   *
   * @throws NoHostError if the URL is relative and there is no host.
   * @throws TypeError if it is not an HTTP URL.
   */
  resolve(text: string): ResolvedUrl {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (typeof text !== "string") return this.resolve(urlText(text));
    const resolved = parse(this.#join(text));
    setBounded(this.#known, text, resolved, MAX_ENTRIES);
    return resolved;
  }

  #join(text: string): string {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return text;
    if (this.#host === "") {
      throw new NoHostError(
        `${JSON.stringify(hideCredentials(text))} is relative, and the user class has no host`,
      );
    }
    return text === "" || /^[/?#]/.test(text) ? this.#host + text : `${this.#host}/${text}`;
  }
}

/**
 * The text of a URL. A test file may pass a URL object, and one in JavaScript anything.
 *
 * @throws TypeError if it is neither a string nor a URL object.
 */
export function urlText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof URL) return value.href;
  throw new TypeError(`${shown(value)} is not a URL: expected a string`);
}

function parse(text: string): ResolvedUrl {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new TypeError(
      `${JSON.stringify(hideCredentials(text))} is not a URL that starts with http:// or https://`,
    );
  }
  const { username, password } = url;
  const authorization = username === "" && password === ""
    ? null
    : authorizationOf(`${username}:${password}`);
  url.hash = "";
  url.username = "";
  url.password = "";
  return { url, name: url.pathname, authorization };
}

/** The URL of the request that asks for a WebSocket: `http` in place of `ws`, and `https` in place of `wss`. */
export function upgradeUrl(url: string): string {
  return url.replace(/^ws(?=s?:\/\/)/i, "http");
}

/** The value of an Authorization header for HTTP Basic authentication, in UTF-8. */
export function basicAuthorization(user: string, password: string): string {
  return `Basic ${new TextEncoder().encode(`${user}:${password}`).toBase64()}`;
}

/**
 * The value of an Authorization header for the `user:password` of a parsed URL. As in curl, a `%` without two
 * hexadecimal digits is itself.
 */
export function authorizationOf(userAndPassword: string): string {
  return `Basic ${btoa(percentDecoded(userAndPassword))}`;
}

/** The bytes of a part of a parsed URL, one character each. A `%` without two hexadecimal digits is itself. */
export function percentDecoded(text: string): string {
  return text.replaceAll(
    /%([0-9a-f]{2})/gi,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 16)),
  );
}
