/**
 * What is printed instead of running the test: the load over time (`--show-shape`), or the share of
 * each user class (`--show-users-weight`).
 *
 * @module
 */

import { formatDuration } from "../core/duration.ts";
import { ExitCode } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { listed } from "../core/text.ts";
import { type Forecast, forecast } from "../load/forecast.ts";
import { type LoadPart, sharedPart } from "../load/load_parts.ts";
import type { LoadProfile } from "../load/load_profile.ts";
import { formatAmount, formatElapsed, formatExact, formatRate } from "../report/quantity.ts";
import { shapeChart } from "../report/shape_chart.ts";
import { wrap } from "../report/terminal.ts";
import type { RunSetup } from "./run_setup.ts";

/**
 * Draws the load that the test would generate, instead of running it: that of each class with a load of its
 * own, the one that all other classes share, and the sum.
 *
 * @returns the exit code.
 * @throws UsageError if the shape returns an invalid load.
 */
export function showShape(
  host: Host,
  { parts, classes, warnings }: Pick<RunSetup, "parts" | "warnings"> & {
    readonly classes: readonly { readonly name: string }[];
  },
): number {
  const { columns } = host.stdout;
  const drawings = parts.map((part) => drawingOf(part, parts.length > 1 ? classes : []));
  // Charts of several loads have one time axis, so that they can be compared.
  const seconds = Math.max(...drawings.map(({ drawn }) => drawn.seconds));
  const texts = drawings.map((drawing) => drawingText(drawing, seconds, columns));
  if (drawings.length > 1) texts.push(sumText(drawings, seconds, columns));
  const notes = warnings.map((warning) => `${wrap(warning, columns).join("\n")}\n`);
  host.stdout.write([texts.join("\n"), ...notes].join(""));
  return ExitCode.passed;
}

/** Prints the share of each user class instead of running it. */
export function showShares(host: Host, { parts, classes }: Pick<RunSetup, "parts"> & {
  readonly classes: readonly { readonly name: string }[];
}): number {
  const shared = sharedPart(parts);
  const shares = shared?.mix.shares() ?? [];
  const rows = classes.map(({ name }, index) =>
    shared?.classes.includes(index)
      ? { ...shares[index]!, ownLoad: false }
      : { name, share: null, fixedCount: null, ownLoad: true }
  );
  host.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  return ExitCode.passed;
}

/** A load, and what is drawn of it. */
interface Drawing {
  readonly title: string;
  readonly profile: LoadProfile;
  /** As far as it was followed. */
  readonly whole: Forecast;
  /** The part that shows all changes. */
  readonly drawn: Forecast;
  readonly settledAt: number;
  /** Whether there are other loads. */
  readonly isPart: boolean;
}

/** @param classes all classes if there are several loads, otherwise none. */
function drawingOf(
  { ownClass, profile, mix, classes: indices }: LoadPart,
  classes: readonly { readonly name: string }[],
): Drawing {
  const whole = forecast(profile, mix.limit);
  const settledAt = settlingSecond(whole);
  const shared = profile.shape === null ? "The load" : profile.shape.constructor.name;
  const isPart = classes.length > 0;
  const names = isPart ? indices.map((index) => classes[index]!.name) : [];
  return {
    title: ownClass ?? (isPart ? `${shared} of ${shortList(names)}` : shared),
    profile,
    whole,
    drawn: whole.isOver ? whole : beginning(whole, settledAt),
    settledAt,
    isPart,
  };
}

function shortList(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN;
  return listed(more > 1 ? [...names.slice(0, NAMES_SHOWN), `${more} more`] : names);
}

/** Names in one title. */
const NAMES_SHOWN = 3;

function drawingText(drawing: Drawing, seconds: number, columns: number): string {
  const { title, profile, whole, drawn, settledAt } = drawing;
  if (whole.seconds === 0) return `${title} ends immediately: there is no load.\n`;
  const { users, arrivalRates } = drawn;
  const facts = arrivalRates === null
    ? [["Peak", peakUsers(users)]]
    : [["Peak", peakRate(arrivalRates)], ["Users", `at most ${formatExact(maxOf(users))}`]];
  facts.push([
    "Time",
    whole.isOver ? timeText(drawn.seconds) : endlessText(whole, drawn, settledAt),
  ]);
  if (whole.isOver && whole.iterations !== null) {
    facts.push(["Iterations", iterationsText(profile, whole.iterations)]);
  }
  return [
    ...chartsOf(title, drawing, seconds, columns),
    ...[...factLines(facts), ...notesOn(drawing)].map((line) => folded(line, columns)),
  ].join("");
}

function factLines(facts: readonly string[][]): string[] {
  const width = Math.max(...facts.map(([fact]) => fact!.length)) + 1;
  return facts.map(([fact, text]) => `${`${fact}:`.padEnd(width)} ${text}`);
}

function chartsOf(title: string, drawing: Drawing, seconds: number, columns: number): string[] {
  const { users, arrivalRates } = drawing.drawn;
  const own = valuesOf(drawing, seconds);
  const charts = own.arrivalRates === null
    ? [chart("users", own.users, seconds, columns)]
    : [chart("iterations per second", own.arrivalRates, seconds, columns)];
  if (arrivalRates !== null && lastChange(users) > 0) {
    charts.push(chart("maximum users", own.users, seconds, columns));
  }
  return charts.map((text) => `${title}, ${text}\n`);
}

/** The values of a load for some seconds: none after its end. */
function valuesOf(
  { whole }: Drawing,
  seconds: number,
): { readonly users: readonly number[]; readonly arrivalRates: readonly number[] | null } {
  const length = Math.ceil(seconds);
  const filled = (values: readonly number[]): number[] => [
    ...values.slice(0, length),
    ...Array<number>(Math.max(0, length - values.length)).fill(0),
  ];
  const { users, arrivalRates } = whole;
  return {
    users: filled(users),
    arrivalRates: arrivalRates === null ? null : filled(arrivalRates),
  };
}

/** The sum of all loads: users of the closed model, and iterations of the open model. */
function sumText(drawings: readonly Drawing[], seconds: number, columns: number): string {
  const closed = drawings.filter(({ whole }) => whole.arrivalRates === null && whole.seconds > 0);
  const open = drawings.filter(({ whole }) => whole.arrivalRates !== null);
  const users = sumOf(closed.map((one) => valuesOf(one, seconds).users));
  const rates = sumOf(open.map((one) => valuesOf(one, seconds).arrivalRates!));
  const charts = [
    ...(closed.length > 1 ? [chart("users", users, seconds, columns)] : []),
    ...(open.length > 1 ? [chart("iterations per second", rates, seconds, columns)] : []),
  ];
  const isOver = drawings.every(({ whole }) => whole.isOver);
  const facts: string[][] = [];
  if (closed.length > 0) facts.push(["Users", `at most ${peakUsers(users)}`]);
  if (open.length > 0) {
    const most = open.reduce((sum, { whole }) => sum + maxOf(whole.users), 0);
    facts.push(["Arrivals", `${peakRate(rates)}, for at most ${formatAmount(most, "user")}`]);
  }
  facts.push(["Time", isOver ? timeText(seconds) : "until all loads have ended"]);
  if (open.length > 0 && open.every(({ whole }) => whole.isOver)) {
    const iterations = open.reduce((sum, { whole }) => sum + whole.iterations!, 0);
    facts.push(["Iterations", iterationsText(open[0]!.profile, iterations)]);
  }
  const titles = charts.map((text) => `All classes, ${text}\n`);
  return [
    ...(titles.length === 0 ? ["All classes\n"] : titles),
    ...factLines(facts).map((line) => folded(line, columns)),
  ].join("");
}

function sumOf(lists: readonly (readonly number[])[]): readonly number[] {
  const [first = [], ...others] = lists;
  return others.reduce((sum, one) => sum.map((value, index) => value + one[index]!), first);
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

function iterationsText({ spacing, onBusy }: LoadProfile, iterations: number): string {
  const count = formatExact(Math.round(iterations));
  const about = spacing === "poisson" ? `about ${count}` : count;
  return onBusy === "drop" ? `${about}, minus dropped ones` : about;
}

function notesOn({ profile: { iterations }, whole: { steps }, isPart }: Drawing): string[] {
  const what = isPart ? "This load" : "The test";
  return [
    ...(steps === 0 ? [] : [
      `Drawn as if no threshold is crossed. ${what} ends at the first of its ${
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
