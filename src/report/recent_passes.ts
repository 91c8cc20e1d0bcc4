import type { Snapshot } from "../stats/snapshot.ts";

/**
 * How many passes begin a second, of late. A snapshot knows only how many have begun in all, so this
 * keeps what the snapshots of the last two seconds said.
 *
 * ```ts
 * import { RecentPasses } from "./recent_passes.ts";
 * import assert from "node:assert/strict";
 *
 * const passes = new RecentPasses();
 * const at = (elapsedSeconds: number, started: number) => passes.note({
 *   elapsedSeconds, statistics: { iterations: { started } },
 * });
 * at(1, 100);
 * assert.equal(passes.startRate, null);
 * at(3, 500);
 * assert.equal(passes.startRate, 200);
 * ```
 */
export class RecentPasses {
  #moments: Moment[] = [];

  /** Passes that have begun a second, over the last two; null where it is too early to say. */
  get startRate(): number | null {
    const [first] = this.#moments;
    const last = this.#moments.at(-1);
    if (first === undefined || last === undefined || last.seconds <= first.seconds) return null;
    return (last.started - first.started) / (last.seconds - first.seconds);
  }

  /** Takes note of a snapshot; each is to be later than the one before. */
  note({ elapsedSeconds, statistics: { iterations } }: PassMoment): void {
    const now = { seconds: elapsedSeconds, started: iterations?.started ?? 0 };
    const before = this.#moments.at(-1);
    // The counts of a run can begin again, and so can its time.
    const again = before !== undefined &&
      (now.started < before.started || now.seconds < before.seconds);
    if (again) this.#moments = [];
    this.#moments = [
      ...this.#moments.filter(({ seconds }) => seconds >= now.seconds - WINDOW_SECONDS),
      now,
    ];
  }
}

/** What of a snapshot is looked at. */
export interface PassMoment extends Pick<Snapshot, "elapsedSeconds"> {
  readonly statistics: {
    readonly iterations: Pick<NonNullable<Snapshot["statistics"]["iterations"]>, "started"> | null;
  };
}

interface Moment {
  readonly seconds: number;
  readonly started: number;
}

/** A little more than two seconds, as snapshots come a little late at times. */
const WINDOW_SECONDS = 2.5;
