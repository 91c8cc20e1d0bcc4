/**
 * What all HTTP users of a node share.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { DeadlineSweep, IdleWatch } from "./connection_timers.ts";
import { Dialer } from "./dialer.ts";
import { DnsCache } from "./dns_cache.ts";
import type { Proxies } from "./proxies.ts";
import { type RequestTarget, requestTarget } from "./request_encoder.ts";
import { Slab } from "./response_parser.ts";
import { UrlResolver } from "./url_resolver.ts";

/** Settings for all HTTP users of a node. */
export interface SharedHttpOptions {
  /** Whether to accept any TLS certificate of the target. */
  readonly insecure: boolean;
  readonly proxies: Proxies;
  /** Trusted certificates in PEM, in addition to those of the system. */
  readonly caCerts: readonly string[];
}

/** Timers, caches and memory that all HTTP users of a node share. */
export class SharedHttpState {
  /** Ends exchanges whose deadline has passed. */
  readonly deadlines: DeadlineSweep;
  /** Notices when idle connections end. */
  readonly idleWatch: IdleWatch;
  /** Memory for small responses. */
  readonly slab: Slab = new Slab();
  /** Opens connections. */
  readonly dialer: Dialer;
  readonly #proxies: Proxies;
  readonly #urls = new Map<string, UrlResolver>();
  readonly #targets = new WeakMap<URL, RequestTarget>();

  constructor(clock: Clock, { insecure, proxies, caCerts }: SharedHttpOptions) {
    this.deadlines = new DeadlineSweep(clock);
    this.idleWatch = new IdleWatch(clock);
    this.dialer = new Dialer({ dns: new DnsCache(clock), insecure, proxies, caCerts });
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
