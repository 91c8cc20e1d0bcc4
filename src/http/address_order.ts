/**
 * In which order the addresses of a name are tried.
 *
 * @module
 */

import { isIP } from "node:net";
import { setBounded } from "../core/bounded_map.ts";
import type { Clock, Random } from "../core/clock.ts";
import type { Endpoint } from "./connect_to.ts";

/**
 * Where connections to a name with several addresses begin: always at the first one, at each in turn, or at a
 * random one.
 */
export const DNS_ORDERS = ["first", "rotate", "random"] as const;

/** One of {@link DNS_ORDERS}. */
export type DnsOrder = typeof DNS_ORDERS[number];

/** How long an address is tried after the others once it did not accept a connection, in milliseconds. */
const AVOIDED_MS = 10_000;

/** A target can redirect to any number of names. */
const MAX_ENTRIES = 1000;

/**
 * Orders the addresses of names. All users of a node share it, so that their connections are spread evenly
 * even if each of them opens a single one.
 */
export class AddressOrder {
  readonly #clock: Clock;
  readonly #random: Random;
  /** Of each name, how many connections were started, and where the first one began. */
  readonly #turns = new Map<string, Turns>();
  /** Until when an address and port is avoided, in milliseconds on the clock. */
  readonly #avoidedUntil = new Map<string, number>();

  /** @param random decides where a name's turns begin, which must not be the same on all nodes. */
  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * The addresses in the order in which to try them. The families alternate (RFC 8305), beginning with the
   * system's choice. Connections go round the addresses of one family: the other one only gets what the first
   * cannot serve. Except for `first`, addresses that recently did not accept a connection come last.
   *
   * @param addresses in the system's order.
   */
  arrange(
    { hostname, port }: Endpoint,
    addresses: readonly string[],
    order: DnsOrder,
  ): readonly string[] {
    if (addresses.length < 2) return addresses;
    if (order === "first") return alternating(addresses, (family) => family);
    const now = this.#clock.now();
    const isAvoided = (address: string): boolean =>
      (this.#avoidedUntil.get(keyOf(address, port)) ?? 0) > now;
    const turn = this.#nextTurn(hostname);
    const spread = (family: readonly string[]): readonly string[] =>
      order === "random" ? shuffled(family, this.#random) : rotated(family, turn);
    return [
      ...alternating(addresses.filter((address) => !isAvoided(address)), spread),
      ...alternating(addresses.filter(isAvoided), spread),
    ];
  }

  /** An address has refused a connection, or has not accepted it in time. */
  avoid(address: string, port: number): void {
    const until = this.#clock.now() + AVOIDED_MS;
    setBounded(this.#avoidedUntil, keyOf(address, port), until, MAX_ENTRIES);
  }

  /** An address has accepted a connection. */
  accept(address: string, port: number): void {
    if (this.#avoidedUntil.size > 0) this.#avoidedUntil.delete(keyOf(address, port));
  }

  #nextTurn(hostname: string): Turns {
    const { offset, count } = this.#turns.get(hostname) ??
      { offset: Math.floor(this.#random() * 1_000_000), count: -1 };
    const next = { offset, count: count + 1 };
    setBounded(this.#turns, hostname, next, MAX_ENTRIES);
    return next;
  }
}

interface Turns {
  readonly offset: number;
  /** From 0. */
  readonly count: number;
}

function keyOf(address: string, port: number): string {
  return `${address} ${port}`;
}

/** One address of each family after the other, each family in the order that `arrange` gives it. */
function alternating(
  addresses: readonly string[],
  arrange: (family: readonly string[]) => readonly string[],
): readonly string[] {
  const [first = ""] = addresses;
  const family = isIP(first);
  const some = arrange(addresses.filter((address) => isIP(address) === family));
  const others = arrange(addresses.filter((address) => isIP(address) !== family));
  const all: string[] = [];
  for (let i = 0; i < Math.max(some.length, others.length); i++) {
    all.push(...some.slice(i, i + 1), ...others.slice(i, i + 1));
  }
  return all;
}

/**
 * The addresses, beginning with the one whose turn it is. They are sorted first, because the system's order can
 * change from answer to answer. Each round begins one address later: clients that open as many connections at a
 * time as there are addresses would otherwise get the same one each time.
 */
function rotated(addresses: readonly string[], { offset, count }: Turns): readonly string[] {
  const size = addresses.length;
  if (size < 2) return addresses;
  const sorted = addresses.toSorted();
  const start = (offset + count + Math.floor(count / size)) % size;
  return [...sorted.slice(start), ...sorted.slice(0, start)];
}

function shuffled(addresses: readonly string[], random: Random): readonly string[] {
  const all = [...addresses];
  for (let i = all.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [all[i], all[other]] = [all[other]!, all[i]!];
  }
  return all;
}
