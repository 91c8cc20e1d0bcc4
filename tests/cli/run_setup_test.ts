import assert from "node:assert/strict";
import {
  checkBreakable,
  ignoredFlags,
  type RequestedLoad,
  type RunSetup,
  setUpRun,
} from "../../src/cli/run_setup.ts";
import { readTestFile } from "../../src/cli/test_file.ts";
import { UsageError } from "../../src/core/errors.ts";
import { DEFAULT_CONNECTIONS } from "../../src/http/shared_http_state.ts";
import type { Curve } from "../../src/load/curve.ts";
import { delayed, hold, ramp, stepUntilItBreaks } from "../../src/load/curves.ts";
import { LoadUserShape, type ShapeClass } from "../../src/load/load_user_shape.ts";
import { weight } from "../../src/user/discovery.ts";
import { User, type UserClass } from "../../src/user/user.ts";
import { between, constant, constantPacing, type WaitTime } from "../../src/user/wait_time.ts";
import { parse } from "../support/command_line.ts";

class ShopTest extends User {
  testShop(): void {}
}

async function setUp(
  thresholds: unknown,
  ...args: readonly string[]
): Promise<RunSetup> {
  const exports = { ShopTest, ...(thresholds === undefined ? {} : { thresholds }) };
  return setUpRun(readTestFile(exports), await parse({ args }), DEFAULT_CONNECTIONS);
}

async function refused(thresholds: unknown, ...args: readonly string[]): Promise<UsageError> {
  try {
    await setUp(thresholds, ...args);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error;
  }
  throw new Error("it was accepted");
}

Deno.test("thresholds of the command line and of the test file are combined without duplicates", async () => {
  const both = await setUp(
    ["error_rate<1%", "p95 < 0.2s"],
    "--threshold",
    "p95<200ms",
    "--threshold",
    "rps>=10",
  );
  assert.deepEqual(both.thresholds.expressions, ["p95<200ms", "rps>=10", "error_rate<1%"]);
  assert.deepEqual((await setUp(undefined)).thresholds.expressions, []);
});

Deno.test("an invalid threshold is reported with its source", async () => {
  const flag = await refused(undefined, "--threshold", "p95<fast");
  assert.equal(
    flag.message,
    "--threshold p95<fast: fast is not a valid value for p95; expected a time such as 200ms, 0.5s, 800us or 1m",
  );
  const file = await refused(["p95<1s", "speed>3"]);
  assert.equal(file.message, "The test file's threshold speed>3: unknown metric speed");
  const unknown = await refused(["p95{class=ShopTset}<1s"]);
  assert.equal(
    unknown.message,
    "Threshold p95{class=ShopTset}<1s: no user class of this run is named ShopTset",
  );
  assert.equal(unknown.hint, "The only class is ShopTest.");
  assert.match(file.hint, /error_rate/);
});

Deno.test("thresholds of a test file must be a list of strings and rules", async () => {
  const refusals: [thresholds: unknown, text: string][] = [
    ["p95<1s", "'p95<1s'; expected a list"],
    [{}, "{}; expected a list"],
    [[3], "3; expected strings and objects"],
    [[{}], "{}; expected threshold to be a string like p95<200ms"],
    [
      [{ threshold: "p95<1s", abort: 1 }],
      "{ threshold: 'p95<1s', abort: 1 }; expected abort to be true or false",
    ],
    [
      [{ threshold: "p95<1s", after: true }],
      "{ threshold: 'p95<1s', after: true }; expected after to be seconds, or a text like 10s",
    ],
    [
      [{ threshold: "p95<1s", abortOnFail: true }],
      "{ threshold: 'p95<1s', abortOnFail: true }; " +
      "expected abort instead of abortOnFail: threshold, abort and after",
    ],
  ];
  for (const [value, text] of refusals) {
    const { message, hint } = await refused(value);
    assert.equal(message, `Invalid thresholds in the test file: ${text}`);
    assert.match(hint, /export const thresholds = \["p95<200ms"/);
  }
});

class TestBreak extends LoadUserShape {
  static override curve = stepUntilItBreaks({
    users: { from: 10, step: 10, to: 50 },
    stepSeconds: 5,
  });
}

class TestStages extends LoadUserShape {
  static override stages = [{ duration: 10, users: 5, rate: 1 }];
}

async function shaped(shape: ShapeClass, ...args: string[]): Promise<RunSetup> {
  const exports = { ShopTest, [shape.name]: shape };
  return setUpRun(readTestFile(exports), await parse({ args }), DEFAULT_CONNECTIONS);
}

Deno.test("a shape with a breaking point needs a threshold", async () => {
  const setup = await shaped(TestBreak);
  assert.throws(() => checkBreakable(setup), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(
      error.message,
      "The shape TestBreak increases the load until a threshold is crossed, but there is none",
    );
    assert.match(error.hint, /--threshold 'p95<200ms'/);
    return true;
  });
  checkBreakable(await shaped(TestBreak, "--threshold", "p95<200ms"));
});

Deno.test("loads without a breaking point need no threshold", async () => {
  checkBreakable(await shaped(TestStages));
  checkBreakable(await setUp(undefined, "--arrival-rate", "5"));
});

Deno.test("the load profile comes from the command line", async () => {
  const { parts, warnings } = await setUp(
    undefined,
    ...["-u", "7", "-r", "2.5", "-t", "1m", "--iterations", "40", "--arrival-rate", "0.5"],
    ...["--max-users", "9", "--arrivals", "poisson", "--on-busy", "drop"],
  );
  assert.deepEqual(parts[0]!.profile, {
    load: { arrivalRate: 0.5, maxUsers: 9 },
    runTime: 60,
    stopTimeout: 2,
    shape: null,
    spacing: "poisson",
    onBusy: "drop",
    iterations: 40,
  });
  assert.deepEqual(warnings, [
    "--users, --rate are ignored: with --arrival-rate, users are started as needed.",
  ]);
  assert.deepEqual((await setUp(undefined)).parts[0]!.profile.load, { users: 1, rate: 1 });
});

Deno.test("options that a shape overrides are ignored with a warning", async () => {
  const one = await shaped(TestStages, "--arrival-rate", "5");
  assert.deepEqual(one.warnings, [
    "--arrival-rate is ignored: the shape TestStages determines the load.",
  ]);
  const two = await shaped(TestStages, "-u", "5", "--max-users", "5");
  assert.deepEqual(two.warnings, [
    "--users, --max-users are ignored: the shape TestStages determines the load.",
  ]);
});

class BuyerTest extends User {
  static override load: Curve | null = ramp({ seconds: 60, arrivalRate: { from: 0, to: 50 } });
  testBuy(): void {}
}

class ClerkTest extends User {
  static override load: Curve | null = delayed(30, hold({ seconds: 30, users: 2 }));
  static override waitTime: WaitTime = 50;
  testClerk(): void {}
}

async function warningsFor(
  exports: Readonly<Record<string, unknown>>,
  ...args: string[]
): Promise<readonly string[]> {
  const options = await parse({ args });
  return setUpRun(readTestFile(exports), options, DEFAULT_CONNECTIONS).warnings;
}

Deno.test("options that no class follows are warned of", async () => {
  const all = { BuyerTest, TestStages };
  assert.deepEqual(await warningsFor(all, "-u", "5", "-t", "90", "--iterations", "9"), [
    "The shape TestStages has no effect: every user class has a load of its own.",
    "--users, --iterations are ignored: every user class has a load of its own.",
  ]);
  assert.deepEqual(
    await warningsFor({ BuyerTest }, "--arrivals", "poisson", "--max-users", "5"),
    ["--max-users is ignored: every user class has a load of its own."],
  );
  class CalmTest extends ClerkTest {
    static override waitTime = 1;
  }
  assert.deepEqual(await warningsFor({ CalmTest }, "--arrivals", "poisson", "--on-busy", "drop"), [
    "--arrivals, --on-busy are ignored: no load is an arrival rate.",
  ]);
});

Deno.test("options apply to classes without a load, and some of them to all", async () => {
  const some = { BuyerTest, ShopTest };
  assert.deepEqual(await warningsFor(some, "-u", "5", "--arrivals", "poisson", "-t", "9"), []);
  assert.deepEqual(await warningsFor(some, "--max-users", "5", "--iterations", "9"), [
    "--max-users is ignored: there is no --arrival-rate.",
    "--iterations does not limit BuyerTest: loads of classes have their own end.",
  ]);
  assert.deepEqual(await warningsFor({ ...some, TestStages }, "-u", "5", "-t", "9"), [
    "--users is ignored: the shape TestStages determines the load.",
  ]);
});

Deno.test("waits are compared with the load of their class", async () => {
  class SlowTest extends ClerkTest {
    static override waitTime = 70;
  }
  assert.deepEqual(await warningsFor({ SlowTest, ShopTest }, "-t", "1h"), [
    "SlowTest.waitTime is longer than its load: 70 s of 60 s. Waits are in seconds.",
  ]);
});

Deno.test("--user-classes leaves out the other classes and their loads", async () => {
  const options = await parse({ args: ["--user-classes", "ShopTest"] });
  const setup = setUpRun(readTestFile({ BuyerTest, ShopTest }), options, DEFAULT_CONNECTIONS);
  assert.deepEqual(setup.classes.map(({ name }) => name), ["ShopTest"]);
  assert.deepEqual(setup.parts.map(({ ownClass }) => ownClass), [null]);
});

function warnings(requested: Partial<RequestedLoad>): string[] {
  return ignoredFlags({
    given: new Set(),
    arrivalRate: null,
    abortOnThreshold: false,
    canAbort: false,
    shape: null,
    thresholds: [],
    ownLoads: { classes: [], isAll: false, hasArrivals: false },
    ...requested,
  });
}

Deno.test("a shape overrides options of the load", () => {
  assert.deepEqual(warnings({ shape: "TestShape", given: new Set(["users", "maxUsers"]) }), [
    "--users, --max-users are ignored: the shape TestShape determines the load.",
  ]);
  assert.deepEqual(warnings({ shape: "TestShape", given: new Set(["onBusy", "arrivals"]) }), []);
});

Deno.test("options of the closed model are ignored with --arrival-rate", () => {
  assert.deepEqual(warnings({ arrivalRate: 5, given: new Set(["users", "arrivalRate"]) }), [
    "--users is ignored: with --arrival-rate, users are started as needed.",
  ]);
  assert.deepEqual(warnings({ arrivalRate: 5, given: new Set(["maxUsers", "onBusy"]) }), []);
});

Deno.test("options of the open model are ignored without --arrival-rate", () => {
  assert.deepEqual(warnings({ given: new Set(["maxUsers", "arrivals", "onBusy", "users"]) }), [
    "--max-users, --arrivals, --on-busy are ignored: there is no --arrival-rate.",
  ]);
});

Deno.test("--abort-on-threshold without a threshold is ignored with a warning", () => {
  const warning = "--abort-on-threshold is ignored: there is no threshold.";
  assert.deepEqual(warnings({ abortOnThreshold: true }), [warning]);
  assert.deepEqual(warnings({ abortOnThreshold: true, thresholds: ["p95<1s"] }), []);
  assert.deepEqual(warnings({ given: new Set(["abortAfter"]), thresholds: ["p95<1s"] }), [
    "--abort-after is ignored: no threshold ends the run.",
  ]);
  assert.deepEqual(warnings({ given: new Set(["abortAfter"]), canAbort: true }), []);
});

const WAITS: [waitTime: UserClass["waitTime"], warns: boolean][] = [
  [3_600_000, true],
  [constant(3_600_000), true],
  [constantPacing(11), true],
  [10, false],
  [Infinity, false],
  [between(0, 3_600_000), false],
  [() => 3_600_000, false],
];

for (const [waitTime, warns] of WAITS) {
  Deno.test(`a wait that is longer than the run is warned of: ${waitTime}`, async () => {
    class LongTest extends User {
      static override waitTime = waitTime;
      testLong(): void {}
    }
    const testFile = readTestFile({ LongTest });
    const setUp = async (...args: string[]): Promise<readonly string[]> =>
      setUpRun(testFile, await parse({ args }), DEFAULT_CONNECTIONS).warnings;
    const warnings = await setUp("-t", "10s");
    assert.equal(warnings.length, warns ? 1 : 0);
    if (warns) {
      assert.match(
        warnings[0]!,
        /^LongTest\.waitTime is longer than the run: \d+ s of 10 s\. Waits are in seconds\.$/,
      );
    }
    assert.deepEqual(await setUp(), []);
  });
}

Deno.test("a run that is too short for all users to start is warned of", async () => {
  const warningsOf = async (...args: string[]): Promise<readonly string[]> =>
    (await setUp(undefined, ...args)).warnings;
  assert.deepEqual(await warningsOf("-u", "100", "-t", "3s"), [
    "Only 3 of 100 users start within 3 s: at --rate 1, the last one starts after 99 s.",
  ]);
  assert.deepEqual(await warningsOf("-u", "100", "-r", "30", "-t", "3s"), [
    "Only 90 of 100 users start within 3 s: at --rate 30, the last one starts after 4 s.",
  ]);
  for (
    const args of [
      ["-u", "100", "-r", "34", "-t", "3s"],
      ["-u", "3", "-t", "3s"],
      ["-u", "1", "-t", "1s", "-r", "0.001"],
      ["-u", "100"],
      ["-u", "100", "-t", "3s", "--iterations", "1000"],
      ["--arrival-rate", "5", "--max-users", "100", "-t", "3s"],
    ]
  ) assert.deepEqual(await warningsOf(...args), [], args.join(" "));
  class PairTest extends ShopTest {
    static override fixedCount = 2;
  }
  class OwnTest extends ShopTest {
    static override load = ramp({ seconds: 10, users: { from: 0, to: 3 } });
  }
  const options = await parse({ args: ["-u", "100", "-t", "3s"] });
  for (const exported of [{ PairTest }, { ShapeTest: RampShapeTest, ShopTest }, { OwnTest }]) {
    const { warnings } = setUpRun(readTestFile(exported), options, DEFAULT_CONNECTIONS);
    assert.ok(!warnings.some((text) => text.startsWith("Only")), warnings.join("\n"));
  }
});

class MainTest extends ShopTest {
  static override weight = 8;
}
class PayTest extends ShopTest {}
class AdminTest extends ShopTest {}
class RampShapeTest extends LoadUserShape {
  static override curve = ramp({ seconds: 10, users: { from: 0, to: 3 } });
}
class ArrivalShapeTest extends LoadUserShape {
  static override curve = ramp({ seconds: 10, arrivalRate: { from: 0, to: 0.4 } });
}
class TickShapeTest extends LoadUserShape {
  override tick(): [number, number] {
    throw new Error("is not to be called");
  }
}

const NO_USER =
  "PayTest and AdminTest get no user: 3 users are divided by weight and fixed count. " +
  "From 8 users on, each class has one.";

async function warningsOf(
  exports: Record<string, unknown>,
  ...args: readonly string[]
): Promise<readonly string[]> {
  const all = { MainTest, PayTest, AdminTest, ...exports };
  return setUpRun(readTestFile(all), await parse({ args }), DEFAULT_CONNECTIONS).warnings;
}

Deno.test("classes that get no user are named, and how many users it takes", async () => {
  assert.deepEqual(await warningsOf({}, "-u", "3"), [NO_USER]);
  assert.deepEqual(await warningsOf({ RampShapeTest }), [NO_USER]);
  assert.deepEqual(await warningsOf({}, "-u", "8"), []);
  assert.deepEqual(await warningsOf({ TickShapeTest }), []);
});

Deno.test("a class that fixed counts leave no user is named", async () => {
  class FixedTest extends ShopTest {
    static override fixedCount = 3;
  }
  const [warning] = await warningsOf({ FixedTest }, "-u", "3");
  assert.match(warning!, /^MainTest, PayTest and AdminTest get no user: 3 users are divided/);
  assert.match(warning!, /From 11 users on, each class has one\.$/);
});

Deno.test("classes that get no iteration of the open model are named", async () => {
  const warning = (count: number, where = ""): string =>
    `PayTest and AdminTest get no iteration: the test starts about ${count}${where}, which are ` +
    "divided by weight.";
  assert.deepEqual(await warningsOf({}, "--arrival-rate", "1", "-t", "2"), [warning(2)]);
  assert.deepEqual(await warningsOf({ ArrivalShapeTest }), [warning(2)]);
  assert.deepEqual(
    await warningsOf({}, "--arrival-rate", "1", "-t", "8", "--processes", "4"),
    [warning(2, " on each worker")],
  );
  assert.deepEqual(
    await warningsOf({}, "--arrival-rate", "9", "-t", "9", "--iterations", "2"),
    [warning(2)],
  );
  assert.deepEqual(await warningsOf({}, "--arrival-rate", "10", "-t", "2"), []);
  assert.deepEqual(await warningsOf({}, "--arrival-rate", "1"), []);
});

Deno.test("fewer users than classes in the open model are warned of", async () => {
  const warning = (users: string, most: number): string =>
    `Only ${users}, but there are 3 user classes: a class without a user starts none of its ` +
    `iterations. Allow ${most} users or more with --max-users, or with maxUsers of the shape.`;
  const open = ["--arrival-rate", "10"];
  for (const end of [[], ["-t", "9"]]) {
    const args = [...open, ...end, "--max-users"];
    assert.deepEqual(await warningsOf({}, ...args, "2"), [warning("2 users may be busy", 3)]);
    assert.deepEqual(await warningsOf({}, ...args, "3"), []);
    assert.deepEqual(
      await warningsOf({}, ...args, "5", "--processes", "4"),
      [warning("1 user may be busy on a worker", 12)],
    );
    assert.deepEqual(await warningsOf({}, ...args, "12", "--processes", "4"), []);
  }
});

Deno.test("tests in random order that are expected less than once are named", async () => {
  class RandomTest extends User {
    static override order = "random" as const;
    testA(): void {}
    testB(): void {}
    @weight(8)
    testC(): void {}
  }
  const warned = async (iterations: string): Promise<readonly string[]> => {
    const options = await parse({ args: ["--iterations", iterations] });
    return setUpRun(readTestFile({ RandomTest }), options, DEFAULT_CONNECTIONS).warnings;
  };
  assert.deepEqual(await warned("9"), [
    "RandomTest runs one test per iteration, by weight: with --iterations 9, " +
    "testA and testB may never run.",
  ]);
  assert.deepEqual(await warned("10"), []);
});

Deno.test("fewer iterations than users leave some of them none", async () => {
  assert.deepEqual(await warningsOf({}, "-u", "20", "--iterations", "5"), [
    "--iterations 5 is less than 20 users: some of them run no iteration.",
  ]);
});
