/**
 * A worker's permission to generate load for a limited time.
 *
 * @module
 */

/**
 * The permission to generate load until a given time. A worker that loses its connection must stop by
 * itself before its users move to another worker; otherwise the target would get their load twice.
 *
 * A lease has no clock: callers pass the time, in milliseconds on a clock that never goes back. An
 * expired lease stays expired until it is granted again.
 */
export class Lease {
  readonly #onLapse: () => void;
  #until = -Infinity;
  #lapsed = true;

  /**
   * Creates a lease that is not granted yet.
   *
   * @param onLapse is called once each time the lease expires.
   */
  constructor(onLapse: () => void) {
    this.#onLapse = onLapse;
  }

  /** A lease that never expires, for a node without a master. */
  static endless(): Lease {
    const lease = new Lease(() => {});
    lease.grant(Infinity);
    return lease;
  }

  /** Grants the lease, also after it has expired. */
  grant(untilMs: number): void {
    this.#until = untilMs;
    this.#lapsed = false;
  }

  /** Extends the lease, never shortens it; returns `false` without an effect if it has expired. */
  renew(untilMs: number, nowMs: number): boolean {
    if (!this.holds(nowMs)) return false;
    this.#until = Math.max(this.#until, untilMs);
    return true;
  }

  /** Whether the lease is valid at this time. */
  holds(nowMs: number): boolean {
    if (nowMs <= this.#until) return true;
    if (!this.#lapsed) {
      this.#lapsed = true;
      // It stays expired, even if a later call passes an earlier time.
      this.#until = -Infinity;
      this.#onLapse();
    }
    return false;
  }
}
