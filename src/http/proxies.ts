/**
 * Origins, and the proxies that the environment defines for them. Where these variables are not
 * standardized, aiotest does what curl does.
 *
 * @module
 */

import { BlockList, isIP } from "node:net";
import { UsageError } from "../core/errors.ts";
import { authorizationOf } from "./url_resolver.ts";

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

/** A server that forwards requests. */
export interface Proxy {
  /** A name or an address; IPv6 addresses without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Whether the connection to the proxy uses TLS. */
  readonly secure: boolean;
  /** The value of `Proxy-Authorization`, or `null`. */
  readonly authorization: string | null;
}

/**
 * The proxies defined by `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`. Lower-case names take
 * precedence. Requests to this machine also use the proxy unless `NO_PROXY` excludes them.
 */
export class Proxies {
  readonly #plain: Proxy | null;
  readonly #secure: Proxy | null;
  readonly #exceptions: readonly Exception[];

  /**
   * @param env returns an environment variable, or `undefined`.
   * @throws UsageError that names the variable, if its value is not the URL of a proxy.
   */
  constructor(env: (name: string) => string | undefined) {
    this.#plain = firstProxy(env, ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]);
    this.#secure = firstProxy(env, ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]);
    this.#exceptions = (env("no_proxy") || env("NO_PROXY") || "")
      .split(/[\s,]+/).filter((entry) => entry !== "").map(parseException);
  }

  /** The proxy for an origin, always the same object; `null` for a direct connection. */
  proxyFor(origin: Origin): Proxy | null {
    const proxy = origin.secure ? this.#secure : this.#plain;
    if (proxy === null) return null;
    const hostname = normalHostname(origin.hostname);
    return this.#exceptions.some((excepts) => excepts(hostname, origin.port)) ? null : proxy;
  }
}

function firstProxy(
  env: (name: string) => string | undefined,
  names: readonly string[],
): Proxy | null {
  for (const name of names) {
    const value = env(name)?.trim() ?? "";
    if (value !== "") return parseProxy(name, value);
  }
  return null;
}

function parseProxy(variable: string, value: string): Proxy {
  // The message must not repeat the value, which can contain a password.
  const fail = (what: string): UsageError =>
    new UsageError(`${variable} ${what}.`, "Write it as http://host:port.");
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  if (!URL.canParse(text)) throw fail("is not the URL of a proxy");
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw fail(`has the scheme ${url.protocol}//, only HTTP proxies are supported`);
  }
  if (url.port === "0") throw fail("is not the URL of a proxy");
  const secure = url.protocol === "https:";
  return {
    hostname: unbracketed(url.hostname),
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    secure,
    authorization: url.username === "" && url.password === ""
      ? null
      : authorizationOf(`${url.username}:${url.password}`),
  };
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

function unbracketed(hostname: string): string {
  return hostname.startsWith("[") && hostname.endsWith("]") ? hostname.slice(1, -1) : hostname;
}
