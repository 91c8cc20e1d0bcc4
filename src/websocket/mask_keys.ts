/**
 * The masks of frames.
 *
 * @module
 */

/** How many masks are made at once, because asking the system for each would take longer than all the rest. */
const BATCH = 1024;

/** Unpredictable masks, as RFC 6455 requires (section 5.3). All users of a node share them. */
export class MaskKeys {
  readonly #keys = new Uint32Array(BATCH);
  #used = BATCH;

  /** A mask of 32 bits. */
  next(): number {
    if (this.#used === BATCH) {
      crypto.getRandomValues(this.#keys);
      this.#used = 0;
    }
    return this.#keys[this.#used++]!;
  }
}
