/**
 * Looks up the addresses of host names.
 *
 * @module
 */

import { lookup as systemLookup } from "node:dns/promises";
import { isIP } from "node:net";
import { setBounded } from "../core/bounded_map.ts";
import type { Clock } from "../core/clock.ts";
import { messageText } from "../core/errors.ts";
import { lacksDescriptors, localFailureOf } from "../core/local_failures.ts";
import { logLookup } from "./connection_log.ts";
import { WireError } from "./request_error.ts";

/** Finds all addresses of a name, in the order in which to try them. */
export type Lookup = (hostname: string) => Promise<readonly string[]>;

/**
 * How long addresses are cached by default, in milliseconds. Thousands of users connect to the same name at
 * once.
 */
export const DNS_TTL_MS = 5_000;

/** A target can redirect to any number of names. */
const MAX_ENTRIES = 1000;

interface Entry {
  readonly addresses: Promise<readonly string[]>;
  /** Milliseconds on the clock; `Infinity` while the lookup is pending. */
  validUntil: number;
}

/** Caches addresses for some time. Simultaneous lookups of a name share one query, unless this time is 0. */
export class DnsCache {
  readonly #clock: Clock;
  readonly #lookup: Lookup;
  readonly #ttlMs: number;
  readonly #entries = new Map<string, Entry>();

  /**
   * @param ttlMs how long addresses are cached, in milliseconds: 0 for not at all, `Infinity` for as long as the
   *   process runs.
   * @param lookup queries the system by default.
   */
  constructor(clock: Clock, ttlMs: number = DNS_TTL_MS, lookup: Lookup = querySystem) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#lookup = lookup;
  }

  /**
   * All addresses of a name, at least one. An address resolves to itself. Rejects with a WireError
   * `ENOTFOUND`, or `EMFILE` if no file descriptor is free to ask; failures are not cached.
   *
   * @param hostname a name, or an address without brackets.
   */
  lookup(hostname: string): Promise<readonly string[]> {
    if (isIP(hostname) !== 0) return Promise.resolve([hostname]);
    if (this.#ttlMs === 0) return this.#query(hostname);
    const known = this.#entries.get(hostname);
    if (known !== undefined && this.#clock.now() < known.validUntil) return known.addresses;
    const entry: Entry = { addresses: this.#query(hostname), validUntil: Infinity };
    this.#entries.delete(hostname);
    setBounded(this.#entries, hostname, entry, MAX_ENTRIES);
    entry.addresses.then(
      () => entry.validUntil = this.#clock.now() + this.#ttlMs,
      () => this.#entries.delete(hostname),
    );
    return entry.addresses;
  }

  async #query(hostname: string): Promise<readonly string[]> {
    const startedAt = this.#clock.now();
    try {
      const addresses = await this.#ask(hostname);
      logLookup(hostname, addresses, this.#clock.now() - startedAt);
      return addresses;
    } catch (error) {
      logLookup(hostname, error as WireError, this.#clock.now() - startedAt);
      throw error;
    }
  }

  /** Rejects with a WireError. */
  async #ask(hostname: string): Promise<readonly string[]> {
    let addresses: readonly string[];
    try {
      addresses = await this.#lookup(hostname);
    } catch (error) {
      const local = localFailureOf(error) ?? (lacksDescriptors() ? "EMFILE" : null);
      throw local === null
        ? new WireError("ENOTFOUND", explain(hostname, error), error)
        : new WireError(local, `the lookup of ${hostname} failed`, error);
    }
    if (addresses.length === 0) throw new WireError("ENOTFOUND", unknown(hostname));
    // Some systems list an address several times, once per socket type.
    return [...new Set(addresses)];
  }
}

async function querySystem(hostname: string): Promise<readonly string[]> {
  const answers = await systemLookup(hostname, { all: true, verbatim: true });
  return answers.map(({ address }) => address);
}

function explain(hostname: string, error: unknown): string {
  if (error instanceof Error && "code" in error && error.code === "ENOTFOUND") {
    return unknown(hostname);
  }
  return `the lookup of ${hostname} failed: ${messageText(error)}`;
}

function unknown(hostname: string): string {
  return `the name ${hostname} has no address`;
}
