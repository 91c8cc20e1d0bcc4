/**
 * Measured figures and their goals.
 *
 * @module
 */

/** One figure. */
export interface Finding {
  readonly what: string;
  /** Formatted, with its unit. */
  readonly measured: string;
  /** `null` if the figure has no goal. */
  readonly goal: string | null;
  readonly met: boolean;
}

/** A figure with a goal. */
export function finding(what: string, measured: string, goal: string, met: boolean): Finding {
  return { what, measured, goal, met };
}

/** A figure without a goal. */
export function note(what: string, measured: string): Finding {
  return { what, measured, goal: null, met: true };
}

/** Formats a finding as a line. */
export function findingText({ what, measured, goal, met }: Finding): string {
  if (goal === null) return `      ${what}: ${measured}`;
  return `${met ? "PASS" : "MISS"}  ${what}: ${measured} (goal: ${goal})`;
}

/** Formats milliseconds. */
export function msText(ms: number): string {
  return `${ms.toFixed(ms < 100 ? 2 : 0)} ms`;
}

/** Formats a share. */
export function percentText(share: number): string {
  return `${(share * 100).toFixed(share < 0.01 ? 3 : 1)} %`;
}
