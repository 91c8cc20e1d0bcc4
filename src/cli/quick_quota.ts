/** Counts down the requests of a run that sends a fixed number of them. */
export class RequestQuota {
  /** Resolves when the last request is over, whether it failed or not. */
  readonly done: Promise<void>;
  readonly #markDone: () => void;
  #unsent: number;
  #pending: number;

  /** @param requests 1 or more; Infinity: they never run out. */
  constructor(requests: number) {
    this.#unsent = this.#pending = requests;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.#markDone = resolve;
  }

  /** Whether one more may be sent; whoever was told so calls {@link settle} when it is over. */
  take(): boolean {
    if (this.#unsent === 0) return false;
    this.#unsent--;
    return true;
  }

  /** A request is over, and has been counted. */
  settle(): void {
    this.#pending--;
    if (this.#pending === 0) this.#markDone();
  }
}
