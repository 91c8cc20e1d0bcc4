import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { checkJunit, elementsOf, parseXml } from "../support/junit.ts";
import { type Finished, runAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";
import { Target } from "../support/target.ts";

const test = sideBySide("thresholds of runs", 2);

/** Searches take 20 ms each; after two seconds of the run, 500 ms. Every third order fails. */
const SHOP = `
import process from "node:process";
import { User } from "aiotest";
let orders = 0;
export class ShopTest extends User {
  static waitTime = 0.02;
  testSearch() {
    const latencyMs = this.run.runTime < 2 ? 20 : 500;
    this.record({ method: "GET", name: "search", latencyMs });
  }
}
export class OrderTest extends User {
  static waitTime = 0.02;
  static weight = process.env.ORDERS === undefined ? 0 : 1;
  testOrder() {
    const error = orders++ % 3 === 0 ? "HTTP 503" : null;
    this.record({ method: "POST", name: "order", latencyMs: 5, error });
  }
}
`;

interface Ended extends Finished {
  /** Null if none was written. */
  readonly summary: Summary | null;
  readonly junit: string | null;
}

interface Asked {
  readonly thresholds?: readonly string[];
  readonly args?: readonly string[];
  readonly orders?: boolean;
  /** Added to the test file. */
  readonly file?: string;
}

async function run(
  { thresholds = [], args = [], orders = false, file = "" }: Asked,
): Promise<Ended> {
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${cwd}/aiotestfile.ts`, SHOP + file);
    const load = args.includes("-t") ? [] : ["-t", "1.2"];
    const finished = await runAiotest([
      ...["-u", "4", "-r", "100", "--no-web", "--json", "out.json", "--junit", "out.xml"],
      ...load,
      ...args,
      ...thresholds.flatMap((expression) => ["--threshold", expression]),
    ], { cwd, env: orders ? { ORDERS: "1" } : {} });
    const json = await readIfThere(`${cwd}/out.json`);
    return {
      ...finished,
      summary: json === null ? null : JSON.parse(json),
      junit: await readIfThere(`${cwd}/out.xml`),
    };
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

async function readIfThere(path: string): Promise<string | null> {
  const text = await Deno.readTextFile(path).catch(() => "");
  return text === "" ? null : text;
}

function passed({ summary }: Ended): Record<string, boolean | null> {
  return Object.fromEntries(summary!.thresholds.map((row) => [row.expression, row.passed]));
}

test("a run whose thresholds hold passes, and its summary has the observed values", async () => {
  const ended = await run({
    thresholds: ["p95[GET search]<100ms", "error_rate<1%", "count[search]>=1", "rps>1"],
  });
  assert.equal(ended.code, 0, ended.stderr);
  const [p95, errorRate, count, rps] = ended.summary!.thresholds;
  assert.equal(ended.summary!.thresholds.length, 4);
  assert.deepEqual(p95, { expression: "p95[GET search]<100ms", observed: 20, passed: true });
  assert.deepEqual(errorRate, { expression: "error_rate<1%", observed: 0, passed: true });
  assert.equal(count!.observed, ended.summary!.totals.requests);
  assert.ok(Math.abs(rps!.observed! - ended.summary!.totals.rate) < 0.01);
  assert.match(ended.stdout, /PASSED .*all 4 thresholds held/);
});

test("a crossed threshold makes the exit code 3, and the last line names it", async () => {
  const ended = await run({ thresholds: ["p95<100ms", "max[search]<10ms"] });
  assert.equal(ended.code, 3);
  assert.equal(ended.summary!.exitCode, 3);
  assert.deepEqual(passed(ended), { "p95<100ms": true, "max[search]<10ms": false });
  assert.match(
    ended.stdout,
    /FAILED .*threshold crossed: max\[search\]<10ms \(20 ms\)\s+\(exit code\s+3\)/,
  );
});

test("failures exit with 1 if the thresholds hold, and with 3 if one is crossed", async () => {
  const [held, crossed] = await Promise.all([
    run({ orders: true, thresholds: ["error_rate<90%"] }),
    run({ orders: true, thresholds: ["error_rate[POST order]<10%"] }),
  ]);
  assert.ok(held.summary!.totals.failures > 0);
  assert.equal(held.code, 1, held.stdout);
  assert.equal(crossed.code, 3, crossed.stdout);
});

test("a threshold without measurements is crossed, and the message lists the known names", async () => {
  const ended = await run({ thresholds: ["p99[GET serach]<1s", "count[old]==0"] });
  assert.equal(ended.code, 3);
  assert.deepEqual(ended.summary!.thresholds, [
    { expression: "p99[GET serach]<1s", observed: null, passed: false },
    { expression: "count[old]==0", observed: 0, passed: true },
  ]);
  assert.deepEqual(ended.summary!.warnings, [
    "Threshold p99[GET serach]<1s: no request is named GET serach. The names are GET search.",
  ]);
});

test("--abort-on-threshold ends a run gracefully in the second that crosses a threshold", async () => {
  const ended = await run({
    thresholds: ["error_rate<1%", "max<400ms", "count>=1000000"],
    args: ["-t", "60", "--abort-on-threshold"],
  });
  assert.equal(ended.code, 3, ended.stderr);
  const { durationSeconds, warnings, thresholds, complete, totals } = ended.summary!;
  assert.ok(durationSeconds > 2 && durationSeconds < 8, String(durationSeconds));
  assert.match(
    warnings[0]!,
    /^The test was ended after [3-6] s, as max<400ms was crossed: 500 ms\.$/,
  );
  assert.ok(ended.stderr.includes(warnings[0]!));
  assert.deepEqual(thresholds[0], { expression: "max<400ms", observed: 500, passed: false });
  assert.equal(complete, true);
  assert.equal(totals.failures, 0);
});

test("without --abort-on-threshold, a run that crosses a threshold continues to its end", async () => {
  const ended = await run({ thresholds: ["max<400ms"], args: ["-t", "3.5"] });
  assert.equal(ended.code, 3);
  assert.ok(ended.summary!.durationSeconds >= 3.5);
  assert.deepEqual(ended.summary!.warnings, []);
});

const REFUSED: readonly [expression: string, said: RegExp][] = [
  ["p95<", /--threshold p95<: expected a value after <, as in p95<200ms/],
  ["speed<3", /--threshold speed<3: unknown metric speed\nMetrics are p50/],
  ["p95<5%", /--threshold p95<5%: 5% is not a valid value for p95; expected a time such as 200ms/],
  ["p95[GET x<1s", /--threshold p95\[GET x<1s: the \[ is never closed/],
  ["p95=1s", /--threshold p95=1s: = is not an operator; use one of < <= > >= == !=/],
  [" ", /--threshold " ": expected an expression like p95<200ms/],
];

for (const [expression, said] of REFUSED) {
  test(`"${expression}" is refused before the run starts`, async () => {
    const ended = await run({ thresholds: ["p95<1s", expression] });
    assert.equal(ended.code, 2, ended.stdout);
    assert.match(ended.stderr, said);
    assert.doesNotMatch(ended.stderr, /^\s+at /m);
    assert.equal(ended.summary, null);
    assert.equal(ended.stdout, "");
  });
}

test("a test file's thresholds are added to those of the command line", async () => {
  const file = 'export const thresholds = ["p95<100ms", "count[POST pay]>=1"];\n';
  const ended = await run({ thresholds: ["p95 < 0.1s", "rps>0"], file });
  assert.equal(ended.code, 3);
  assert.deepEqual(passed(ended), {
    "p95 < 0.1s": true,
    "rps>0": true,
    "count[POST pay]>=1": false,
  });
});

test("an invalid threshold of a test file is refused", async () => {
  const ended = await run({ file: 'export const thresholds = ["p95<soon"];\n' });
  assert.equal(ended.code, 2);
  assert.match(
    ended.stderr,
    /The test file's threshold p95<soon: soon is not a valid value for p95/,
  );
});

test("on two workers, thresholds apply to their common counts", async () => {
  const file = 'export const thresholds = ["count[search]>=1"];\n';
  const ended = await run({
    thresholds: ["p99[GET search]<100ms", "count<1"],
    args: ["-t", "1.5", "--processes", "2"],
    file,
  });
  assert.equal(ended.code, 3, ended.stderr);
  const { thresholds, totals, workers } = ended.summary!;
  assert.equal(workers.length, 2);
  assert.ok(workers.every(({ requests }) => requests > 0));
  assert.deepEqual(passed(ended), {
    "p99[GET search]<100ms": true,
    "count<1": false,
    "count[search]>=1": true,
  });
  assert.equal(thresholds[1]!.observed, totals.requests);
  // Only the master has a say in it.
  assert.equal(ended.stdout.match(/^FAILED/gm)!.length, 1);
});

test("on two workers, a threshold ends the run as well", async () => {
  const ended = await run({
    thresholds: ["max<400ms", "rps>=1"],
    args: ["-t", "60", "--processes", "2", "--abort-on-threshold"],
  });
  assert.equal(ended.code, 3, ended.stderr);
  const { durationSeconds, complete, warnings } = ended.summary!;
  assert.ok(durationSeconds > 2 && durationSeconds < 10, String(durationSeconds));
  assert.equal(complete, true);
  assert.match(
    warnings[0]!,
    /^The test was ended after [3-8] s, as max<400ms was crossed: 500 ms\./,
  );
});

test("--junit has a test for each threshold and each name, in the format of CI systems", async () => {
  const ended = await run({ orders: true, thresholds: ["p95<100ms", "error_rate<1%"] });
  assert.equal(ended.code, 3);
  const root = parseXml(ended.junit!);
  checkJunit(root);
  const outcomes = elementsOf(root, "testcase").map(({ attributes, children }) => [
    `${attributes.classname}: ${attributes.name}`,
    children.find(({ name }) => name === "failure" || name === "error")?.name ?? "passed",
  ]);
  assert.deepEqual(outcomes, [
    ["aiotest.thresholds: p95<100ms", "passed"],
    ["aiotest.thresholds: error_rate<1%", "failure"],
    ["aiotest.requests: POST order", "failure"],
    ["aiotest.requests: GET search", "passed"],
    ["aiotest.run: no user throws an error", "passed"],
    ["aiotest.run: all counts are in", "passed"],
  ]);
  const [failure] = elementsOf(root, "failure").slice(1);
  const { requests, failures } = ended.summary!.requests.find(({ name }) => name === "order")!;
  assert.ok(failure!.attributes.message!.startsWith(`${failures} of ${requests} requests failed`));
  assert.equal(failure!.text, `${failures} × HTTP 503`);
});

test("an unwritable JUnit file is an error before the run starts", async () => {
  const ended = await run({ args: ["--junit", "no/such/folder.xml"] });
  assert.equal(ended.code, 2);
  assert.match(ended.stderr, /--junit no\/such\/folder\.xml: cannot write the file/);
});

/** Each user that runs makes a search 10 ms slower; there are two more of them every two seconds. */
const STEPS = `
import { LoadUserShape, stepUntilItBreaks } from "aiotest";
export class StepTest extends User {
  static waitTime = 0.02;
  testStep() {
    this.record({ name: "step", latencyMs: 10 * this.run.userCount });
  }
}
export class TestShape extends LoadUserShape {
  static curve = stepUntilItBreaks({
    stepSeconds: 2,
    users: { from: 2, step: 2, to: 8 },
  });
}
`;

test("a breaking point is no failure, unless the first step breaks", async () => {
  const asked = (thresholds: string[]): Asked => ({ thresholds, file: STEPS, args: ["-t", "60"] });
  const [late, atOnce, mistyped] = await Promise.all([
    run(asked(["p50[step]<55ms"])),
    run(asked(["p50[step]<15ms"])),
    run(asked(["p50[stpe]<15ms"])),
  ]);
  assert.equal(late.code, 0, late.stdout + late.stderr);
  assert.deepEqual(late.summary!.breakingPoint, {
    className: null,
    passed: { users: 4, arrivalRate: null },
    broke: { users: 6, arrivalRate: null },
    threshold: "p50[step]<55ms",
  });
  assert.match(late.stdout, /PASSED .*4 users passed, 6 users crossed\s+p50\[step\]<55ms/);
  assert.equal(atOnce.code, 3, atOnce.stdout);
  assert.equal(atOnce.summary!.breakingPoint!.passed, null);
  assert.equal(mistyped.code, 3, mistyped.stdout);
  assert.equal(mistyped.summary!.breakingPoint!.broke, null);
});

test("quick supports thresholds", async () => {
  await using target = new Target({ "/": () => new Response("ok") });
  const quick = (...args: string[]): Promise<Finished> =>
    runAiotest(["quick", `${target.url}/`, "-n", "50", "-u", "2", ...args]);
  const held = await quick("--threshold", "count==50", "--threshold", "error_rate==0");
  assert.equal(held.code, 0, held.stdout);
  const crossed = await quick("--threshold", "count[GET /]>50");
  assert.equal(crossed.code, 3, crossed.stdout);
});
