/**
 * The names and origins from which the dashboard may be used, which protects it against requests from
 * other sites.
 *
 * @module
 */

import { ANY_ADDRESS, urlHost } from "../core/network.ts";
import type { ErrorReply } from "./http.ts";

/** Whether only this machine can reach a server that listens at a name or address. */
export function isLoopback(bindHost: string): boolean {
  return bindHost.toLowerCase() === "localhost" || bindHost === "::1" ||
    /^127(?:\.\d{1,3}){3}$/.test(bindHost);
}

/** Whether a server that listens at an address listens at all addresses of the machine. */
export function isAnyAddress(bindHost: string): boolean {
  return bindHost === ANY_ADDRESS || bindHost === "0.0.0.0" || bindHost === "::";
}

/** Where a dashboard listens. */
export interface ServerAddress {
  /** The name or address that it is bound to. */
  readonly bindHost: string;
  readonly port: number;
  /** The machine's own name. */
  readonly hostname: string;
  /** The names of proxies in front of it, as {@link hostPattern} returns them. */
  readonly allowedHosts: readonly string[];
}

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];
const HTTP_PORT = 80;

/**
 * The values of `Host` that address this dashboard.
 *
 * An attacker can make his own domain resolve to this machine (DNS rebinding). His page then has the
 * same origin as the dashboard as far as the browser can tell, but its requests carry his domain in
 * `Host`.
 */
export class AllowedHosts {
  readonly #names: readonly string[];
  readonly #port: number;
  readonly #anyAddress: boolean;
  readonly #proxies: readonly string[];

  constructor({ bindHost, port, hostname, allowedHosts }: ServerAddress) {
    this.#anyAddress = isAnyAddress(bindHost);
    const own = this.#anyAddress ? hostname : urlHost(bindHost);
    this.#names = [...LOOPBACK_NAMES, own.toLowerCase()];
    this.#port = port;
    this.#proxies = allowedHosts;
  }

  /** Whether a value of `Host` addresses this dashboard. */
  allows(host: string): boolean {
    const match = HOST.exec(host);
    if (match === null) return false;
    const name = match[1]!.toLowerCase();
    if (this.#isProxy(name)) return true;
    // The published port of a container or a tunnel differs from the port that we listen at.
    if (this.#anyAddress) return this.#names.includes(name) || cannotBeRebound(name);
    return this.#names.includes(name) && Number(match[2] ?? HTTP_PORT) === this.#port;
  }

  /**
   * Whether the page of an `Origin` may send requests with a value of `Host` that is allowed. A proxy may
   * send its own `Host`, but passes on the browser's `Origin`.
   */
  allowsOrigin(origin: string, host: string): boolean {
    if (origin === `http://${host}` || origin === `https://${host}`) return true;
    const name = HOST.exec(origin.replace(/^https?:\/\//, ""))?.[1];
    return /^https?:/.test(origin) && name !== undefined && this.#isProxy(name.toLowerCase());
  }

  #isProxy(name: string): boolean {
    // A name with a dot at its end is the same name.
    const plain = name.replace(/\.$/, "");
    return this.#proxies.some((pattern) =>
      pattern.startsWith("*.") ? plain.endsWith(pattern.slice(1)) : plain === pattern
    );
  }
}

/** A name or address and an optional port. */
const HOST = /^(\[[0-9a-f:.]+\]|[^:[\]/@?#\s]+)(?::(\d{1,5}))?$/i;

/**
 * Whether a name cannot be used for DNS rebinding: IP addresses are not looked up, and a name without
 * a dot, such as a container's, is resolved by the local network only.
 */
function cannotBeRebound(name: string): boolean {
  return name.startsWith("[") || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(name) || /^[\w-]+$/.test(name);
}

/**
 * A name in the form in which browsers send it: in lower case, with other alphabets encoded, an IPv6
 * address in brackets, and without a dot at its end. `*.example.com` means all names below
 * `example.com`. Null if it is neither: an attacker could register a name below `*` or `*.com`.
 */
export function hostPattern(text: string): string | null {
  const isPattern = text.startsWith("*.");
  const given = isPattern ? text.slice(2) : text;
  const written = /^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/i.test(given) ? urlHost(given) : given;
  if (!HOST.test(written) || /:\d+$/.test(written)) return null;
  const name = URL.parse(`http://${written}`)?.hostname.replace(/\.$/, "") ?? "";
  if (name === "" || name.includes("*")) return null;
  if (!isPattern) return name;
  return /^[^[]+\.[^.]*[a-z][^.]*$/.test(name) ? `*.${name}` : null;
}

/**
 * Why a request must not be answered whatever its path; null if it may be. Browsers set these headers
 * themselves, and only browsers can be misused by another site's page. What a proxy says about the
 * browser's request (`X-Forwarded-Host`) is not read: any client can send it.
 */
export function crossOriginProblem(
  request: Request,
  url: URL,
  allowedHosts: AllowedHosts,
): ErrorReply | null {
  const { headers } = request;
  const host = headers.get("host") ?? "";
  // The two differ if the request line contains a whole URL.
  const foreign = [host, url.host].find((name) => !allowedHosts.allows(name));
  if (foreign !== undefined) {
    const error = "The Host header does not name this dashboard.";
    return { status: 403, error: error + adviceFor(foreign) };
  }
  const origin = headers.get("origin");
  if (origin !== null && !allowedHosts.allowsOrigin(origin, host)) {
    const error = "Cross-origin requests are not allowed.";
    return { status: 403, error: error + adviceFor(origin.replace(/^https?:\/\//, "")) };
  }
  if (headers.get("sec-fetch-site") === "cross-site" && !opensPage(request, url)) {
    return { status: 403, error: "Cross-site requests are not allowed." };
  }
  return null;
}

/** How to allow a name that a request gives; empty if it is none. */
function adviceFor(host: string): string {
  const name = hostPattern(HOST.exec(host)?.[1] ?? "");
  if (name === null || name === "null" || name.length > MAX_NAME) return "";
  return ` If a proxy serves this dashboard at ${name}: --web-allowed-host ${name}`;
}

/** The longest name of a host. */
const MAX_NAME = 253;

/** Whether a user followed a link to the page. The linking site cannot read the response. */
function opensPage({ method, headers }: Request, url: URL): boolean {
  return method === "GET" && url.pathname === "/" &&
    headers.get("sec-fetch-mode") === "navigate" && headers.get("sec-fetch-dest") === "document";
}
