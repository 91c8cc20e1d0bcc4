/**
 * Origins, and the proxies that the environment defines for them. Where these variables are not
 * standardized, aiotest does what curl does.
 *
 * @module
 */

import { BlockList, isIP } from "node:net";
import { WireError } from "./request_error.ts";
import { authorizationOf, percentDecoded } from "./url_resolver.ts";

/** Where connections lead. URLs with the same origin can share connections. */
export interface Origin {
  readonly secure: boolean;
  /** A name or an address; IPv6 addresses without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** The value of the Host header: with the port unless it is the scheme's default. */
  readonly authority: string;
}

/**
 * The origin of a URL.
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

/** A server that forwards requests or connections. */
export interface Proxy {
  /** A name or an address; IPv6 addresses without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Whether the connection to the proxy uses TLS. */
  readonly secure: boolean;
  /** The value of `Proxy-Authorization`, or `null`. */
  readonly authorization: string | null;
  /** If it speaks SOCKS 5: what that needs to know. `null` if it speaks HTTP. */
  readonly socks: SocksOptions | null;
}

/** How to use a SOCKS proxy. */
export interface SocksOptions {
  /** Whether the proxy looks up names (`socks5h`), or this machine does (`socks5`). */
  readonly resolvesNames: boolean;
  /** Up to 255 bytes each; `null` to connect without. */
  readonly credentials: {
    readonly user: Uint8Array<ArrayBuffer>;
    readonly password: Uint8Array<ArrayBuffer>;
  } | null;
}

/**
 * The proxies defined by `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`. Lower-case names take
 * precedence. Requests to this machine also use the proxy unless `NO_PROXY` excludes them. A variable is read
 * when the first connection needs it, so an invalid one that none needs does not matter.
 */
export class Proxies {
  readonly #env: (name: string) => string | undefined;
  readonly #exceptions: readonly Exception[];
  #plain: Proxy | WireError | null | undefined;
  #secure: Proxy | WireError | null | undefined;

  /** @param env returns an environment variable, or `undefined`. */
  constructor(env: (name: string) => string | undefined) {
    this.#env = env;
    this.#exceptions = (env("no_proxy") || env("NO_PROXY") || "")
      .split(/[\s,]+/).filter((entry) => entry !== "").map(parseException);
  }

  /**
   * The proxy for an origin, always the same object; `null` for a direct connection.
   *
   * @throws WireError `BAD_REQUEST` that names the variable and says what is accepted, if its value is invalid.
   */
  proxyFor(origin: Origin): Proxy | null {
    const proxy = origin.secure
      ? this.#secure ??= firstProxy(this.#env, "https_proxy")
      : this.#plain ??= firstProxy(this.#env, "http_proxy");
    if (proxy === null) return null;
    const hostname = normalHostname(origin.hostname);
    if (this.#exceptions.some((excepts) => excepts(hostname, origin.port))) return null;
    if (proxy instanceof WireError) throw proxy;
    return proxy;
  }
}

/** The proxy of the first variable that is not empty; an error if its value is invalid. */
function firstProxy(
  env: (name: string) => string | undefined,
  own: string,
): Proxy | WireError | null {
  for (const name of [own, own.toUpperCase(), "all_proxy", "ALL_PROXY"]) {
    const value = env(name)?.trim() ?? "";
    if (value === "") continue;
    try {
      return parseProxy(name, value);
    } catch (error) {
      if (error instanceof WireError) return error;
      throw error;
    }
  }
  return null;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  socks5: 1080,
  socks5h: 1080,
};

function parseProxy(variable: string, value: string): Proxy {
  // The message must not repeat the value, which can contain a password.
  const fail = (what: string): WireError => new WireError("BAD_REQUEST", `${variable} ${what}`);
  const [, givenScheme, rest = ""] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(value)!;
  const scheme = (givenScheme ?? "http").toLowerCase();
  const defaultPort = DEFAULT_PORTS[scheme];
  if (defaultPort === undefined) {
    throw fail(`has the scheme ${scheme}, expected http, https, socks5 or socks5h`);
  }
  const url = URL.parse(`http://${rest}`);
  // This scheme has no port of its own, so a port that is given is never left out.
  const port = URL.parse(`any://${rest}`)?.port;
  if (url === null || url.hostname === "" || port === undefined || port === "0") {
    const form = "http://HOST:PORT or socks5://HOST:PORT";
    const escapes = rest.includes("@")
      ? " (special characters in a password are written as %23)"
      : "";
    throw fail(`is not the URL of a proxy, expected ${form}${escapes}`);
  }
  const { username, password } = url;
  const hasCredentials = username !== "" || password !== "";
  const common = {
    hostname: unbracketed(url.hostname),
    port: port === "" ? defaultPort : Number(port),
    secure: scheme === "https",
  };
  if (!scheme.startsWith("socks")) {
    const authorization = hasCredentials ? authorizationOf(`${username}:${password}`) : null;
    return { ...common, authorization, socks: null };
  }
  const credentials = { user: bytesOf(username), password: bytesOf(password) };
  if (Math.max(credentials.user.length, credentials.password.length) > MAX_SOCKS_TEXT) {
    throw fail(
      `has a user name or password of over ${MAX_SOCKS_TEXT} bytes, which SOCKS cannot carry`,
    );
  }
  const socks = {
    resolvesNames: scheme === "socks5h",
    credentials: hasCredentials ? credentials : null,
  };
  return { ...common, authorization: null, socks };
}

/** The longest text of a SOCKS message, in bytes. */
export const MAX_SOCKS_TEXT = 255;

/** The bytes of a user name or password in a parsed URL. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(percentDecoded(text), (character) => character.charCodeAt(0));
}

/** Whether an entry of `NO_PROXY` matches a host and port. */
type Exception = (hostname: string, port: number) => boolean;

function parseException(entry: string): Exception {
  if (entry === "*") return () => true;
  const { hostname, port } = splitPort(entry);
  const hosts = hostsOf(hostname);
  return (host, hostPort) => (port === null || port === hostPort) && hosts(host);
}

function splitPort(entry: string): { hostname: string; port: number | null } {
  const parts = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry);
  if (parts === null) return { hostname: unbracketed(entry), port: null };
  return { hostname: unbracketed(parts[1]!), port: Number(parts[2]) };
}

function hostsOf(pattern: string): (hostname: string) => boolean {
  const [address = "", prefix] = pattern.split("/");
  if (isIP(address) !== 0) return addresses(address, prefix);
  const domain = normalHostname(pattern).replace(/^\*?\./, "");
  const suffix = `.${domain}`;
  return (hostname) => hostname === domain || hostname.endsWith(suffix);
}

function addresses(address: string, prefix: string | undefined): (hostname: string) => boolean {
  const bits = isIP(address) === 4 ? 32 : 128;
  const size = prefix === undefined ? bits : /^\d+$/.test(prefix) ? Number(prefix) : Infinity;
  // The list is made for many programs, so invalid entries are ignored.
  if (size > bits) return () => false;
  const list = new BlockList();
  list.addSubnet(address, size, family(address));
  return (hostname) => isIP(hostname) !== 0 && list.check(hostname, family(hostname));
}

function family(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}

function normalHostname(hostname: string): string {
  return hostname.toLowerCase().replace(/\.$/, "");
}

/** An IPv6 address without its brackets; the size of a network can follow them. */
function unbracketed(hostname: string): string {
  return hostname.replace(/^\[(.*)\](\/\d+)?$/, "$1$2");
}
