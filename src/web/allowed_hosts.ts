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
  /** Whether it is served over TLS. */
  readonly isTls: boolean;
}

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];
const HTTP_PORT = 80;
const HTTPS_PORT = 443;

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
  readonly #isTls: boolean;

  constructor({ bindHost, port, hostname, allowedHosts, isTls }: ServerAddress) {
    this.#anyAddress = isAnyAddress(bindHost);
    const own = this.#anyAddress ? hostname : urlHost(bindHost);
    this.#names = [...LOOPBACK_NAMES, own.toLowerCase()];
    this.#port = port;
    this.#proxies = allowedHosts;
    this.#isTls = isTls;
  }

  /** Whether a value of `Host` addresses this dashboard. */
  allows(host: string): boolean {
    const match = HOST.exec(host);
    if (match === null) return false;
    const name = match[1]!.toLowerCase();
    if (this.#isProxy(name)) return true;
    // The published port of a container or a tunnel differs from the port that we listen at.
    if (this.#anyAddress) return this.#names.includes(name) || cannotBeRebound(name);
    const port = Number(match[2] ?? (this.#isTls ? HTTPS_PORT : HTTP_PORT));
    return this.#names.includes(name) && port === this.#port;
  }

  /**
   * Whether the page of an `Origin` may send requests with a value of `Host` that is allowed. A proxy may
   * send its own `Host`, but passes on the browser's `Origin`.
   *
   * @param isSecure whether the browser uses HTTPS; null if that is unknown.
   */
  allowsOrigin(origin: string, host: string, isSecure: boolean | null = null): boolean {
    const [, scheme, place = ""] = /^(https?):\/\/(.*)$/.exec(origin) ?? [];
    if (scheme === undefined) return false;
    // Anyone on the network can be a page of the same name without TLS.
    if (isSecure !== null && scheme !== (isSecure ? "https" : "http")) return false;
    const name = HOST.exec(place)?.[1]?.toLowerCase();
    if (name !== undefined && this.#isProxy(name)) return true;
    return place === host && (scheme === "https" || !this.#isTls);
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
 * themselves, and only browsers can be misused by another site's page. The `Host` that a trusted proxy has
 * received must be allowed as well as the one that it sends: a page of an attacker's own domain could add a
 * header with another one.
 *
 * @param canBeOpened whether the path may be opened by a link on another site.
 */
export function crossOriginProblem(
  request: Request,
  url: URL,
  { allowedHosts, client, canBeOpened }: {
    readonly allowedHosts: AllowedHosts;
    readonly client: { readonly hosts: readonly string[]; readonly isSecure: boolean | null };
    readonly canBeOpened: boolean;
  },
): ErrorReply | null {
  const { headers } = request;
  const host = headers.get("host") ?? "";
  // The first two differ if the request line contains a whole URL.
  const foreign = [host, url.host, ...client.hosts].find((name) => !allowedHosts.allows(name));
  if (foreign !== undefined) {
    const error = "The Host header does not name this dashboard.";
    return { status: 403, error: error + adviceFor(foreign) };
  }
  const origin = headers.get("origin");
  const named = client.hosts.at(-1) ?? host;
  if (origin !== null && !allowedHosts.allowsOrigin(origin, named, client.isSecure)) {
    const error = "Cross-origin requests are not allowed.";
    return { status: 403, error: error + adviceFor(origin.replace(/^https?:\/\//, "")) };
  }
  // Other ports and sibling domains are the same site, but not the same origin.
  const site = headers.get("sec-fetch-site");
  const isForeign = site === "cross-site" || site === "same-site";
  if (isForeign && !(canBeOpened && opensPage(request))) {
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

/** Whether a user followed a link. The linking site cannot read the response. */
function opensPage({ method, headers }: Request): boolean {
  return method === "GET" && headers.get("sec-fetch-mode") === "navigate" &&
    headers.get("sec-fetch-dest") === "document";
}
