import assert from "node:assert/strict";
import { Lease } from "../../src/core/lease.ts";
import { UserEnd } from "../../src/core/user_lifetime.ts";
import { IterationSlot } from "../../src/user/iteration_slot.ts";
import { User } from "../../src/user/user.ts";
import { type TestContext, testContext } from "../support/users.ts";

Deno.test("a measurement without a lease never settles, runs nothing, and is not counted", async () => {
  const lease = new Lease(() => {});
  lease.grant(1_000);
  const { clock, context, recorded } = testContext({ lease });
  const user = new User({ ...context, signal: new AbortController().signal });
  let runs = 0;
  assert.equal(await user.measure("in time", () => ++runs), 1);
  await clock.advance(1_001);
  let settled = false;
  void user.measure("too late", () => ++runs).finally(() => settled = true).catch(() => {});
  await clock.advance(100_000);
  assert.deepEqual([settled, runs], [false, 1]);
  assert.deepEqual(recorded.samples.map(({ name }) => name), ["in time"]);
});

Deno.test("a measurement that is pending when the lease expires is counted", async () => {
  const lease = new Lease(() => {});
  lease.grant(1_000);
  const { clock, context, recorded } = testContext({ lease });
  const user = new User({ ...context, signal: new AbortController().signal });
  await user.measure("long", () => clock.advance(5_000));
  assert.deepEqual(recorded.samples.map(({ name, latencyMs }) => [name, latencyMs]), [
    ["long", 5_000],
  ]);
});

/** The slot of a user whose iteration was due at this time and has just started. */
async function slotOf(
  { clock }: Pick<TestContext, "clock">,
  dueAt: number,
): Promise<IterationSlot> {
  const slot = new IterationSlot({
    scheduled: true,
    next: () => dueAt,
    cancel: () => {},
    began: () => {},
    ended: () => {},
    interrupted: () => {},
    declined: () => {},
  }, 0);
  await slot.begin(clock, () => false);
  return slot;
}

Deno.test("the first measurement of a late iteration starts when it was due, also if it fails", async () => {
  for (const fails of [false, true]) {
    const { clock, context, recorded } = testContext();
    await clock.advance(1_000);
    const iterationSlot = await slotOf({ clock }, 300);
    const user = new User({ ...context, iterationSlot, signal: new AbortController().signal });
    const step = async (): Promise<void> => {
      await clock.advance(50);
      if (fails) throw new Error("no");
    };
    await user.measure("first", step).catch(() => {});
    await user.measure("second", step).catch(() => {});
    user.record({ name: "elsewhere", latencyMs: 7 });
    assert.deepEqual(recorded.samples.map(({ name, latencyMs }) => [name, latencyMs]), [
      ["first", 750],
      ["second", 50],
      ["elsewhere", 7],
    ]);
  }
});

Deno.test("a step for which this machine lacks a resource is neither a request nor a failure", async () => {
  const { context, recorded } = testContext();
  const user = new User({ ...context, signal: new AbortController().signal });
  const error = Object.assign(new Error("too many"), { code: "EMFILE" });
  await assert.rejects(user.measure("query", () => Promise.reject(error)), error);
  user.record({ name: "elsewhere", latencyMs: 7, error });
  assert.deepEqual(recorded.samples, []);
  assert.deepEqual(recorded.userErrors.map(({ user }) => user), [
    "(load generator)",
    "(load generator)",
  ]);
  assert.equal(context.recorder.isCounted(error), true);
});

Deno.test("a user sleeps for days, or until it must stop", async () => {
  const { clock, context } = testContext();
  const abort = new AbortController();
  const user = new User({ ...context, signal: abort.signal });
  const done: string[] = [];
  void user.sleep(30 * 86_400).then(() => done.push("30 days"));
  void user.sleep(Infinity).catch((reason) => done.push(String(reason)));
  await clock.advance(29 * 86_400_000);
  assert.deepEqual(done, []);
  await clock.advance(86_400_000);
  assert.deepEqual(done, ["30 days"]);
  abort.abort("stopped");
  await clock.advance(0);
  assert.deepEqual(done, ["30 days", "stopped"]);
  assert.equal(clock.pending, 0);
});

for (
  const [seconds, text] of [[NaN, "NaN"], [-1, "-1"], ["5", "'5'"], [Symbol("s"), "Symbol(s)"]]
) {
  Deno.test(`sleep(${String(text)}) is an error`, async () => {
    const { context } = testContext();
    const user = new User({ ...context, signal: new AbortController().signal });
    await assert.rejects(user.sleep(seconds as number), {
      name: "RangeError",
      message: `sleep: ${String(text)}, expected 0 or more seconds`,
    });
  });
}

/** Values that are not strings, and the text that they become. */
const NAMES: [value: unknown, text: string][] = [
  [17, "17"],
  [5n, "5"],
  [null, "null"],
  [undefined, "undefined"],
  [Symbol("s"), "Symbol(s)"],
  [{ id: 5 }, "{ id: 5 }"],
  [Object.create(null), "[Object: null prototype] {}"],
];

for (const [value, text] of NAMES) {
  Deno.test(`a name of a measurement becomes a string: ${text}`, async () => {
    const { context, recorded } = testContext();
    const user = new User({ ...context, signal: new AbortController().signal });
    const name = value as string;
    await user.measure(name, () => {}, { method: value as string });
    user.record({ name, method: value as string, latencyMs: 1, error: value });
    const [measured, seen] = recorded.samples;
    assert.deepEqual([measured!.name, seen!.name], [text, text]);
    // A kind that is missing is TASK.
    assert.equal(measured!.method, value === null || value === undefined ? "TASK" : text);
    assert.equal(seen!.error, value === null || value === undefined ? null : text);
  });
}

Deno.test("without a name or a method, a step has names that cannot be taken for the row of all", async () => {
  const { context, recorded } = testContext();
  const user = new User({ ...context, signal: new AbortController().signal });
  await user.measure("", () => {}, { method: "" });
  user.record({ name: "", method: "", latencyMs: 1 });
  assert.deepEqual(recorded.samples.map(({ method, name }) => [method, name]), [
    ["TASK", "(no name)"],
    ["TASK", "(no name)"],
  ]);
});

const BAD_MEASUREMENTS: [fields: Record<string, unknown>, message: string][] = [
  [{ latencyMs: NaN }, "record: latencyMs is NaN, expected 0 to 1e12 milliseconds"],
  [{ latencyMs: -1 }, "record: latencyMs is -1, expected 0 to 1e12 milliseconds"],
  [{ latencyMs: Infinity }, "record: latencyMs is Infinity, expected 0 to 1e12 milliseconds"],
  [{ latencyMs: 1e200 }, "record: latencyMs is 1e+200, expected 0 to 1e12 milliseconds"],
  [{ latencyMs: "5" }, "record: latencyMs is '5', expected 0 to 1e12 milliseconds"],
  [{ latencyMs: Symbol("s") }, "record: latencyMs is Symbol(s), expected 0 to 1e12 milliseconds"],
  [{ bytes: 0.5 }, "record: bytes is 0.5, expected a whole number of 0 or more"],
  [{ bytes: NaN }, "record: bytes is NaN, expected a whole number of 0 or more"],
  [{ bytes: -1 }, "record: bytes is -1, expected a whole number of 0 or more"],
  [{ bytes: "5" }, "record: bytes is '5', expected a whole number of 0 or more"],
  [{ bytes: null }, "record: bytes is null, expected a whole number of 0 or more"],
];

for (const [fields, message] of BAD_MEASUREMENTS) {
  Deno.test(`a measurement is refused: ${message}`, () => {
    const { context, recorded } = testContext();
    const user = new User({ ...context, signal: new AbortController().signal });
    assert.throws(() => user.record({ name: "a", latencyMs: 1, ...fields }), {
      name: "RangeError",
      message,
    });
    assert.deepEqual(recorded.samples, []);
  });
}

Deno.test("a step that is aborted with its user is unfinished", async () => {
  const { clock, context, recorded } = testContext();
  const stop = new AbortController();
  const user = new User({ ...context, signal: stop.signal });
  const step = user.measure("query", () => user.sleep(60), { method: "SQL" });
  step.catch(() => {});
  await clock.advance(2_500);
  stop.abort(new Error("stopped"));
  await assert.rejects(step, { message: "stopped" });
  assert.deepEqual(recorded.unfinished, [
    { method: "SQL", name: "query", ageMs: 2_500, retries: 0 },
  ]);
  assert.deepEqual(recorded.samples, []);
});

Deno.test("a step that completes although its user was stopped is counted as complete", async () => {
  const { clock, context, recorded } = testContext();
  const stop = new AbortController();
  const user = new User({ ...context, signal: stop.signal });
  stop.abort();
  await user.measure("query", () => clock.advance(50));
  assert.deepEqual(recorded.samples.map(({ latencyMs, error }) => [latencyMs, error]), [[
    50,
    null,
  ]]);
  assert.deepEqual(recorded.unfinished, []);
});

Deno.test("a step that outlives its user is unfinished once, whatever comes of it later", async () => {
  for (const fails of [false, true]) {
    const { clock, context, recorded } = testContext();
    const user = new User({ ...context, signal: new AbortController().signal });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const step = user.measure("query", () => promise);
    step.catch(() => {});
    await clock.advance(400);
    context.requests.close(clock.now());
    if (fails) reject(new Error("too late"));
    else resolve();
    await Promise.allSettled([step]);
    assert.deepEqual(recorded.unfinished.map(({ name, ageMs }) => [name, ageMs]), [["query", 400]]);
    assert.deepEqual(recorded.samples, []);
    let runs = 0;
    void user.measure("later", () => ++runs);
    await clock.advance(1);
    assert.equal(runs, 0);
  }
});

Deno.test("a step that ends its user is not counted", async () => {
  const { context, recorded } = testContext();
  const user = new User({ ...context, signal: new AbortController().signal });
  await assert.rejects(user.measure("visit", () => Promise.reject(new UserEnd("closed"))), UserEnd);
  context.requests.close(1);
  assert.deepEqual([recorded.samples, recorded.unfinished], [[], []]);
});

Deno.test("a step that throws nothing of use fails all the same", async () => {
  const { context, recorded } = testContext();
  const user = new User({ ...context, signal: new AbortController().signal });
  for (const thrown of [null, undefined, ""]) {
    await assert.rejects(user.measure("visit", () => Promise.reject(thrown)));
  }
  assert.deepEqual(recorded.samples.map(({ error }) => error !== null), [true, true, true]);
});
