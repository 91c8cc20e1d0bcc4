/**
 * A log for lines that user code can cause with every request, such as the errors of event handlers.
 *
 * @module
 */

import { type Clock, systemClock } from "./clock.ts";

/** How often a text is logged at most. */
const INTERVAL_MS = 1_000;

/** The most different texts that are logged in one interval. */
const MAX_TEXTS = 20;

interface Repeats {
  /** When the text was last logged. */
  loggedAt: number;
  /** How often it has occurred since then. */
  more: number;
}

/**
 * Logs each text at most once a second, with how often it has occurred since it was last logged. Of
 * different texts, 20 a second are logged; the others are counted together. It uses no timer: what has
 * been held back is logged with a later text, or by {@link flush}.
 */
export class RepeatedLog {
  readonly #write: (line: string) => void;
  readonly #clock: Pick<Clock, "now">;
  readonly #others: string;
  readonly #texts = new Map<string, Repeats>();
  readonly #leftOut: Repeats = { loggedAt: 0, more: 0 };

  /**
   * @param write logs a line.
   * @param others what the lines that are left out are called.
   */
  constructor(
    write: (line: string) => void,
    clock: Pick<Clock, "now"> = systemClock,
    others: string = "Lines like these with other texts",
  ) {
    this.#write = write;
    this.#clock = clock;
    this.#others = others;
  }

  /** Logs a text, now or later. */
  add(text: string): void {
    const now = this.#clock.now();
    const known = this.#texts.get(text) ?? this.#admit(text, now);
    if (known === null) return this.#addOther(now);
    known.more++;
    if (now - known.loggedAt >= INTERVAL_MS) this.#log(text, known, now);
  }

  /** Logs what has been held back. */
  flush(): void {
    for (const [text, known] of this.#texts) if (known.more > 0) this.#log(text, known, 0);
    this.#texts.clear();
    if (this.#leftOut.more > 0) this.#logOthers(0);
  }

  /** A place for a new text; `null` if there is none. */
  #admit(text: string, now: number): Repeats | null {
    if (this.#texts.size >= MAX_TEXTS) this.#makeRoom(now);
    if (this.#texts.size >= MAX_TEXTS) return null;
    const repeats = { loggedAt: -Infinity, more: 0 };
    this.#texts.set(text, repeats);
    return repeats;
  }

  #makeRoom(now: number): void {
    for (const [text, known] of this.#texts) {
      if (now - known.loggedAt < INTERVAL_MS) continue;
      if (known.more > 0) this.#log(text, known, now);
      else this.#texts.delete(text);
    }
  }

  #addOther(now: number): void {
    if (this.#leftOut.more++ === 0) this.#leftOut.loggedAt = now;
    else if (now - this.#leftOut.loggedAt >= INTERVAL_MS) this.#logOthers(now);
  }

  #log(text: string, known: Repeats, now: number): void {
    this.#write(known.more === 1 ? text : `${text} (${known.more} times)`);
    known.more = 0;
    known.loggedAt = now;
  }

  #logOthers(now: number): void {
    this.#write(`${this.#others}, left out here: ${this.#leftOut.more}`);
    this.#leftOut.more = 0;
    this.#leftOut.loggedAt = now;
  }
}
