import type { Clock } from "../core/clock.ts";

/** Wrong tokens that an address may send in one go. */
const MOST_WRONG = 10;

/** How long they are held against it, in milliseconds. */
const WINDOW_MS = 60_000;

/** Addresses that are remembered; an attacker may have any number of them. */
const MOST_ADDRESSES = 10_000;

interface Guesses {
  wrong: number;
  /** When the first of them came. */
  readonly since: number;
}

/**
 * Slows down whoever guesses tokens. Ten wrong ones within a minute are free; then nothing that comes
 * from the address is even looked at until the minute is over. No timer runs, and nobody waits.
 *
 * ```ts
 * import { systemClock } from "../core/clock.ts";
 * import { GuessLimit } from "./guess_limit.ts";
 * import assert from "node:assert/strict";
 *
 * const limit = new GuessLimit(systemClock);
 * for (let count = 0; count < 10; count++) limit.noteWrong("10.0.0.9");
 * assert.equal(limit.secondsLeft("10.0.0.9"), 60);
 * assert.equal(limit.secondsLeft("10.0.0.8"), 0);
 * ```
 */
export class GuessLimit {
  readonly #clock: Clock;
  /** In the order in which their minutes began. */
  readonly #addresses = new Map<string, Guesses>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whole seconds for which nothing of an address is looked at; 0: it may try. */
  secondsLeft(address: string): number {
    const guesses = this.#current(neighbourhood(address));
    if (guesses === undefined || guesses.wrong < MOST_WRONG) return 0;
    return Math.ceil((guesses.since + WINDOW_MS - this.#clock.now()) / 1000);
  }

  /** An address has sent a wrong token. Returns whether that was the one too many. */
  noteWrong(address: string): boolean {
    const key = neighbourhood(address);
    const guesses = this.#current(key);
    if (guesses !== undefined) return ++guesses.wrong === MOST_WRONG;
    const [oldest] = this.#addresses.keys();
    if (this.#addresses.size >= MOST_ADDRESSES) this.#addresses.delete(oldest!);
    this.#addresses.set(key, { wrong: 1, since: this.#clock.now() });
    return false;
  }

  #current(key: string): Guesses | undefined {
    const guesses = this.#addresses.get(key);
    if (guesses === undefined || this.#clock.now() < guesses.since + WINDOW_MS) return guesses;
    this.#addresses.delete(key);
    return undefined;
  }
}

/** The first half of an IPv6 address: whoever has one has all that begin so. */
function neighbourhood(address: string): string {
  if (!address.includes(":")) return address;
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  const [head = "", tail = ""] = address.split("::");
  const front = head.split(":").filter((group) => group !== "");
  const back = tail.split(":").filter((group) => group !== "");
  const zeros = Array<string>(8 - front.length - back.length).fill("0");
  return [...front, ...zeros, ...back].slice(0, 4).join(":");
}
