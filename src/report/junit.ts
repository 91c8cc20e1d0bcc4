/**
 * The JUnit report: a run as test results for CI systems.
 *
 * It uses the common subset of the schemas of Jenkins and Ant, and the output of single tests, which
 * Jenkins, GitLab and GitHub Actions read.
 *
 * @module
 */

import { TEARDOWN } from "../core/events.ts";
import { runEndFact } from "../stats/run_end.ts";
import {
  errorCounts,
  type FailureRow,
  figureName,
  type GroupRow,
  type LatencyFigure,
  type RequestRow,
  type Snapshot,
  type ThresholdRow,
  type UnansweredSummary,
} from "../stats/snapshot.ts";
import { failedThresholds, observedText } from "../stats/thresholds.ts";
import { groupLowerBounds, lowerBoundsOf } from "../stats/unanswered.ts";
import {
  formatAge,
  formatAmount,
  formatBound,
  formatBytes,
  formatLatency,
  formatRate,
  formatShare,
} from "./quantity.ts";
import { metricText } from "./report_tables.ts";
import { GOING_FACT, INTERRUPTED_FACT, unsentFact } from "./verdict.ts";

/**
 * The JUnit report of a run that has ended. It has a test for each threshold, one for each request
 * name, which fails if any of its requests failed or none was answered, one for each group, one for errors of
 * users, one for the completeness of the counts, and one about `run.fail` if the test has ended its run. Checks
 * and metrics are the output of one that always passes, because only thresholds judge them. If none of these
 * failed but the run did, as with an error in
 * a load shape, there is one more; and so there is if the run was interrupted, or is still going.
 *
 * @param exitCode that of the process; `null` if the run is still going.
 */
export function* junit(snapshot: Snapshot, exitCode: number | null = 0): Generator<string> {
  const tests = {
    thresholds: thresholdTests(snapshot),
    requests: requestTests(snapshot),
    groups: groupTests(snapshot),
    run: [
      userErrorTest(snapshot),
      countsTest(snapshot, exitCode),
      ...runEndTests(snapshot),
      ...stateTests(snapshot, exitCode),
      ...measuredTests(snapshot),
    ],
  };
  const isExplained = Object.values(tests).flat().some(({ problem }) =>
    problem !== null && problem.kind !== "skipped"
  );
  if (exitCode !== null && exitCode !== 0 && !isExplained) {
    tests.run.push(endTest(snapshot, exitCode));
  }
  const suites: Suite[] = Object.entries(tests).map(([name, tests]) => ({ name, tests }))
    .filter(({ tests }) => tests.length > 0);
  const all = counts(suites.flatMap(({ tests }) => tests));
  const { name, durationSeconds } = snapshot;
  const title = name === null ? "aiotest" : `aiotest: ${name}`;
  const attributes = { name: title, ...all, time: seconds(durationSeconds) };
  yield `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${attributeText(attributes)}>\n`;
  for (const suite of suites) for (const line of suiteLines(suite, snapshot)) yield `${line}\n`;
  yield "</testsuites>\n";
}

interface Suite {
  readonly name: string;
  readonly tests: readonly Test[];
}

interface Test {
  readonly name: string;
  /** In seconds. */
  readonly time: number;
  /** `null` if the test passed. */
  readonly problem: Problem | null;
  /** Additional information; may be empty. */
  readonly output: string;
}

interface Problem {
  /** A failure is a failed assertion; an error is any other problem. What was skipped is neither. */
  readonly kind: "failure" | "error" | "skipped";
  readonly type: string;
  readonly message: string;
  readonly details: string;
}

function thresholdTests(snapshot: Snapshot): Test[] {
  const failed = failedThresholds(snapshot);
  return snapshot.thresholds.map((row) => ({
    name: row.expression,
    time: 0,
    problem: row.passed === null ? NOT_JUDGED : failed.includes(row) ? crossing(row) : null,
    output: `observed: ${observedText(row)}`,
  }));
}

const NOT_JUDGED: Problem = {
  kind: "skipped",
  type: "threshold",
  message: "not judged: another threshold ended the run before there was a sample",
  details: "",
};

function crossing(row: ThresholdRow): Problem {
  const message = `observed: ${observedText(row)}`;
  return { kind: "failure", type: "threshold", message, details: `${row.expression} ${message}` };
}

function requestTests({ statistics: { requests, failures } }: Snapshot): Test[] {
  return requests.map((row) => ({
    name: `${row.method} ${row.name}`,
    // The mean latency of successes, so that CI systems can chart it over many builds.
    time: (row.latencyMs.mean ?? 0) / 1000,
    problem: row.failures > 0 ? failing(row, failures) : unanswered(row),
    output: requestOutput(row),
  }));
}

function failing(row: RequestRow, failures: readonly FailureRow[]): Problem {
  const own = failures.filter(({ method, name }) => method === row.method && name === row.name);
  const all = formatAmount(row.requests, "request");
  return {
    kind: "failure",
    type: own[0]?.error ?? "failure",
    message: `${row.failures} of ${all} failed (${formatShare(row.errorRate)})`,
    details: own.map(({ error, count }) => `${count} × ${error}`).join("\n"),
  };
}

/** A name whose requests were sent and never answered has failed. */
function unanswered({ requests, unfinished }: RequestRow): Problem | null {
  if (requests > 0 || unfinished.count === 0) return null;
  const message = `${formatAmount(unfinished.count, "request")} sent, none answered`;
  return { kind: "failure", type: "unfinished", message, details: unfinishedText(unfinished) };
}

function unfinishedText({ count, oldestMs }: UnansweredSummary): string {
  return `unfinished: ${count}${oldestMs === null ? "" : ` (after up to ${formatAge(oldestMs)})`}`;
}

function requestOutput(row: RequestRow): string {
  const lowerBounds = lowerBoundsOf(row);
  return [
    `requests: ${row.requests}`,
    `failures: ${row.failures} (${formatShare(row.errorRate)})`,
    unfinishedText(row.unfinished),
    `requests per second: ${formatRate(row.rate)}`,
    `bytes received: ${formatBytes(row.bytesReceived)}, sent: ${formatBytes(row.bytesSent)}`,
    "latency in ms:",
    ...LATENCIES.map((figure) => {
      const latency = formatLatency(row.latencyMs[figure]);
      return `  ${figureName(figure)} ${formatBound(latency, lowerBounds.includes(figure))}`;
    }),
    ...(row.failures === 0 ? [] : [
      "latency of failed requests in ms:",
      ...FAILURE_LATENCIES.map((figure) =>
        `  ${figureName(figure)} ${formatLatency(row.failureLatencyMs[figure])}`
      ),
    ]),
  ].join("\n");
}

function groupTests({ statistics: { groups } }: Snapshot): Test[] {
  return groups.map((row) => ({
    name: row.name,
    time: (row.durationMs.mean ?? 0) / 1000,
    problem: groupProblem(row),
    output: groupOutput(row),
  }));
}

function groupProblem({ count, failures, errorRate, unfinished }: GroupRow): Problem | null {
  if (failures > 0) {
    const message = `${failures} of ${formatAmount(count, "group")} failed (${
      formatShare(errorRate)
    })`;
    return { kind: "failure", type: "group", message, details: "" };
  }
  if (count > 0 || unfinished.count === 0) return null;
  const message = `${formatAmount(unfinished.count, "group")} started, none ended`;
  return { kind: "failure", type: "unfinished", message, details: unfinishedText(unfinished) };
}

function groupOutput(row: GroupRow): string {
  const lowerBounds = groupLowerBounds(row);
  return [
    `groups: ${row.count}`,
    `failures: ${row.failures} (${formatShare(row.errorRate)})`,
    unfinishedText(row.unfinished),
    "duration in ms:",
    ...LATENCIES.map((figure) => {
      const duration = formatLatency(row.durationMs[figure]);
      return `  ${figureName(figure)} ${formatBound(duration, lowerBounds.includes(figure))}`;
    }),
    `in requests: mean ${formatLatency(row.requestsMs.mean)} ms`,
  ].join("\n");
}

/** Checks and metrics, if there are any. */
function measuredTests({ statistics: { checks, metrics } }: Snapshot): Test[] {
  const lines = [
    ...checks.map(({ name, passed, failed, rate }) =>
      `check ${name}: ${formatShare(rate)} passed, ${passed} passed, ${failed} failed`
    ),
    ...metrics.map((row) => `${row.type} ${row.name}: ${metricText(row)}`),
  ];
  if (lines.length === 0) return [];
  const name = "checks and metrics, which only thresholds judge";
  return [{ name, time: 0, problem: null, output: lines.join("\n") }];
}

const LATENCIES: readonly LatencyFigure[] = [
  "min",
  "mean",
  "p50",
  "p75",
  "p90",
  "p95",
  "p99",
  "p999",
  "p9999",
  "max",
];

const FAILURE_LATENCIES: readonly LatencyFigure[] = ["p50", "p95", "max"];

function userErrorTest({ statistics }: Snapshot): Test {
  // What teardown throws does not make a run fail.
  const userErrors = statistics.userErrors.filter(({ user }) => user !== TEARDOWN);
  const { thrown, unsent } = errorCounts(userErrors);
  const problem: Problem | null = userErrors.length === 0 ? null : {
    kind: "error",
    type: thrown > 0 ? "user error" : "load generator error",
    message: [
      ...(thrown > 0 ? [`users threw ${formatAmount(thrown, "error")}`] : []),
      ...(unsent > 0 ? [unsentFact(unsent)] : []),
    ].join(", "),
    details: userErrors.map(({ user, error, place, count }) =>
      `${count} × ${user}: ${error}${place === null ? "" : ` (${place})`}`
    ).join("\n"),
  };
  return { name: "no user throws an error", time: 0, problem, output: "" };
}

/** A test that has failed if `run.fail` was called; none if the test did not end its run. */
function runEndTests({ runEnd }: Snapshot): Test[] {
  if (runEnd === null) return [];
  const fact = runEndFact(runEnd);
  const { kind, reason } = runEnd;
  const problem: Problem | null = kind === "stop"
    ? null
    : { kind: "failure", type: "run.fail", message: reason, details: fact };
  return [{ name: "the test does not call run.fail", time: 0, problem, output: fact }];
}

/** A test that has failed if the run has no end, and one that passes if a signal has ended it. */
function stateTests({ interrupted }: Snapshot, exitCode: number | null): Test[] {
  if (exitCode === null) {
    const problem: Problem = { kind: "error", type: "running", message: GOING_FACT, details: "" };
    return [{ name: "the run has ended", time: 0, problem, output: "" }];
  }
  const name = "the run was interrupted";
  return interrupted ? [{ name, time: 0, problem: null, output: INTERRUPTED_FACT }] : [];
}

function countsTest({ complete, warnings }: Snapshot, exitCode: number | null): Test {
  const problem: Problem | null = complete || exitCode === null ? null : {
    kind: "error",
    type: "incomplete",
    message: "some counts are missing",
    details: warnings.join("\n"),
  };
  return { name: "all counts are in", time: 0, problem, output: warnings.join("\n") };
}

function endTest({ warnings }: Snapshot, exitCode: number): Test {
  const problem: Problem = {
    kind: "error",
    type: "run",
    message: `the run failed with exit code ${exitCode}`,
    details: warnings.join("\n"),
  };
  return { name: "the run ends without an error", time: 0, problem, output: "" };
}

function* suiteLines({ name, tests }: Suite, snapshot: Snapshot): Generator<string> {
  const { runId, mode, startedAt, durationSeconds, users } = snapshot;
  const attributes = {
    name: `aiotest.${name}`,
    ...counts(tests),
    skipped: amountOf(tests, "skipped"),
    time: seconds(durationSeconds),
    // The strictest schema allows neither fractions nor a time zone.
    ...(startedAt === null ? {} : { timestamp: new Date(startedAt).toISOString().slice(0, 19) }),
  };
  const labels = Object.entries(snapshot.labels).map(([key, value]) => [`label.${key}`, value]);
  const properties: Readonly<Record<string, string>> = {
    runId,
    ...(snapshot.name === null ? {} : { name: snapshot.name }),
    ...Object.fromEntries(labels),
    mode,
    "users.peak": String(users.peak),
  };
  yield `  <testsuite${attributeText(attributes)}>`;
  yield "    <properties>";
  for (const [key, value] of Object.entries(properties)) {
    yield `      <property${attributeText({ name: key, value })}/>`;
  }
  yield "    </properties>";
  for (const test of tests) yield* testLines(test, `aiotest.${name}`);
  yield "  </testsuite>";
}

function testLines({ name, time, problem, output }: Test, classname: string): string[] {
  return [
    `    <testcase${attributeText({ name, classname, time: seconds(time) })}>`,
    ...(problem === null ? [] : [problemLine(problem)]),
    ...(output === "" ? [] : [`      <system-out>${xmlText(output)}</system-out>`]),
    "    </testcase>",
  ];
}

function problemLine({ kind, type, message, details }: Problem): string {
  // Only the message of what was skipped has a place in the strictest schema.
  if (kind === "skipped") return `      <skipped${attributeText({ message })}/>`;
  return `      <${kind}${attributeText({ message, type })}>${xmlText(details)}</${kind}>`;
}

function counts(tests: readonly Test[]): Record<"tests" | "failures" | "errors", string> {
  return {
    tests: String(tests.length),
    failures: amountOf(tests, "failure"),
    errors: amountOf(tests, "error"),
  };
}

function amountOf(tests: readonly Test[], kind: Problem["kind"]): string {
  return String(tests.filter(({ problem }) => problem?.kind === kind).length);
}

function attributeText(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes).map(([key, value]) => ` ${key}="${xmlAttribute(value)}"`).join(
    "",
  );
}

function seconds(value: number): string {
  return value.toFixed(3);
}

/**
 * Text for an element of XML 1.0. Markup is escaped, and characters that XML cannot represent are
 * written as in `\u001b`.
 */
export function xmlText(text: string): string {
  return text.replace(SPECIAL, (found) => ENTITIES.get(found) ?? codeOf(found));
}

/** Text for an attribute in double quotes, where line breaks would otherwise become spaces. */
export function xmlAttribute(text: string): string {
  return xmlText(text).replace(/[\t\n]/g, (blank) => blank === "\t" ? "&#9;" : "&#10;");
}

/** Markup, characters that XML does not allow, control characters, and lone surrogates. */
const SPECIAL =
  // deno-lint-ignore no-control-regex -- it is about control characters
  /[&<>"'\r]|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]|\p{Surrogate}/gu;

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&apos;"],
  ["\r", "&#13;"],
]);

function codeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
