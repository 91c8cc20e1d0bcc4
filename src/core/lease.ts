/**
 * The permission to generate load, for so long. A node that may be cut off from whoever directs it
 * must stop by itself before somebody else is given its users, or the target would get them twice.
 *
 * It owns no clock: whoever asks says what time it is, in milliseconds that never go back. Once it
 * has run out it stays so until it is granted anew.
 */
export class Lease {
  readonly #onLapse: () => void;
  #until = -Infinity;
  #lapsed = true;

  /** Held by nobody until it is granted. @param onLapse is called once when it has run out. */
  constructor(onLapse: () => void) {
    this.#onLapse = onLapse;
  }

  /** A lease that never runs out: for a node that nobody else directs. */
  static endless(): Lease {
    const lease = new Lease(() => {});
    lease.grant(Infinity);
    return lease;
  }

  /** Begins it, or begins it anew. */
  grant(untilMs: number): void {
    this.#until = untilMs;
    this.#lapsed = false;
  }

  /** Makes it longer, never shorter; returns false, and does not, where it has run out by now. */
  renew(untilMs: number, nowMs: number): boolean {
    if (!this.holds(nowMs)) return false;
    this.#until = Math.max(this.#until, untilMs);
    return true;
  }

  /** Whether it holds at this moment. */
  holds(nowMs: number): boolean {
    if (nowMs <= this.#until) return true;
    if (!this.#lapsed) {
      this.#lapsed = true;
      // What has run out stays so, whatever an older moment might say.
      this.#until = -Infinity;
      this.#onLapse();
    }
    return false;
  }
}
