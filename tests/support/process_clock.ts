import type { Clock, Timer } from "../../src/core/clock.ts";
import type { ByteStream, StreamListener } from "../../src/core/network.ts";

/**
 * The clock of a process that can be killed or suspended. None of its timers fires from then on, or until
 * it is continued; then those that are due fire first, as in a real process.
 */
export class ProcessClock implements Clock {
  readonly #clock: Clock;
  #isDead = false;
  /** Resolves when the process is continued; `null` while it runs. */
  #suspended: PromiseWithResolvers<void> | null = null;
  readonly #due: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the process as `kill -9` does. */
  kill(): void {
    this.#isDead = true;
  }

  /** Suspends the process as SIGSTOP does. */
  suspend(): void {
    this.#suspended ??= Promise.withResolvers();
  }

  /** Lets the process run again, as SIGCONT does. */
  continue(): void {
    const suspended = this.#suspended;
    this.#suspended = null;
    for (const callback of this.#due.splice(0)) callback();
    suspended?.resolve();
  }

  /** Resolves when the process runs. */
  running(): Promise<void> {
    if (this.#isDead) return new Promise(() => {});
    return this.#suspended?.promise ?? Promise.resolve();
  }

  /** A stream whose bytes the process gets only while it runs. */
  stream(stream: ByteStream): ByteStream {
    return {
      read: async (into) => {
        const count = await stream.read(into);
        // Not a promise more than a process that cannot be suspended would need.
        if (this.#suspended !== null) await this.running();
        return count;
      },
      write: (bytes) => stream.write(bytes),
      close: () => stream.close(),
    };
  }

  /** A listener that accepts connections only while the process runs. */
  listener(listener: StreamListener): StreamListener {
    return {
      port: listener.port,
      accept: async () => {
        const accepted = await listener.accept();
        if (this.#suspended !== null) await this.running();
        if (accepted === null) return null;
        return { ...accepted, stream: this.stream(accepted.stream) };
      },
      close: () => listener.close(),
    };
  }

  now(): number {
    return this.#clock.now();
  }

  wallTime(): number {
    return this.#clock.wallTime();
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const timer: ProcessTimer = { isCleared: false, inner: {} };
    const fire = (): void => {
      if (timer.isCleared || this.#isDead) return;
      if (this.#suspended === null) callback();
      else this.#due.push(fire);
    };
    timer.inner = this.#clock.setTimer(fire, delayMs);
    return timer;
  }

  clearTimer(timer: Timer): void {
    const own = timer as ProcessTimer;
    own.isCleared = true;
    this.#clock.clearTimer(own.inner);
  }

  async nextTurn(): Promise<void> {
    if (this.#isDead) await new Promise(() => {});
    await this.#clock.nextTurn();
    if (this.#suspended !== null) await this.running();
  }
}

interface ProcessTimer {
  isCleared: boolean;
  inner: Timer;
}
