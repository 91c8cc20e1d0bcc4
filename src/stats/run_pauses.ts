/**
 * The pauses of a run as reports know them.
 *
 * @module
 */

/** A time in which a run was paused, in seconds since its start. */
export interface RunPause {
  readonly from: number;
  /** `null` if it has not ended. */
  readonly to: number | null;
}

/** What is known about the pauses of a run. */
export interface PausedRun {
  readonly elapsedSeconds: number;
  readonly pauses: readonly RunPause[];
}

/** Whether a run is paused now. */
export function isPaused({ pauses }: Pick<PausedRun, "pauses">): boolean {
  return pauses.at(-1)?.to === null;
}

/** Seconds since the start of a run, without its pauses: how far its load is. */
export function loadSeconds({ elapsedSeconds, pauses }: PausedRun): number {
  return elapsedSeconds - secondsOfPauses(pauses, 0, elapsedSeconds);
}

/**
 * The seconds of a timeline that no pause touches. In the others, the users sent nothing, or less than the load
 * asked for.
 */
export function unpausedSeconds<Second extends { readonly second: number }>(
  timeline: readonly Second[],
  pauses: readonly RunPause[],
): readonly Second[] {
  if (pauses.length === 0) return timeline;
  return timeline.filter(({ second }) => secondsOfPauses(pauses, second, second + 1) === 0);
}

/** The seconds of pauses between two moments, in seconds since the start of the run. */
export function secondsOfPauses(pauses: readonly RunPause[], from: number, until: number): number {
  return pauses.reduce(
    (sum, pause) =>
      sum + Math.max(0, Math.min(pause.to ?? until, until) - Math.max(pause.from, from)),
    0,
  );
}
