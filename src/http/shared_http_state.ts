/**
 * What all HTTP users of a node share.
 *
 * @module
 */

import { type Clock, type Random, systemRandom } from "../core/clock.ts";
import type { Sockets } from "../net/socket.ts";
import { DEFAULT_TLS, type TlsSettings, tlsSettings } from "../net/tls_settings.ts";
import { AddressOrder, type DnsOrder } from "./address_order.ts";
import type { ConnectTo } from "./connect_to.ts";
import { DeadlineSweep } from "./connection_timers.ts";
import { Dialer } from "./dialer.ts";
import { DNS_TTL_MS, DnsCache } from "./dns_cache.ts";
import type { Proxies } from "./proxies.ts";
import { type RequestTarget, requestTarget } from "./request_encoder.ts";
import { headerPairs } from "./request_options.ts";
import { FETCH_QUEUE, NODE_NET_QUEUE, RequestQueue } from "./request_queue.ts";
import { Slab } from "./response_parser.ts";
import type { HeaderPairs } from "./transport.ts";
import { UrlResolver } from "./url_resolver.ts";

/** What the command line says about connections to the target. It overrides what user classes say. */
export interface ConnectionOptions {
  /** For targets. What it does not have is up to the user class. */
  readonly tls: TlsSettings;
  /** IP addresses that connections leave from, in turn. Empty: those of the user class. */
  readonly localAddresses: readonly string[];
  /** Where connections lead instead of where URLs say. The first rule that matches applies. */
  readonly connectTo: readonly ConnectTo[];
  /** Redirects that a request follows at most; 0: none. `null`: as many as the user class says. */
  readonly maxRedirects: number | null;
  /** Which address of a name is tried first. `null`: what the user class says. */
  readonly dns: DnsOrder | null;
  /** How long addresses of names are cached, in milliseconds; `Infinity` for always. */
  readonly dnsTtlMs: number;
}

/** The command line says nothing about connections. */
export const DEFAULT_CONNECTIONS: ConnectionOptions = {
  tls: DEFAULT_TLS,
  localAddresses: [],
  connectTo: [],
  maxRedirects: null,
  dns: null,
  dnsTtlMs: DNS_TTL_MS,
};

/**
 * What a user class says about TLS, except for what the command line says.
 *
 * @param own the options of the class, of any type in fact; `null`: none.
 * @param place where they are written, such as `ShopTest.tls`.
 * @param given what the command line says.
 * @throws UsageError that names the place, and says what is accepted.
 */
export function tlsOf(own: unknown, place: string, given: TlsSettings): TlsSettings {
  if (own === null) return given;
  const defaults = { ...tlsSettings(own, place), insecure: given.insecure };
  const { cert, key, ca } = given;
  return tlsSettings(
    { cert, key, ca: ca.length === 0 ? null : ca },
    place,
    (member) => `${place}.${member}`,
    defaults,
  );
}

/** Settings for all HTTP users of a node. */
export interface SharedHttpOptions extends ConnectionOptions {
  readonly sockets: Sockets;
  readonly proxies: Proxies;
  /** The system's, unless a test brings its own. */
  readonly random?: Random;
}

/** A target can name any number of hosts. */
const MAX_OTHER_HOSTS = 20;

/** Timers, caches and memory that all HTTP users of a node share. */
export class SharedHttpState {
  /** Ends exchanges whose deadline has passed. */
  readonly deadlines: DeadlineSweep;
  /** Makes requests of native `fetch` wait while the event loop is busy. */
  readonly fetchQueue: RequestQueue;
  /** The same for the engine's; `null` if its sockets serve all users evenly. */
  readonly socketQueue: RequestQueue | null;
  /** Memory for small responses. */
  readonly slab: Slab = new Slab();
  /** Of all connections. */
  readonly sockets: Sockets;
  /** Opens connections. */
  readonly dialer: Dialer;
  readonly options: ConnectionOptions;
  /** How many connections have been opened. */
  connections = 0;
  readonly #proxies: Proxies;
  readonly #urls = new Map<string, UrlResolver>();
  readonly #targets = new WeakMap<URL, RequestTarget>();
  readonly #tls = new WeakMap<object, TlsSettings>();
  readonly #headers = new WeakMap<object, HeaderPairs>();
  readonly #otherHosts = new Set<string>();
  readonly #ofClasses = new WeakMap<object, unknown>();

  constructor(clock: Clock, options: SharedHttpOptions) {
    const { sockets, proxies, dnsTtlMs, random = systemRandom } = options;
    this.options = options;
    this.sockets = sockets;
    this.deadlines = new DeadlineSweep(clock, () => sockets.drain());
    this.fetchQueue = new RequestQueue(clock, FETCH_QUEUE);
    this.socketQueue = sockets.kind === "epoll" ? null : new RequestQueue(clock, NODE_NET_QUEUE);
    this.dialer = new Dialer({
      ...options,
      clock,
      dns: new DnsCache(clock, dnsTtlMs),
      addressOrder: new AddressOrder(clock, random),
      deadlines: this.deadlines,
    });
    this.#proxies = proxies;
  }

  /**
   * How a user class connects with TLS; the same object for the same options of a class.
   *
   * @param own as for {@link tlsOf}.
   * @throws UsageError as {@link tlsOf} does.
   */
  tls(own: object | null, place: string): TlsSettings {
    const known = own === null ? this.options.tls : this.#tls.get(own);
    if (known !== undefined) return known;
    const settings = tlsOf(own, place, this.options.tls);
    if (own !== null) this.#tls.set(own, settings);
    return settings;
  }

  /** The headers of a user class; the same array for the same object, so that encoded requests can be shared. */
  headers(own: HeadersInit): HeaderPairs {
    const known = this.#headers.get(own);
    if (known !== undefined) return known;
    const pairs = headerPairs(own);
    this.#headers.set(own, pairs);
    return pairs;
  }

  /** Whether a host whose resources are not fetched should be logged: once, and of the first twenty hosts only. */
  isNewOtherHost(host: string): boolean {
    if (this.#otherHosts.size >= MAX_OTHER_HOSTS || this.#otherHosts.has(host)) return false;
    this.#otherHosts.add(host);
    return true;
  }

  /** What all users of a class share besides. @param create is called for the first of them. */
  ofClass<Part>(userClass: object, create: () => Part): Part {
    const known = this.#ofClasses.get(userClass);
    if (known !== undefined) return known as Part;
    const part = create();
    this.#ofClasses.set(userClass, part);
    return part;
  }

  /** Resolves URLs against a host. Users of the same host share one resolver. */
  urls(host: string): UrlResolver {
    const known = this.#urls.get(host);
    if (known !== undefined) return known;
    const urls = new UrlResolver(host);
    this.#urls.set(host, urls);
    return urls;
  }

  /** The target of a URL's requests, cached by URL object. The URL must not be changed. */
  target(url: URL): RequestTarget {
    const known = this.#targets.get(url);
    if (known !== undefined) return known;
    const target = requestTarget(url, this.#proxies);
    this.#targets.set(url, target);
    return target;
  }
}
