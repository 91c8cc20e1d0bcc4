import type { Clock } from "../core/clock.ts";
import { DeadlineSweep, IdleWatch } from "./connection_timers.ts";
import { Dialer } from "./dialer.ts";
import { DnsCache } from "./dns_cache.ts";
import type { Proxies } from "./proxies.ts";
import { type RequestTarget, requestTarget } from "./request_encoder.ts";
import { Slab } from "./response_parser.ts";
import { UrlResolver } from "./url_resolver.ts";

/** What is the same for all HTTP users of a node. */
export interface HttpNodeOptions {
  /** Accept any TLS certificate of the target. */
  readonly insecure: boolean;
  readonly proxies: Proxies;
  /** Certificates, in PEM, that are trusted beside the system's. */
  readonly caCerts: readonly string[];
}

/** What all HTTP users of a node share: a user of its own would need the same for itself alone. */
export class HttpNode {
  /** Ends exchanges that take too long. */
  readonly deadlines: DeadlineSweep;
  /** Sees when idle connections end. */
  readonly idleWatch: IdleWatch;
  /** Memory for what is kept of small responses. */
  readonly slab: Slab = new Slab();
  /** Opens connections. */
  readonly dialer: Dialer;
  readonly #proxies: Proxies;
  readonly #urls = new Map<string, UrlResolver>();
  readonly #targets = new WeakMap<URL, RequestTarget>();

  constructor(clock: Clock, { insecure, proxies, caCerts }: HttpNodeOptions) {
    this.deadlines = new DeadlineSweep(clock);
    this.idleWatch = new IdleWatch(clock);
    this.dialer = new Dialer({ dns: new DnsCache(clock), insecure, proxies, caCerts });
    this.#proxies = proxies;
  }

  /** Joins URLs to a host; the same object for all users of that host. */
  urls(host: string): UrlResolver {
    const known = this.#urls.get(host);
    if (known !== undefined) return known;
    const urls = new UrlResolver(host);
    this.#urls.set(host, urls);
    return urls;
  }

  /** Where the requests of a URL go; found once for each URL object, which must not be changed. */
  target(url: URL): RequestTarget {
    const known = this.#targets.get(url);
    if (known !== undefined) return known;
    const target = requestTarget(url, this.#proxies);
    this.#targets.set(url, target);
    return target;
  }
}
