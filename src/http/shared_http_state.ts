/**
 * What all HTTP users of a node share.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import type { Sockets } from "../net/socket.ts";
import type { TlsSettings } from "../net/tls_settings.ts";
import type { ConnectTo } from "./connect_to.ts";
import { DeadlineSweep } from "./connection_timers.ts";
import { Dialer } from "./dialer.ts";
import { DnsCache } from "./dns_cache.ts";
import { FetchQueue } from "./fetch_queue.ts";
import type { Proxies } from "./proxies.ts";
import { type RequestTarget, requestTarget } from "./request_encoder.ts";
import { Slab } from "./response_parser.ts";
import { UrlResolver } from "./url_resolver.ts";

/** What the command line says about connections to the target. It overrides what user classes say. */
export interface ConnectionOptions {
  /** Whether to accept any TLS certificate of the target. */
  readonly insecure: boolean;
  /** IP addresses that connections leave from, in turn. Empty: those of the user class. */
  readonly localAddresses: readonly string[];
  /** Where connections lead instead of where URLs say. The first rule that matches applies. */
  readonly connectTo: readonly ConnectTo[];
  /** Redirects that a request follows at most; 0: none. `null`: as many as the user class says. */
  readonly maxRedirects: number | null;
}

/** The command line says nothing about connections. */
export const DEFAULT_CONNECTIONS: ConnectionOptions = {
  insecure: false,
  localAddresses: [],
  connectTo: [],
  maxRedirects: null,
};

/** Settings for all HTTP users of a node. */
export interface SharedHttpOptions extends ConnectionOptions {
  readonly sockets: Sockets;
  readonly proxies: Proxies;
  /** For targets, unless a class of users has settings of its own. */
  readonly tls: TlsSettings;
}

/** Timers, caches and memory that all HTTP users of a node share. */
export class SharedHttpState {
  /** Ends exchanges whose deadline has passed. */
  readonly deadlines: DeadlineSweep;
  /** Makes requests of native `fetch` wait while the event loop is busy. */
  readonly fetches: FetchQueue;
  /** Memory for small responses. */
  readonly slab: Slab = new Slab();
  /** Opens connections. */
  readonly dialer: Dialer;
  readonly options: ConnectionOptions;
  /** For targets, unless a class of users has settings of its own. */
  readonly tls: TlsSettings;
  readonly #proxies: Proxies;
  readonly #urls = new Map<string, UrlResolver>();
  readonly #targets = new WeakMap<URL, RequestTarget>();

  constructor(clock: Clock, options: SharedHttpOptions) {
    const { sockets, proxies, tls } = options;
    this.options = options;
    this.deadlines = new DeadlineSweep(clock, () => sockets.drain());
    this.fetches = new FetchQueue(clock);
    this.dialer = new Dialer({ ...options, clock, dns: new DnsCache(clock) });
    this.tls = tls;
    this.#proxies = proxies;
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
