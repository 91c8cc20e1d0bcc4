/**
 * `aiotest check`: makes all checks of a run before its first request, and lists what the run would do.
 *
 * @module
 */

import { relative } from "node:path";
import { formatDuration } from "../../core/duration.ts";
import { ExitCode } from "../../core/errors.ts";
import { events } from "../../core/events.ts";
import type { Host } from "../../core/host.ts";
import { hideCredentials, listed, sanitizeTerminal } from "../../core/text.ts";
import { forecast } from "../../load/forecast.ts";
import { isArrivals } from "../../load/load.ts";
import type { LoadPart } from "../../load/load_parts.ts";
import type { LoadProfile } from "../../load/load_profile.ts";
import { formatAmount } from "../../report/quantity.ts";
import { wrap } from "../../report/terminal.ts";
import type { LoadedFeeder } from "../../shared/feeders.ts";
import type { DiscoveredClass, TestMethod } from "../../user/discovery.ts";
import type { UserClass } from "../../user/user.ts";
import { fixedSeconds } from "../../user/wait_time.ts";
import { loadClassFiles } from "../class_files.ts";
import { checkLocalAddresses, checkProxies, connectionOptions } from "../connection_options.ts";
import type { CommandLine, Options } from "../options.ts";
import { roleOf } from "../role.ts";
import { openLog, RunSession } from "../run_session.ts";
import { checkBreakable, type RunSetup, setUpRun } from "../run_setup.ts";
import { loadFeeders } from "../shared_services.ts";
import { dataFiles } from "../test_bundle.ts";
import { importTestFile, isTestFile, readTestFile, type TestFile } from "../test_file.ts";

/**
 * Checks the test file and the options; resolves with the exit code. Handlers of `initCommandLineParser`
 * and `init` are called; `setup` and handlers of `testStart` are not, because they prepare the target.
 *
 * @throws UsageError if a run could not start.
 */
export async function runCheck(host: Host, commandLine: CommandLine): Promise<number> {
  const known = commandLine.known();
  if (!await isTestFile(host, known.aiotestfile)) commandLine.parse();
  await openLog(host, known);
  const exports = await importTestFile(host, known.aiotestfile, known.importTimeout);
  await events.prepare("initCommandLineParser", { parser: commandLine.parser });
  const options = commandLine.parse();
  roleOf(options, { cores: host.cores, freshToken: "" });
  const session = new RunSession(host, options);
  try {
    await session.open(exports);
    await session.init("local");
    const testFile = readTestFile(exports);
    const connections = await connectionOptions(host, options);
    const setup = setUpRun(testFile, options, connections);
    checkBreakable(setup);
    checkLocalAddresses(host, setup.classes, setup.connections);
    checkProxies(host, setup.classes, options.host);
    const feeders = await loadFeeders(host, options.aiotestfile);
    const files = [
      ...await dataFiles(host, options.aiotestfile, exports),
      ...await loadClassFiles(host, options.aiotestfile, setup.classes),
    ];
    const loads = loadTexts(setup);
    const lines = [
      `${options.aiotestfile} can run.`,
      "",
      ...setup.classes.flatMap((one) => classLines(one, options)),
      "",
      ...rows([
        ...loads.map((load, index): [string, string] => [index === 0 ? "Load" : "", load]),
        ["Thresholds", thresholdTexts(setup, options).join(", ")],
        ["Options", commandLine.testFileFlags().join(", ")],
        ["Feeders", feeders.map(feederText).join(", ")],
        ["Files", files.map((path) => relative(host.cwd, path)).join(", ")],
        ["Events", events.handled.join(", ")],
        ["Functions", functionNames(testFile).join(", ")],
      ]),
      ...[...setup.warnings, ...hostless(setup, options)].flatMap((
        text,
      ) => ["", ...wrap(`! ${text}`, host.stdout.columns)]),
    ];
    host.stdout.write(`${lines.map(sanitizeTerminal).join("\n")}\n`);
    return ExitCode.passed;
  } finally {
    session.close();
  }
}

/** The thresholds, with when they end the run. */
function thresholdTexts({ thresholds }: RunSetup, options: Options): string[] {
  return thresholds.expressions.map((expression) => {
    const from = thresholds.endsRunFrom(expression, options);
    if (from === null) return expression;
    return `${expression} (ends the run${from === 0 ? "" : ` from ${from} s on`})`;
  });
}

/** The functions that a run calls once. */
function functionNames({ functions: { setup, teardown } }: TestFile): string[] {
  return [...(setup === null ? [] : ["setup"]), ...(teardown === null ? [] : ["teardown"])];
}

function feederText({ name, rows }: LoadedFeeder): string {
  return `${name} (${formatAmount(rows.length, "row")})`;
}

/** A class and its tests, a line each. */
function classLines({ name, userClass, tests }: DiscoveredClass, options: Options): string[] {
  const { iterations, waitTime, order } = userClass;
  const seconds = fixedSeconds(waitTime);
  const host = options.host ?? userClass.host;
  const facts = [
    shareText(userClass),
    host === "" ? "no host" : hideCredentials(host),
    seconds === null ? "waits as a function says" : `waits ${seconds} s`,
    order === "sequential" ? "" : order,
    iterations > 0 ? formatAmount(iterations, "iteration") : "",
  ].filter((fact) => fact !== "");
  return [`${name}: ${facts.join(", ")}`, ...tests.map((test) => testLine(test, order))];
}

function shareText({ load, weight, fixedCount }: UserClass): string {
  if (load !== null) return "its own load";
  return fixedCount > 0 ? formatAmount(fixedCount, "user") : `weight ${weight}`;
}

/** The HTTP classes without a host, in a sentence. */
function hostless({ classes }: RunSetup, options: Options): string[] {
  const names = classes
    .filter(({ userClass }) =>
      (options.host ?? userClass.host) === "" && "maxRedirects" in userClass
    )
    .map(({ name }) => name);
  if (names.length === 0) return [];
  return [
    `${listed(names)} ${
      names.length === 1 ? "has" : "have"
    } no host: requests with relative URLs ` +
    "need one. Give it with -H, or write static override host.",
  ];
}

function testLine({ name, weight, tags }: TestMethod, order: string): string {
  const facts = [
    order === "random" ? `weight ${weight}` : "",
    tags.length > 0 ? `tags ${tags.join(", ")}` : "",
  ].filter((fact) => fact !== "");
  return `  ${name}${facts.length === 0 ? "" : `: ${facts.join(", ")}`}`;
}

/**
 * The loads in words. Shapes are followed to their ends, which uses them up.
 *
 * @throws UsageError if a shape returns an invalid load.
 */
function loadTexts({ parts, classes }: RunSetup): string[] {
  return parts.map((part) => {
    const names = part.classes.map((index) => classes[index]!.name);
    const isNamed = part.ownClass === null && parts.length > 1;
    return `${isNamed ? `${listed(names)}: ` : ""}${loadText(part)}`;
  });
}

function loadText({ profile, mix }: LoadPart): string {
  const { load, shape, runTime } = profile;
  if (shape === null) {
    const amount = isArrivals(load)
      ? `${load.arrivalRate} iterations per second`
      : `${formatAmount(load.users, "user")}, ${load.rate} started per second`;
    return `${amount}, ${runTime === null ? "no end" : formatDuration(runTime)}`;
  }
  return `${shape.constructor.name}: ${shapeText(profile, mix.limit)}`;
}

function shapeText(profile: LoadProfile, limit: number): string {
  const { users, arrivalRates, seconds, isOver } = forecast(profile, limit);
  const peak = (values: readonly number[]): number =>
    values.reduce((most, value) => Math.max(most, value), 0);
  const amount = arrivalRates === null
    ? `at most ${formatAmount(peak(users), "user")}`
    : `at most ${peak(arrivalRates)} iterations per second`;
  return `${amount}, ${isOver ? formatDuration(Math.ceil(seconds)) : "no end"}`;
}

/** Facts under each other; those without a text are left out. One about nothing continues the fact before. */
function rows(facts: readonly (readonly [what: string, text: string])[]): string[] {
  return facts.filter(([, text]) => text !== "").map(([what, text]) =>
    `${(what === "" ? "" : `${what}:`).padEnd(12)}${text}`
  );
}
