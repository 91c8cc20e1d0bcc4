import type { Clock } from "../core/clock.ts";
import { DeadlineSweep } from "./deadline_sweep.ts";
import { UrlResolver } from "./url_resolver.ts";

/** What all HTTP users of a node share: a user of its own would need the same for itself alone. */
export class HttpNode {
  /** Ends exchanges that take too long. */
  readonly deadlines: DeadlineSweep;
  readonly #urls = new Map<string, UrlResolver>();

  constructor(clock: Clock) {
    this.deadlines = new DeadlineSweep(clock);
  }

  /** Joins URLs to a host; the same object for all users of that host. */
  urls(host: string): UrlResolver {
    const known = this.#urls.get(host);
    if (known !== undefined) return known;
    const urls = new UrlResolver(host);
    this.#urls.set(host, urls);
    return urls;
  }
}
