/**
 * What is printed instead of running the test: the load over time (`--show-shape`), or the share of
 * each user class (`--show-users-weight`).
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
 * Draws the load that the test would generate, instead of running it.
 *
 * @returns the exit code.
 * @throws UsageError if the shape returns an invalid load.
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

/** Prints the share of each user class instead of running it. */
export function showShares(host: Host, { mix }: Pick<RunSetup, "mix">): number {
  host.stdout.write(`${JSON.stringify(mix.shares(), null, 2)}\n`);
  return ExitCode.passed;
}

function shapeText(profile: LoadProfile, whole: Forecast, columns: number): string {
  const name = profile.shape === null ? "The load" : profile.shape.constructor.name;
  if (whole.seconds === 0) return `${name} ends immediately: there is no load.\n`;
  const settledAt = settlingSecond(whole);
  const drawn = whole.isOver ? whole : beginning(whole, settledAt);
  const { seconds, users, arrivalRates } = drawn;
  const charts = arrivalRates === null
    ? [chart("users", users, seconds, columns)]
    : [chart("iterations per second", arrivalRates, seconds, columns)];
  if (arrivalRates !== null && lastChange(users) > 0) {
    charts.push(chart("maximum users", users, seconds, columns));
  }
  const facts = arrivalRates === null
    ? [["Peak", peakUsers(users)]]
    : [["Peak", peakRate(arrivalRates)], ["Users", `at most ${formatExact(maxOf(users))}`]];
  facts.push(["Time", whole.isOver ? timeText(seconds) : endlessText(whole, drawn, settledAt)]);
  if (whole.isOver && whole.iterations !== null) {
    facts.push(["Iterations", iterationsText(profile, whole)]);
  }
  const width = Math.max(...facts.map(([fact]) => fact!.length)) + 1;
  const lines = facts.map(([fact, text]) => `${`${fact}:`.padEnd(width)} ${text}`);
  return [
    ...charts.map((chart) => `${name}, ${chart}\n`),
    ...[...lines, ...notesOn(profile, whole)].map((line) => folded(line, columns)),
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

/** The second from which on the load is constant. */
function settlingSecond({ users, arrivalRates }: Forecast): number {
  // Users are counted at the end of each second.
  return arrivalRates === null
    ? lastChange(users) + 1
    : Math.max(lastChange(users), lastChange(arrivalRates));
}

/** The index from which on all values are equal. */
function lastChange(values: readonly number[]): number {
  return values.findLastIndex((value) => value !== values.at(-1)) + 1;
}

/** The start of a load without an end: all of its changes, and some of the constant load after them. */
function beginning(whole: Forecast, settledAt: number): Forecast {
  const seconds = Math.min(whole.seconds, Math.max(MIN_SECONDS, 2 * settledAt));
  return {
    ...whole,
    seconds,
    users: whole.users.slice(0, seconds),
    arrivalRates: whole.arrivalRates?.slice(0, seconds) ?? null,
  };
}

/** Minimum to draw of a load without an end. */
const MIN_SECONDS = 60;

function peakUsers(users: readonly number[]): string {
  const peak = maxOf(users);
  return `${formatAmount(peak, "user")}, reached within ${formatDuration(users.indexOf(peak) + 1)}`;
}

function peakRate(rates: readonly number[]): string {
  const peak = maxOf(rates);
  const text = Number.isInteger(peak) ? formatExact(peak) : formatRate(peak);
  const second = rates.indexOf(peak);
  const since = second === 0 ? "the start" : formatDuration(second);
  return `${text} iterations per second, from ${since} on`;
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
    : `no end within ${looked}, where the chart is cut off`;
}

function iterationsText({ spacing, onBusy }: LoadProfile, { iterations }: Forecast): string {
  const count = formatExact(Math.round(iterations!));
  const about = spacing === "poisson" ? `about ${count}` : count;
  return onBusy === "drop" ? `${about}, minus dropped ones` : about;
}

function notesOn({ iterations }: LoadProfile, { steps }: Forecast): string[] {
  return [
    ...(steps === 0 ? [] : [
      `Drawn as if no threshold is crossed. The test ends at the first of its ${
        formatAmount(steps, "step")
      } that crosses one.`,
    ]),
    ...(iterations === null ? [] : [
      `It ends earlier after ${formatAmount(iterations, "iteration")}.`,
    ]),
  ];
}

function folded(line: string, columns: number): string {
  return `${wrap(line, columns).join("\n")}\n`;
}
