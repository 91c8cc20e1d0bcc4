import type { ComparedRun } from "./compared_run.ts";
import { formatAmount, formatElapsed } from "./quantity.ts";
import { FEWEST_SECONDS } from "./second_noise.ts";

/** Runs of the same length never last equally long to the millisecond. */
const LIKE_DURATION = 0.1;

/** In how far two runs are not alike, a sentence each: such runs differ for that alone. */
export function unlikeness(a: ComparedRun, b: ComparedRun): string[] {
  const said: string[] = [];
  const [short, long] = [a, b].map((run) => run.durationSeconds).sort((one, two) => one - two);
  if (a.mode !== b.mode) said.push(`A was ${a.mode}, and B was ${b.mode}.`);
  if (a.users.peak !== b.users.peak) {
    said.push(
      `A had up to ${formatAmount(a.users.peak, "user")}, and B up to ${
        formatAmount(b.users.peak, "user")
      }.`,
    );
  }
  if (long! - short! > LIKE_DURATION * long!) {
    said.push(
      `A took ${formatElapsed(a.durationSeconds)}, and B ${formatElapsed(b.durationSeconds)}.`,
    );
  }
  if (short! < FEWEST_SECONDS) {
    said.push(
      `${
        formatElapsed(short!)
      } are too short to tell a difference from chance: ${FEWEST_SECONDS} seconds are needed, and 30 are better.`,
    );
  }
  for (const [label, run] of [["A", a], ["B", b]] as const) {
    if (!run.complete) said.push(`The counts of ${label} are incomplete.`);
  }
  return said;
}
