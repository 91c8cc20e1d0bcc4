/**
 * The cookies of one user.
 *
 * @module
 */

import { Cookie as JarCookie, CookieJar, getPublicSuffix } from "tough-cookie";

/** A cookie that a user holds. */
export interface Cookie {
  /** What it is looked up by. */
  readonly name: string;
  /** As it was set, quotes included. */
  readonly value: string;
  /** The host that it is for. */
  readonly domain: string;
  /** What the paths that it is sent to begin with. */
  readonly path: string;
}

/**
 * Holds what servers set, and what a test adds, and knows what to send back where.
 *
 * ```ts
 * import { CookieStore } from "./cookies.ts";
 * import assert from "node:assert/strict";
 *
 * const cookies = new CookieStore("http://127.0.0.1:8000");
 * cookies.set("session", "abc");
 * assert.equal(cookies.get("session"), "abc");
 * cookies.clear();
 * assert.deepEqual(cookies.all(), []);
 * ```
 */
export class CookieStore {
  readonly #host: string;
  // Most users of most tests never see a cookie, and a jar is large.
  #jar: CookieJar | null = null;

  /** Holds no cookie yet; `host` is where {@link set} puts them when it is not told. */
  constructor(host: string) {
    this.#host = host;
  }

  /**
   * The value of a cookie, or undefined where there is none.
   *
   * @param url only one that would be sent there; default: any.
   */
  get(name: string, url?: string): string | undefined {
    return this.all(url).find((cookie) => cookie.name === name)?.value;
  }

  /**
   * The cookies that have not expired.
   *
   * @param url only those that would be sent there; default: all.
   */
  all(url?: string): Cookie[] {
    if (this.#jar === null) return [];
    return (url === undefined ? this.#unexpired() : this.#jar.getCookiesSync(url)).map((
      cookie,
    ) => ({
      name: cookie.key,
      value: cookie.value,
      domain: cookie.domain ?? "",
      path: cookie.path ?? "/",
    }));
  }

  /**
   * Adds a cookie, or replaces it; it lasts as long as the user.
   *
   * @param url whose host gets it, with every path; default: the user's host.
   * @throws TypeError where name, value or URL are none.
   */
  set(name: string, value: string, url: string = this.#host): void {
    // deno-lint-ignore no-control-regex -- these are what would end the cookie, or the header
    if (name === "" || /[\x00-\x20=;,\x7f]/.test(name) || /[\x00-\x1f;\x7f]/.test(value)) {
      throw new TypeError(`${JSON.stringify(`${name}=${value}`)} is no cookie`);
    }
    const { origin } = new URL(url);
    this.#open().setCookieSync(new JarCookie({ key: name, value, path: "/" }), origin);
  }

  /** Forgets all cookies. */
  clear(): void {
    this.#jar = null;
  }

  /**
   * Takes in what a response set. What it had no right to set is refused in silence, as browsers do.
   *
   * @param setCookies the values of its `Set-Cookie` headers.
   * @param url of the request that it answered.
   */
  store(setCookies: readonly string[], url: URL): void {
    for (const text of setCookies) {
      const cookie = JarCookie.parse(text);
      if (cookie === undefined) continue;
      if (cookie.domain === url.hostname && !hasRegistrableDomain(url.hostname)) {
        cookie.domain = null;
      }
      this.#open().setCookieSync(cookie, url, { ignoreError: true });
    }
  }

  /** The `Cookie` header for a request, or an empty text where it is to have none. */
  header(url: URL): string {
    return this.#jar === null ? "" : this.#jar.getCookieStringSync(url);
  }

  #open(): CookieJar {
    // A Secure cookie does not go over plain HTTP, not even to this machine: tests there would pass
    // where the real site would not see the cookie.
    return this.#jar ??= new CookieJar(undefined, { allowSecureOnLocal: false });
  }

  #unexpired(): JarCookie[] {
    const cookies: JarCookie[] = [];
    const { cookies: serialized = [] } = this.#jar?.serializeSync() ?? {};
    for (const one of serialized) {
      const cookie = JarCookie.fromJSON(one);
      if (cookie !== undefined && cookie.TTL() > 0) cookies.push(cookie);
    }
    return cookies;
  }
}

/**
 * Whether a host has a part that can be registered. One that has none, such as an address or an
 * intranet's name, may name itself in `Domain`, which then says no more than no `Domain` at all.
 */
function hasRegistrableDomain(hostname: string): boolean {
  const options = { allowSpecialUseDomain: true, ignoreError: true };
  return getPublicSuffix(hostname, options) !== undefined;
}
