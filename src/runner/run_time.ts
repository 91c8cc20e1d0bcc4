import type { Clock } from "../core/clock.ts";

/**
 * How long a run has lasted.
 */
export class RunTime {
  readonly #clock: Clock;
  /** On the clock; null before the beginning, and before the end. */
  #beganAt: number | null = null;
  #endedAt: number | null = null;
  #endedAtWall: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get begun(): boolean {
    return this.#beganAt !== null;
  }

  /** Seconds since the beginning, until the end; 0 before it began. */
  get elapsedSeconds(): number {
    if (this.#beganAt === null) return 0;
    return ((this.#endedAt ?? this.#clock.now()) - this.#beganAt) / 1000;
  }

  /** Milliseconds since 1970; null before the end. */
  get endedAt(): number | null {
    return this.#endedAtWall;
  }

  /** It begins, or has begun so many seconds ago elsewhere. */
  begin(elapsedSeconds = 0): void {
    this.#beganAt = this.#clock.now() - elapsedSeconds * 1000;
  }

  /** It has lasted for so long at least. */
  atLeast(elapsedSeconds: number): void {
    if (elapsedSeconds > this.elapsedSeconds) this.begin(elapsedSeconds);
  }

  /** What has not begun has no end. */
  end(): void {
    if (!this.begun) return;
    this.#endedAt = this.#clock.now();
    this.#endedAtWall = this.#clock.wallTime();
  }
}
