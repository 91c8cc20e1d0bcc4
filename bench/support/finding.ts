/**
 * What a benchmark has measured, beside what it should be.
 *
 * @module
 */

/** One figure. */
export interface Finding {
  readonly what: string;
  /** As people read it, with its unit. */
  readonly measured: string;
  /** Null where the figure is there to be compared with others. */
  readonly goal: string | null;
  readonly met: boolean;
}

/** A finding that has a goal. */
export function finding(what: string, measured: string, goal: string, met: boolean): Finding {
  return { what, measured, goal, met };
}

/** A finding without a goal. */
export function note(what: string, measured: string): Finding {
  return { what, measured, goal: null, met: true };
}

/** A finding as a line of text. */
export function findingText({ what, measured, goal, met }: Finding): string {
  if (goal === null) return `      ${what}: ${measured}`;
  return `${met ? "PASS" : "MISS"}  ${what}: ${measured} (goal: ${goal})`;
}

/** Milliseconds as people read them. */
export function msText(ms: number): string {
  return `${ms.toFixed(ms < 100 ? 2 : 0)} ms`;
}

/** A share as people read it. */
export function percentText(share: number): string {
  return `${(share * 100).toFixed(share < 0.01 ? 3 : 1)} %`;
}
