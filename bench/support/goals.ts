/**
 * Compares figures with the goals of a scenario.
 *
 * @module
 */

import { deviationText, failureText, type Row, textTable } from "./comparison.ts";
import type { Goal, Scenario } from "./scenario.ts";

/** A goal, beside the figure that was measured. */
export interface Verdict {
  readonly scenario: string;
  readonly contender: string;
  readonly what: string;
  /** Formatted. */
  readonly measured: string;
  readonly goal: string;
  readonly met: boolean;
}

/**
 * Little's law holds for the mean, whatever the distribution. What is missing is time that users spent
 * between their requests.
 */
const MEAN_LIMIT = 0.05;

/** The median of evenly served users is near the mean. */
const P50_LIMIT = 0.1;

/** Judges the goals whose contenders have run. */
export function judge({ name, goals }: Scenario, rows: readonly Row[]): Verdict[] {
  return goals.flatMap((goal) => {
    const row = rows.find(({ name }) => name === goal.contender);
    if (row === undefined) return [];
    const found = [
      ...comparedVerdicts(goal, row, rows),
      ...fairnessVerdicts(goal, row),
      ...memoryVerdicts(goal, row),
      ...latencyVerdicts(goal, row),
      ...failureVerdicts(goal, row),
    ];
    return found.map((verdict) => ({ scenario: name, contender: goal.contender, ...verdict }));
  });
}

type Judged = Omit<Verdict, "scenario" | "contender">;

function comparedVerdicts({ rate, cost }: Goal, row: Row, rows: readonly Row[]): Judged[] {
  const judged: Judged[] = [];
  const rival = rows.find(({ name }) => name === rate?.of);
  if (rate !== undefined && rival !== undefined) {
    const share = row.rate / rival.rate;
    judged.push({
      what: `share of ${rate.of}'s rate`,
      measured: share.toFixed(3),
      goal: `≥ ${rate.share.toFixed(2)}`,
      met: share >= rate.share,
    });
  }
  const cheaper = rows.find(({ name }) => name === cost?.of);
  if (cost !== undefined && cheaper !== undefined) {
    const times = row.cpuMicroseconds / cheaper.cpuMicroseconds;
    judged.push({
      what: `processor time, times that of ${cost.of}`,
      measured: times.toFixed(2),
      goal: `≤ ${cost.times.toFixed(2)}`,
      met: times <= cost.times,
    });
  }
  return judged;
}

function fairnessVerdicts({ fairness: goal }: Goal, { fairness }: Row): Judged[] {
  if (goal === undefined || fairness === null) return [];
  return [{
    what: "fairness, p10 / p90 of users",
    measured: fairness.toFixed(2),
    goal: `≥ ${goal.toFixed(2)}`,
    met: fairness >= goal,
  }];
}

function memoryVerdicts({ megabytes: goal }: Goal, { peakBytes }: Row): Judged[] {
  if (goal === undefined) return [];
  const megabytes = peakBytes / 1e6;
  return [{
    what: "resident memory",
    measured: `${megabytes.toFixed(0)} MB`,
    goal: `≤ ${goal} MB`,
    met: megabytes <= goal,
  }];
}

function latencyVerdicts({ latency }: Goal, { meanDeviation, p50Deviation }: Row): Judged[] {
  if (latency === undefined) return [];
  const compare = (what: string, deviation: number | null, limit: number): Judged[] =>
    deviation === null ? [] : [{
      what,
      measured: deviationText(deviation),
      goal: `within ${limit * 100} %`,
      met: Math.abs(deviation) <= limit,
    }];
  return [
    ...compare("mean latency against users ÷ rate", meanDeviation, MEAN_LIMIT),
    ...compare("p50 against users ÷ rate", p50Deviation, P50_LIMIT),
  ];
}

function failureVerdicts({ failures: goal }: Goal, { failures }: Row): Judged[] {
  if (goal === undefined) return [];
  const count = Object.values(failures).reduce((sum, one) => sum + one, 0);
  return [{
    what: "failed requests",
    measured: failureText(failures),
    goal: `≤ ${goal}`,
    met: count <= goal,
  }];
}

const GOAL_HEAD = ["scenario", "contender", "", "measured", "goal", ""];

/** Formats verdicts as a table. */
export function goalTable(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map(({ scenario, contender, what, measured, goal, met }) => [
    ...[scenario, contender, what, measured, goal],
    met ? "met" : "MISSED",
  ]);
  return textTable([GOAL_HEAD, ...lines], GOAL_HEAD.length);
}
