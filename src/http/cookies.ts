/**
 * The cookies of one user.
 *
 * @module
 */

import { Cookie as JarCookie, CookieJar, getPublicSuffix } from "tough-cookie";

/** A cookie of a user. */
export interface Cookie {
  /** The name. */
  readonly name: string;
  /** The value as it was set, including quotes. */
  readonly value: string;
  /** The host that the cookie is sent to. */
  readonly domain: string;
  /** The cookie is sent to URLs whose path starts with this. */
  readonly path: string;
}

/**
 * The cookies of one user: those that servers have set, and those that a test adds.
 *
 * ```ts
 * import { FastHttpUser } from "aiotest";
 *
 * export class ShopTest extends FastHttpUser {
 *   override onStart(): void {
 *     this.session.cookies.set("consent", "yes");
 *   }
 *
 *   async testCart(): Promise<void> {
 *     await this.session.get("/cart");
 *     if (this.session.cookies.get("cart") === undefined) throw new Error("no cart cookie");
 *   }
 * }
 * ```
 */
export class CookieStore {
  readonly #host: string;
  // Created on demand: most users never get a cookie, and a jar is large.
  #jar: CookieJar | null = null;

  /** Creates an empty store. `host` is the default URL of {@link set}. */
  constructor(host: string) {
    this.#host = host;
  }

  /**
   * The value of a cookie; `undefined` if there is none.
   *
   * @param url only a cookie that would be sent to this URL; default: any cookie.
   */
  get(name: string, url?: string): string | undefined {
    return this.all(url).find((cookie) => cookie.name === name)?.value;
  }

  /**
   * All cookies that have not expired.
   *
   * @param url only cookies that would be sent to this URL; default: all cookies.
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
   * Sets a cookie. It lasts as long as the user.
   *
   * @param url the cookie is sent to all paths of this URL's host; default: the user's host.
   * @throws TypeError if the name, the value or the URL is invalid.
   */
  set(name: string, value: string, url: string = this.#host): void {
    // deno-lint-ignore no-control-regex -- these characters would end the cookie or the header
    if (name === "" || /[\x00-\x20=;,\x7f]/.test(name) || /[\x00-\x1f;\x7f]/.test(value)) {
      throw new TypeError(`${JSON.stringify(`${name}=${value}`)} is not a valid cookie`);
    }
    const { origin } = new URL(url);
    this.#open().setCookieSync(new JarCookie({ key: name, value, path: "/" }), origin);
  }

  /** Removes all cookies. */
  clear(): void {
    this.#jar = null;
  }

  /**
   * Stores the cookies of a response. Cookies that its host must not set are ignored, as in browsers.
   *
   * @param setCookies the values of the `Set-Cookie` headers.
   * @param url the URL of the request.
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

  /** The `Cookie` header of a request; empty if there are no cookies for it. */
  header(url: URL): string {
    return this.#jar === null ? "" : this.#jar.getCookieStringSync(url);
  }

  #open(): CookieJar {
    // Secure cookies are not sent over plain HTTP, not even to this machine. Otherwise a test could pass
    // locally although the real site would not receive the cookie.
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
 * Whether a host has a registrable domain. Addresses and intranet names have none. If such a host names
 * itself in `Domain`, the attribute is ignored.
 */
function hasRegistrableDomain(hostname: string): boolean {
  const options = { allowSpecialUseDomain: true, ignoreError: true };
  return getPublicSuffix(hostname, options) !== undefined;
}
