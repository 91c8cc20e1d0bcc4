import { lookup as systemLookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Clock } from "../core/clock.ts";
import { WireError } from "./request_error.ts";

/** Finds all addresses of a name, in the order in which they are to be tried. */
export type Lookup = (hostname: string) => Promise<readonly string[]>;

/** How long an answer is good for: thousands of users connect at once, with the same name. */
const KEPT_MS = 5_000;

interface Entry {
  readonly addresses: Promise<readonly string[]>;
  /** Milliseconds on the clock; Infinity while the answer is not in. */
  goodUntil: number;
}

/**
 * The addresses of names, asked for once for all who want to know at the same time.
 */
export class DnsCache {
  readonly #clock: Clock;
  readonly #lookup: Lookup;
  readonly #entries = new Map<string, Entry>();

  /** @param lookup asks the system, unless something else is given. */
  constructor(clock: Clock, lookup: Lookup = askSystem) {
    this.#clock = clock;
    this.#lookup = lookup;
  }

  /**
   * All addresses of a name, at least one; an address is its own. Rejects with a WireError
   * `ENOTFOUND`, which is not kept: the next one to ask may have more luck.
   *
   * @param hostname a name, or an address without brackets.
   */
  lookup(hostname: string): Promise<readonly string[]> {
    if (isIP(hostname) !== 0) return Promise.resolve([hostname]);
    const known = this.#entries.get(hostname);
    if (known !== undefined && this.#clock.now() < known.goodUntil) return known.addresses;
    const entry: Entry = { addresses: this.#ask(hostname), goodUntil: Infinity };
    this.#entries.set(hostname, entry);
    entry.addresses.then(
      () => entry.goodUntil = this.#clock.now() + KEPT_MS,
      () => this.#entries.delete(hostname),
    );
    return entry.addresses;
  }

  async #ask(hostname: string): Promise<readonly string[]> {
    let addresses: readonly string[];
    try {
      addresses = await this.#lookup(hostname);
    } catch (error) {
      throw new WireError("ENOTFOUND", explain(hostname, error), error);
    }
    if (addresses.length === 0) throw new WireError("ENOTFOUND", unknown(hostname));
    // A system may list an address once for every way to use it.
    return [...new Set(addresses)];
  }
}

async function askSystem(hostname: string): Promise<readonly string[]> {
  const answers = await systemLookup(hostname, { all: true, verbatim: true });
  return answers.map(({ address }) => address);
}

function explain(hostname: string, error: unknown): string {
  if (error instanceof Error && "code" in error && error.code === "ENOTFOUND") {
    return unknown(hostname);
  }
  const message = error instanceof Error ? error.message : String(error);
  return `the name ${hostname} could not be looked up: ${message}`;
}

function unknown(hostname: string): string {
  return `the name ${hostname} has no address`;
}
