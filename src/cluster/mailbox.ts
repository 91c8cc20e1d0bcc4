import type { Cast } from "./message.ts";

/** What a message says. */
export type Letter = Pick<Cast, "from" | "kind" | "data">;

/** Messages that may be under way to a worker: what it does not read must not break its connection. */
const UNDER_WAY = 32;

/** Messages, and characters of them, that may wait for a worker. */
const MAX_LETTERS = 1_000;
const MAX_LENGTH = 8 * 1024 * 1024;

/**
 * Messages for one worker, in their order, until it has said that it has them.
 *
 * ```ts
 * import { Mailbox } from "./mailbox.ts";
 * import assert from "node:assert/strict";
 *
 * const sent: number[] = [];
 * const box = new Mailbox(({ seq }) => sent.push(seq));
 * box.post({ from: "master", kind: "a", data: "1" });
 * box.post({ from: "master", kind: "b", data: "2" });
 * box.acknowledged(1);
 * box.sendAgain();
 * assert.deepEqual(sent, [1, 2, 2]);
 * ```
 */
export class Mailbox {
  readonly #send: (cast: Cast) => void;
  /** Those that the worker is not known to have, oldest first. */
  readonly #casts: Cast[] = [];
  #sent = 0;
  #lastSeq = 0;
  #length = 0;

  constructor(send: (cast: Cast) => void) {
    this.#send = send;
  }

  /** Sends a letter; returns false, and drops it, where too many wait already. */
  post(letter: Letter): boolean {
    if (this.#casts.length >= MAX_LETTERS || this.#length >= MAX_LENGTH) return false;
    this.#casts.push({ type: "CAST", seq: ++this.#lastSeq, ...letter });
    this.#length += letter.data.length;
    this.#pump();
    return true;
  }

  /** The worker has this message, and all before it. */
  acknowledged(seq: number): void {
    while (this.#casts.length > 0 && this.#casts[0]!.seq <= seq) {
      this.#length -= this.#casts.shift()!.data.length;
      this.#sent = Math.max(0, this.#sent - 1);
    }
    this.#pump();
  }

  /** There is a new connection: what was under way may be lost. */
  sendAgain(): void {
    this.#sent = 0;
    this.#pump();
  }

  #pump(): void {
    while (this.#sent < Math.min(UNDER_WAY, this.#casts.length)) {
      this.#send(this.#casts[this.#sent++]!);
    }
  }
}
