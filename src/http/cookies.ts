/**
 * The cookies of one user.
 *
 * @module
 */

import { Cookie as JarCookie, CookieJar, getPublicSuffix, MemoryCookieStore } from "tough-cookie";
import { hasHeader } from "./request_options.ts";
import type { HeaderPairs } from "./transport.ts";

/** Limits as in browsers. Otherwise a target could make each request a little longer than the last. */
const MAX_PER_DOMAIN = 50;
const MAX_COOKIES = 3000;
/** The largest sum of name and value, in bytes. */
const MAX_COOKIE = 4096;
/**
 * The longest `Set-Cookie` header, together with the path of the request. Browsers ignore attributes of over
 * 1024 bytes; this has the same purpose, and also limits the text that a stored cookie keeps in memory.
 */
const MAX_SOURCE = 8192;

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
  /** Whether the cookie is sent to {@link domain} only, and not to the names below it. */
  readonly hostOnly: boolean;
  /** When the cookie expires; `null` if it lasts as long as the user. */
  readonly expires: Date | null;
  /** Whether the cookie is only sent over HTTPS. */
  readonly secure: boolean;
  /** Whether scripts of a page must not read the cookie. aiotest only reports this. */
  readonly httpOnly: boolean;
  /** `"strict"`, `"lax"` or `"none"`; `null` if the cookie does not say. aiotest only reports this. */
  readonly sameSite: "strict" | "lax" | "none" | null;
}

/**
 * The cookies of one user: those that servers have set, and those that a test adds.
 *
 * The limits are those of browsers: 50 cookies per domain and 3000 in total, of 4 KiB each. If there are
 * more, those that have expired or have not been used for the longest time are removed. Larger cookies of
 * servers are ignored.
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
    return (url === undefined ? this.#unexpired() : this.#jar.getCookiesSync(url)).map(asCookie);
  }

  /**
   * Sets a cookie. It lasts as long as the user.
   *
   * @param url the cookie is sent to all paths of this URL's host; default: the user's host.
   * @throws TypeError if the name, the value or the URL is invalid, or if name and value have over 4096
   *   bytes.
   */
  set(name: string, value: string, url: string = this.#host): void {
    // deno-lint-ignore no-control-regex -- these characters would end the cookie or the header
    if (name === "" || /[\x00-\x20=;,\x7f]/.test(name) || /[\x00-\x1f;\x7f]/.test(value)) {
      throw new TypeError(`${JSON.stringify(`${name}=${value}`)} is not a valid cookie`);
    }
    const wide = /[\u0100-\u{10ffff}]/u.exec(name + value);
    if (wide !== null) {
      throw new TypeError(
        `the cookie ${JSON.stringify(name)} contains ${
          JSON.stringify(wide[0])
        }, which cannot be sent: ` +
          "use encodeURIComponent",
      );
    }
    if (name.length + value.length > MAX_COOKIE) {
      throw new TypeError(
        `the cookie ${JSON.stringify(name.slice(0, 40))} has ${name.length + value.length} bytes ` +
          `in name and value, but at most ${MAX_COOKIE} are allowed`,
      );
    }
    const { origin } = new URL(url);
    const cookie = new JarCookie({ key: name, value, path: "/" });
    this.#open().setCookieSync(cookie, origin);
    this.#bound(cookie);
  }

  /**
   * Removes the cookies with a name. Returns whether there was one.
   *
   * @param url only a cookie that would be sent to this URL; default: those of all hosts and paths.
   */
  delete(name: string, url?: string): boolean {
    if (this.#jar === null) return false;
    const { idx } = this.#jar.store as MemoryCookieStore;
    const cookies = url === undefined ? this.#unexpired() : this.#jar.getCookiesSync(url);
    const named = cookies.filter(({ key }) => key === name);
    for (const cookie of named) remove(idx, cookie);
    return named.length > 0;
  }

  /** Removes all cookies. */
  clear(): void {
    this.#jar = null;
  }

  /**
   * Stores the cookies of a response. Cookies that its host must not set, or that are too large, are
   * ignored, as in browsers.
   *
   * @param setCookies the values of the `Set-Cookie` headers.
   * @param url the URL of the request.
   */
  store(setCookies: readonly string[], url: URL): void {
    for (const text of setCookies) {
      if (text.length + url.pathname.length > MAX_SOURCE) continue;
      const cookie = JarCookie.parse(text);
      if (cookie === undefined || cookie.key.length + cookie.value.length > MAX_COOKIE) continue;
      if (cookie.domain === url.hostname && !hasRegistrableDomain(url.hostname)) {
        cookie.domain = null;
      }
      this.#open().setCookieSync(cookie, url, { ignoreError: true });
      this.#bound(cookie);
    }
  }

  /** The `Cookie` header of a request; empty if there are no cookies for it. */
  header(url: URL): string {
    return this.#jar === null ? "" : this.#jar.getCookieStringSync(url);
  }

  #open(): CookieJar {
    // Secure cookies are not sent over plain HTTP, not even to this machine. Otherwise a test could pass
    // locally although the real site would not receive the cookie.
    return this.#jar ??= new CookieJar(new MemoryCookieStore(), { allowSecureOnLocal: false });
  }

  /** Makes room for a cookie that was added. The store itself has no limits, and keeps empty paths. */
  #bound({ domain }: JarCookie): void {
    const { idx } = this.#open().store as MemoryCookieStore;
    const ofDomain = cookiesOf(idx, domain ?? "");
    if (ofDomain.length > MAX_PER_DOMAIN) remove(idx, leastUseful(ofDomain));
    const domains = Object.keys(idx);
    if (domains.length <= MAX_COOKIES / MAX_PER_DOMAIN) return;
    const all = domains.flatMap((one) => cookiesOf(idx, one));
    if (all.length > MAX_COOKIES) remove(idx, leastUseful(all));
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

function asCookie(cookie: JarCookie): Cookie {
  const expiresAt = cookie.expiryTime() ?? Infinity;
  const { sameSite } = cookie;
  return {
    name: cookie.key,
    value: cookie.value,
    domain: cookie.domain ?? "",
    path: cookie.path ?? "/",
    hostOnly: cookie.hostOnly ?? true,
    expires: Number.isFinite(expiresAt) ? new Date(expiresAt) : null,
    secure: cookie.secure,
    httpOnly: cookie.httpOnly,
    sameSite: sameSite === "strict" || sameSite === "lax" || sameSite === "none" ? sameSite : null,
  };
}

/**
 * Adds the cookies of a jar to headers. A `Cookie` header among them is kept, and cookies of the jar follow
 * those that it does not have. A request has one `Cookie` header.
 *
 * @param cookies as a header contains them; not empty.
 */
export function withCookies(headers: HeaderPairs, cookies: string): HeaderPairs {
  if (!hasHeader(headers, "cookie")) return [...headers, ["cookie", cookies]];
  const own = headers.flatMap(([name, value]) => name.toLowerCase() === "cookie" ? [value] : []);
  const names = new Set(own.flatMap((value) => pairsOf(value).map(nameOf)));
  const others = pairsOf(cookies).filter((pair) => !names.has(nameOf(pair)));
  const all = [...own, ...others].filter((value) => value !== "").join("; ");
  return [...headers.filter(([name]) => name.toLowerCase() !== "cookie"), ["cookie", all]];
}

function pairsOf(cookies: string): string[] {
  return cookies.split(";").map((pair) => pair.trim());
}

function nameOf(pair: string): string {
  return pair.split("=", 1)[0]!.trimEnd();
}

type CookieIndex = MemoryCookieStore["idx"];

/** The cookies of a domain. Removes paths that have none any more, and the domain if it has none. */
function cookiesOf(index: CookieIndex, domain: string): JarCookie[] {
  const cookies: JarCookie[] = [];
  const paths = index[domain];
  if (paths === undefined) return cookies;
  for (const path in paths) {
    const before = cookies.length;
    for (const name in paths[path]) cookies.push(paths[path][name]!);
    if (cookies.length === before) delete paths[path];
  }
  if (cookies.length === 0) delete index[domain];
  return cookies;
}

function remove(index: CookieIndex, { domain, path, key }: JarCookie): void {
  delete index[domain ?? ""]?.[path ?? ""]?.[key];
}

/** The cookie to remove first: one that has expired, or else the one that was last used longest ago. */
function leastUseful(cookies: readonly JarCookie[]): JarCookie {
  const rank = (cookie: JarCookie): number => {
    if (cookie.TTL() <= 0) return -1;
    return cookie.lastAccessed instanceof Date ? cookie.lastAccessed.getTime() : 0;
  };
  return cookies.reduce((least, one) => {
    const later = rank(one) - rank(least) || one.creationIndex - least.creationIndex;
    return later < 0 ? one : least;
  });
}

/**
 * Whether a host has a registrable domain. Addresses and intranet names have none. If such a host names
 * itself in `Domain`, the attribute is ignored.
 */
function hasRegistrableDomain(hostname: string): boolean {
  const options = { allowSpecialUseDomain: true, ignoreError: true };
  return getPublicSuffix(hostname, options) !== undefined;
}
