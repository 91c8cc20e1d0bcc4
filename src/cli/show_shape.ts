/**
 * `--show-shape`: the load over time as text, before anything is sent.
 *
 * @module
 */

import { formatDuration } from "../core/duration.ts";
import { ExitCode } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { type Forecast, forecast } from "../load/forecast.ts";
import type { LoadProfile } from "../load/load_profile.ts";
import { formatAmount, formatElapsed, formatExact, formatRate } from "../report/quantity.ts";
import { shapeChart } from "../report/shape_chart.ts";
import { wrap } from "../report/terminal.ts";
import type { RunSetup } from "./run_setup.ts";

/**
 * Draws what a test would do, instead of doing it.
 *
 * @returns the exit code.
 * @throws UsageError where the shape gives something that is no load.
 */
export function showShape(
  host: Host,
  { profile, mix, warnings }: Pick<RunSetup, "profile" | "mix" | "warnings">,
): number {
  const text = shapeText(profile, forecast(profile, mix.limit), host.stdout.columns);
  const notes = warnings.map((warning) => `${wrap(warning, host.stdout.columns).join("\n")}\n`);
  host.stdout.write([text, ...notes].join(""));
  return ExitCode.passed;
}

function shapeText(plan: LoadProfile, whole: Forecast, columns: number): string {
  const name = plan.shape === null ? "The load" : plan.shape.constructor.name;
  if (whole.seconds === 0) return `${name} ends at once: there is no load.\n`;
  const settledAt = settlingSecond(whole);
  const drawn = whole.isOver ? whole : beginning(whole, settledAt);
  const { seconds, users, arrivalRates } = drawn;
  const charts = arrivalRates === null
    ? [chart("users", users, seconds, columns)]
    : [chart("passes a second", arrivalRates, seconds, columns)];
  if (arrivalRates !== null && lastChange(users) > 0) {
    charts.push(chart("the most users", users, seconds, columns));
  }
  const facts = arrivalRates === null
    ? [["Peak", peakUsers(users)]]
    : [["Peak", peakRate(arrivalRates)], ["Users", `at most ${formatExact(maxOf(users))}`]];
  facts.push(["Time", whole.isOver ? timeText(seconds) : endlessText(whole, drawn, settledAt)]);
  if (whole.isOver && whole.iterations !== null) {
    facts.push(["Passes", iterationsText(plan, whole)]);
  }
  const lines = facts.map(([fact, text]) => `${`${fact}:`.padEnd(7)} ${text}`);
  return [
    ...charts.map((chart) => `${name}, ${chart}\n`),
    ...[...lines, ...notesOn(plan, whole)].map((line) => folded(line, columns)),
  ].join("");
}

function chart(
  what: string,
  values: readonly number[],
  seconds: number,
  columns: number,
): string {
  return `${what} over time\n\n${shapeChart({ values, seconds }, columns)}\n`;
}

/** Seconds after which nothing changes any more. */
function settlingSecond({ users, arrivalRates }: Forecast): number {
  // Users are those at the end of each second.
  return arrivalRates === null
    ? lastChange(users) + 1
    : Math.max(lastChange(users), lastChange(arrivalRates));
}

/** The index from which on all values are alike. */
function lastChange(values: readonly number[]): number {
  return values.findLastIndex((value) => value !== values.at(-1)) + 1;
}

/** So much of a load without an end that all of its changes are seen, and what it is like after them. */
function beginning(whole: Forecast, settledAt: number): Forecast {
  const seconds = Math.min(whole.seconds, Math.max(LEAST_SECONDS, 2 * settledAt));
  return {
    ...whole,
    seconds,
    users: whole.users.slice(0, seconds),
    arrivalRates: whole.arrivalRates?.slice(0, seconds) ?? null,
  };
}

/** Drawn of a load that has no end. */
const LEAST_SECONDS = 60;

function peakUsers(users: readonly number[]): string {
  const peak = maxOf(users);
  return `${formatAmount(peak, "user")}, reached within ${formatDuration(users.indexOf(peak) + 1)}`;
}

function peakRate(rates: readonly number[]): string {
  const peak = maxOf(rates);
  const text = Number.isInteger(peak) ? formatExact(peak) : formatRate(peak);
  const second = rates.indexOf(peak);
  const since = second === 0 ? "the start" : formatDuration(second);
  return `${text} passes a second, from ${since} on`;
}

function maxOf(values: readonly number[]): number {
  return values.reduce((max, value) => Math.max(max, value), 0);
}

function timeText(seconds: number): string {
  return Number.isInteger(seconds) ? formatDuration(seconds) : formatElapsed(seconds);
}

function endlessText(whole: Forecast, drawn: Forecast, settledAt: number): string {
  const looked = formatDuration(whole.seconds);
  const change = settledAt === 0 ? "no change" : `no change after ${formatDuration(settledAt)}`;
  return drawn.seconds < whole.seconds
    ? `no end within ${looked}, and ${change}`
    : `no end within ${looked}, where the drawing is cut off`;
}

function iterationsText({ spacing, onBusy }: LoadProfile, { iterations }: Forecast): string {
  const count = formatExact(Math.round(iterations!));
  const about = spacing === "poisson" ? `about ${count}` : count;
  return onBusy === "drop" ? `${about}, less those that are dropped` : about;
}

function notesOn({ iterations }: LoadProfile, { steps }: Forecast): string[] {
  return [
    ...(steps === 0 ? [] : [
      `Drawn as if nothing breaks: of its ${formatAmount(steps, "step")}, the one that crosses a ` +
      "threshold is the last.",
    ]),
    ...(iterations === null ? [] : [
      `It ends earlier once ${formatAmount(iterations, "pass", "passes")} are through.`,
    ]),
  ];
}

function folded(line: string, columns: number): string {
  return `${wrap(line, columns).join("\n")}\n`;
}
