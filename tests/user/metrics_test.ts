import assert from "node:assert/strict";
import { currentUser, UserLifetime } from "../../src/core/user_lifetime.ts";
import { Metrics } from "../../src/user/metrics.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("what was added is handed over once", () => {
  const metrics = new Metrics(new FakeClock());
  const logins = metrics.counter("logins");
  logins.add();
  logins.add(2.5);
  metrics.rate("hits").add(true);
  metrics.rate("hits").add(0);
  metrics.trend("size", { unit: "MB" }).add(-3);
  assert.equal(metrics.isEmpty, false);
  assert.deepEqual(metrics.take(0).rows(2), [
    { name: "logins", type: "counter", value: 3.5, perSecond: 1.75 },
    { name: "hits", type: "rate", rate: 0.5, hits: 1, total: 2 },
    {
      name: "size",
      type: "trend",
      unit: "MB",
      count: 1,
      sum: -3,
      figures: {
        ...{ min: -3, mean: -3, max: -3, stddev: 0, p50: -3, p75: -3, p90: -3, p95: -3 },
        ...{ p99: -3, p999: -3, p9999: -3 },
      },
    },
  ]);
  assert.equal(metrics.isEmpty, true);
  assert.deepEqual(metrics.take(0).rows(2), []);
  logins.add(4);
  assert.deepEqual(metrics.take(0).rows(2).map(({ name }) => name), ["logins"]);
});

Deno.test("a second that was empty when it was handed over stays empty", () => {
  const metrics = new Metrics();
  const size = metrics.trend("size");
  const empty = metrics.take(0);
  size.add(1);
  assert.deepEqual([...empty], []);
  assert.deepEqual([...metrics.take(0)].map(([name]) => name), ["size"]);
});

Deno.test("a counter to which nothing was added is 0, and the other kinds are missing", () => {
  const metrics = new Metrics();
  metrics.counter("logins");
  metrics.gauge("queue");
  metrics.rate("hits");
  metrics.trend("size");
  assert.deepEqual(metrics.take(0).rows(1), [
    { name: "logins", type: "counter", value: 0, perSecond: 0 },
  ]);
  assert.equal(metrics.isEmpty, true);
});

Deno.test("the time of a gauge's value is that since the start of the test", async () => {
  const clock = new FakeClock();
  const metrics = new Metrics(clock);
  const queue = metrics.gauge("queue");
  await clock.advance(1500);
  queue.add(7);
  queue.add(3);
  const [[, stats] = assert.fail()] = metrics.take(1000);
  assert.deepEqual({ ...stats }, { type: "gauge", value: 3, atMs: 500, min: 3, max: 7 });
});

Deno.test("the same name and kind is the same metric, and another kind is an error", () => {
  const metrics = new Metrics();
  assert.equal(metrics.counter("logins"), metrics.counter("logins"));
  assert.throws(() => metrics.trend("logins"), {
    name: "TypeError",
    message: "metrics.trend('logins'): logins is a counter already",
  });
  assert.deepEqual(metrics.declared, [{ name: "logins", type: "counter", unit: "" }]);
});

Deno.test("an invalid name or unit is an error that says what is accepted", () => {
  const metrics = new Metrics();
  for (const name of ["", "cart size", "größe", "a-b", "x".repeat(101), 5 as unknown as string]) {
    assert.throws(() => metrics.gauge(name), {
      name: "TypeError",
      message: /expected a name of letters, digits, _ and \. of at most 100 characters/,
    });
  }
  for (const unit of ["x".repeat(21), "a\nb", " ", 5 as unknown as string]) {
    assert.throws(() => metrics.trend("size", { unit }), /the unit is .*, expected at most 20/);
  }
});

Deno.test("there are at most 200 metrics", () => {
  const metrics = new Metrics();
  for (let i = 0; i < 200; i++) metrics.counter(`metric_${i}`);
  metrics.counter("metric_7").add();
  assert.throws(() => metrics.counter("one_more"), {
    name: "RangeError",
    message: "metrics.counter('one_more'): there are 200 metrics already, which is the most",
  });
});

const WRONG: readonly [
  type: "counter" | "gauge" | "rate" | "trend",
  value: unknown,
  text: string,
][] = [
  ["counter", -1, "counter x: -1, expected a finite number of 0 or more"],
  ["counter", NaN, "counter x: NaN, expected a finite number of 0 or more"],
  ["counter", "2", "counter x: '2', expected a finite number of 0 or more"],
  ["gauge", Infinity, "gauge x: Infinity, expected a finite number"],
  ["gauge", undefined, "gauge x: undefined, expected a finite number"],
  ["rate", 0.5, "rate x: 0.5, expected true, false, 0 or 1"],
  ["rate", "yes", "rate x: 'yes', expected true, false, 0 or 1"],
  ["trend", null, "trend x: null, expected a finite number"],
  ["trend", 5n, "trend x: 5n, expected a finite number"],
];

for (const [type, value, message] of WRONG) {
  Deno.test(`a wrong value is a TypeError: ${message}`, () => {
    const metric = new Metrics()[type]("x") as { add(value: unknown): void };
    assert.throws(() => metric.add(value), { name: "TypeError", message });
  });
}

Deno.test("what a user adds after its end is not counted", () => {
  const metrics = new Metrics();
  const lifetime = new UserLifetime();
  const logins = metrics.counter("logins");
  currentUser.run(lifetime, () => logins.add());
  lifetime.end();
  currentUser.run(lifetime, () => logins.add());
  assert.deepEqual(metrics.take(0).rows(1).map((row) => row.type === "counter" && row.value), [1]);
});
