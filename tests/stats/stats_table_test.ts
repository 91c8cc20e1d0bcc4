import fc from "fast-check";
import assert from "node:assert/strict";
import { type SecondStats, StatsTable } from "../../src/stats/stats_table.ts";
import { isPart } from "../../src/stats/stats_delta.ts";
import type { SampleTable } from "../../src/user/recorder.ts";
import { anySample, sample } from "../support/samples.ts";

const START = 123_456.75;

function started(): StatsTable {
  const table = new StatsTable();
  table.start(START);
  return table;
}

function requestsOf({ entries }: SecondStats): number {
  return [...entries].reduce(
    (sum, [, , , entry, , tags]) => isPart(tags) ? sum : sum + entry.requests,
    0,
  );
}

function bySecond(deltas: readonly SecondStats[]): [second: number, requests: number][] {
  return deltas.map((delta) => [delta.second, requestsOf(delta)]);
}

Deno.test("the table can be used as a recorder of samples", () => {
  const all = new StatsTable();
  const table: SampleTable = all.ofClass(0);
  table.record(sample());
});

Deno.test("a second has what ended from its first moment to before the next second", () => {
  const table = started();
  for (const ms of [0, 999.75, 1000, 1999.75, 2000]) {
    table.record(sample({ endedAt: START + ms }));
  }
  assert.deepEqual(bySecond(table.take(START + 2999.75)), [[0, 2], [1, 2]]);
  assert.deepEqual(bySecond(table.take(START + 3000)), [[2, 1]]);
});

Deno.test("a sample of a later second closes the previous ones, including empty ones", () => {
  const table = started();
  table.record(sample({ endedAt: START + 500 }));
  table.record(sample({ endedAt: START + 3500 }));
  assert.deepEqual(bySecond(table.take(START + 3500)), [[0, 1], [1, 0], [2, 0]]);
  assert.deepEqual(bySecond(table.flush(START + 3500)), [[3, 1]]);
});

Deno.test("a sample of a closed second is counted in the open one", () => {
  const table = started();
  assert.deepEqual(bySecond(table.take(START + 2000)), [[0, 0], [1, 0]]);
  table.record(sample({ endedAt: START + 1999 }));
  assert.deepEqual(bySecond(table.take(START + 3000)), [[2, 1]]);
});

Deno.test("samples before the start are counted in second 0", () => {
  const table = new StatsTable();
  table.record(sample({ endedAt: START - 5000 }));
  table.record(sample({ endedAt: START - 1 }));
  table.userError("BuyTest", "no token", START - 1);
  table.setUsers(4, START - 1);
  assert.deepEqual(table.take(START - 1), []);
  table.start(START);
  table.record(sample({ endedAt: START + 1 }));
  const [first, ...others] = table.take(START + 1000);
  assert.equal(requestsOf(first!), 3);
  assert.equal(first!.userErrors.get("BuyTest", "no token"), 1);
  assert.equal(first!.users, 4);
  assert.deepEqual(others, []);
});

Deno.test("a table that starts late starts with the given second", () => {
  const table = new StatsTable();
  table.record(sample({ endedAt: START - 5000 }));
  table.start(START, 40);
  table.record(sample({ endedAt: START + 999 }));
  table.record(sample({ endedAt: START + 2500 }));
  assert.deepEqual(bySecond(table.take(START + 2500)), [[40, 2], [41, 0]]);
  assert.deepEqual(bySecond(table.flush(START + 2600)), [[42, 1]]);
});

Deno.test("a table that starts late and counts nothing has no second", () => {
  const table = new StatsTable();
  table.start(START, 40);
  assert.deepEqual(table.flush(START), []);
  assert.deepEqual(bySecond(table.flush(START + 1)), [[40, 0]]);
});

Deno.test("the stats of a second contain its users and counts", () => {
  const table = new StatsTable();
  table.start(START, 7);
  table.setUsers(5, START);
  table.setUsers(4, START + 1);
  table.record(sample({ endedAt: START + 1 }));
  table.record(sample({ name: "pay", error: "HTTP 500", endedAt: START + 1 }));
  const [delta = assert.fail()] = table.take(START + 1000);
  assert.deepEqual([delta.from, delta.to], [7, 7]);
  assert.deepEqual(delta.seconds, [
    { second: 7, users: 4, peakUsers: 5, requests: 2, failures: 1, maxLagMs: 0 },
  ]);
});

Deno.test("a run that never started loses nothing", () => {
  const table = new StatsTable();
  assert.deepEqual(table.flush(START), []);
  table.record(sample({ endedAt: START }));
  assert.deepEqual(bySecond(table.flush(START)), [[0, 1]]);
});

Deno.test("a flush returns the unfinished second, and no second is ever returned twice", () => {
  const table = started();
  table.record(sample({ endedAt: START + 1200 }));
  assert.deepEqual(bySecond(table.flush(START + 1300)), [[0, 0], [1, 1]]);
  table.record(sample({ endedAt: START + 1400 }));
  assert.deepEqual(bySecond(table.take(START + 2000)), []);
  assert.deepEqual(bySecond(table.take(START + 3000)), [[2, 1]]);
});

Deno.test("a flush between two seconds returns all counts and no empty second", () => {
  const table = started();
  assert.deepEqual(bySecond(table.flush(START)), []);
  assert.deepEqual(bySecond(table.flush(START + 2000)), [[0, 0], [1, 0]]);
  table.record(sample({ endedAt: START + 2000 }));
  assert.deepEqual(bySecond(table.flush(START + 2000)), [[2, 1]]);
  table.userError("BuyTest", "no token", START + 2000);
  assert.deepEqual(table.flush(START + 2000).map(({ second }) => second), [3]);
});

Deno.test("users are those at the end of a second, and the peak is the maximum within it", () => {
  const table = started();
  table.setUsers(2, START);
  table.setUsers(9, START + 400);
  table.setUsers(5, START + 900);
  table.setUsers(1, START + 2500);
  const users = table.flush(START + 3500).map(({ users, peakUsers }) => [users, peakUsers]);
  assert.deepEqual(users, [[5, 9], [5, 5], [1, 5], [1, 1]]);
});

Deno.test("user errors are counted by class and text, in the second in which they were thrown", () => {
  const table = started();
  table.userError("BuyTest", "no token", START + 1);
  table.userError("BuyTest", "no token", START + 2);
  table.userError("SellTest", "no token", START + 1001);
  const [first, second] = table.take(START + 2000);
  assert.deepEqual([...first!.userErrors], [["BuyTest", "no token", 2]]);
  assert.deepEqual([...second!.userErrors], [["SellTest", "no token", 1]]);
});

Deno.test("samples are counted by method and name", () => {
  const table = started();
  table.record(sample({ method: "GET", name: "a", endedAt: START }));
  table.record(sample({ method: "POST", name: "a", endedAt: START }));
  table.record(sample({ method: "GET", name: "b", endedAt: START }));
  table.record(sample({ method: "GET", name: "a", endedAt: START }));
  const [{ entries } = assert.fail()] = table.flush(START + 1);
  const counts = Array.from(entries, ([method, name, , { requests }]) => [method, name, requests]);
  assert.deepEqual(counts, [["GET", "a", 2], ["GET", "b", 1], ["POST", "a", 1]]);
});

Deno.test("samples of one name are counted by code, in the second in which they ended", () => {
  const table = started();
  for (const [status, ms] of [[200, 0], [503, 1], [200, 2], [0, 3], [200, 1000]] as const) {
    table.record(sample({ status, endedAt: START + ms }));
  }
  const counts = table.flush(START + 1001).map(({ entries }) =>
    Array.from(entries, ([, , code, { requests }]) => [code, requests])
  );
  assert.deepEqual(counts, [[[200, 2], [503, 1], [0, 1]], [[200, 1]]]);
});

Deno.test("iteration events are counted in the second in which they happen", () => {
  const table = started();
  table.iterations(START + 900).scheduled += 2;
  table.iterations(START + 950).begin(50);
  table.iterations(START + 2100).complete(1150);
  table.iterations(START + 2200).dropped++;
  const counts = table.flush(START + 2300).map(({ iterations }) =>
    iterations === null ? null : [
      ...[iterations.scheduled, iterations.started, iterations.completed, iterations.dropped],
      iterations.serviceTime.sum,
    ]
  );
  assert.deepEqual(counts, [[2, 1, 0, 0, 0], null, [0, 0, 1, 1, 1150]]);
});

Deno.test("iterations of a closed second are counted in the open one, and those before the start in second 0", () => {
  const table = new StatsTable();
  table.iterations(START - 10).scheduled++;
  table.start(START);
  assert.deepEqual(table.take(START + 1000).map(({ iterations }) => iterations?.scheduled), [1]);
  table.iterations(START + 999).scheduled++;
  const [second] = table.take(START + 2000);
  assert.deepEqual([second?.second, second?.iterations?.scheduled], [1, 1]);
});

Deno.test("a flush returns a second of no duration if it has iterations", () => {
  const table = started();
  table.flush(START + 2000);
  table.iterations(START + 2000).dropped++;
  assert.deepEqual(table.flush(START + 2000).map(({ second }) => second), [2]);
});

Deno.test("from the 1,001st name of the run on, names are counted as one per method", () => {
  const table = started();
  for (let i = 0; i < 1000; i++) {
    table.record(sample({ name: `/item/${i}`, endedAt: START + i }));
  }
  assert.equal(table.namesCapped, false);
  for (let i = 1000; i < 1200; i++) {
    table.record(sample({ name: `/item/${i}`, endedAt: START + 1500 }));
    table.record(sample({ name: `/item/${i}`, method: "PUT", endedAt: START + 1500 }));
  }
  table.record(sample({ name: "/item/3", endedAt: START + 1500 }));
  assert.equal(table.namesCapped, true);
  const [first, second] = table.take(START + 2000);
  assert.equal(first!.parts[0]!.requests.entries.size, 1000);
  const counts = Array.from(second!.entries, ([method, name, , { requests }]) => [
    method,
    name,
    requests,
  ]);
  assert.deepEqual(counts, [["GET", "/item/3", 1], ["GET", "(other)", 200], [
    "PUT",
    "(other)",
    200,
  ]]);
});

Deno.test("from the 1,001st user error of the run on, errors are counted as one", () => {
  const table = started();
  for (let i = 0; i < 1100; i++) table.userError("BuyTest", `no order ${i}`, START + i);
  table.userError("BuyTest", "no order 0", START + 1100);
  const [first, second] = table.flush(START + 1200);
  assert.equal(first!.userErrors.size, 1000);
  assert.deepEqual([...second!.userErrors], [
    ["BuyTest", "(other)", 100],
    ["BuyTest", "no order 0", 1],
  ]);
  assert.equal(table.namesCapped, false);
});

Deno.test("whenever seconds are taken, each sample is in exactly one of them", () => {
  const step = fc.record({
    sample: anySample,
    waitMs: fc.oneof(fc.constantFrom(0, 0.5, 500, 1000), fc.nat(2500)),
    fetch: fc.constantFrom("take", "flush", null, null),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const table = started();
    const seen: SecondStats[] = [];
    let now = START;
    for (const { sample, waitMs, fetch } of steps) {
      now += waitMs;
      table.record({ ...sample, endedAt: now });
      if (fetch !== null) seen.push(...table[fetch](now));
    }
    seen.push(...table.flush(now));
    assert.deepEqual(seen.map(({ second }) => second), seen.map((_, i) => i));
    assert.equal(seen.map(requestsOf).reduce((a, b) => a + b, 0), steps.length);
  }));
});

Deno.test("names that are too long or cannot be sent are cut, and stay different", () => {
  const table = started();
  const long = "x".repeat(100_000);
  const names = [`${long}1`, `${long}2`, "lone \ud800", "lone \ud801", "", "search"];
  for (const name of [...names, ...names]) table.record(sample({ name, endedAt: START }));
  const [second] = table.flush(START + 1000);
  const counted = [...second!.entries].map(([, name, , entry]) => [name.length, entry.requests]);
  assert.deepEqual(counted.map(([, requests]) => requests), [2, 2, 2, 2, 2, 2]);
  assert.deepEqual(counted.map(([length]) => length), [2000, 2000, 15, 15, 0, 6]);
});

Deno.test("a request that a test names like the row of all further ones has a row of its own", () => {
  const table = started();
  table.record(sample({ name: "(other)", endedAt: START }));
  table.unfinished(
    { method: "GET", name: "(other)", startedAt: START, phases: null, tags: "" },
    0,
    START + 1,
  );
  assert.equal(table.namesCapped, false);
  const [second] = table.flush(START + 1000);
  const own = "(other, own name)";
  assert.deepEqual([...second!.entries].map(([, name]) => name), [own]);
  assert.deepEqual([...second!.unfinished].map(([, name]) => name), [own]);
});

Deno.test("a request that a test names so keeps its row if there are too many names", () => {
  const table = started();
  const record = (name: string): void => table.record(sample({ name, endedAt: START }));
  record("(other)");
  for (let i = 0; i < 1099; i++) record(`/${i}`);
  record("(other)");
  const key = { method: "GET", name: "/new", startedAt: START - 1 };
  table.unfinished({ ...key, phases: null, tags: "" }, 0, START);
  record("(other)");
  const [second] = table.flush(START);
  const requestsOf = (name: string): number | undefined =>
    second!.parts[0]!.requests.entries.get("GET", name)?.whole.requests;
  assert.deepEqual([requestsOf("(other, own name)"), requestsOf("(other)")], [3, 100]);
  assert.equal(second!.seconds[0]!.requests, 1102);
});

Deno.test("methods are cut and limited like names", () => {
  const table = started();
  for (const method of ["m".repeat(5000) + "1", "m".repeat(5000) + "2", "\ud800", "\ud801"]) {
    table.record(sample({ method, endedAt: START }));
  }
  for (let i = 0; i < 1100; i++) table.record(sample({ method: `M${i}`, endedAt: START + 1 }));
  const [second] = table.flush(START + 1000);
  const methods = new Map<string, number>();
  for (const [method, , , { requests }] of second!.entries) {
    methods.set(method, (methods.get(method) ?? 0) + requests);
  }
  assert.equal(methods.size, 1001);
  assert.equal(methods.get("(other)"), 104);
  assert.deepEqual([...methods.keys()].slice(0, 4).map(({ length }) => length), [
    1000,
    1000,
    10,
    10,
  ]);
});

Deno.test("each class has its own counts, and the users that run are known by class", () => {
  const table = new StatsTable(["Buyer", "Admin"]);
  table.start(START);
  const [buyers, admins] = [table.ofClass(0), table.ofClass(1)];
  table.setUsers(1, START, 0, 1);
  table.setUsers(2, START, 1, 1);
  buyers.record(sample({ endedAt: START, tags: "cache=hit" }));
  admins.record(sample({ endedAt: START }));
  admins.record(sample({ endedAt: START, name: "list" }));
  admins.unfinished(
    { method: "GET", name: "list", startedAt: START, phases: null, tags: "size=1" },
    0,
    START + 10,
  );
  admins.completions.count++;
  table.iterations(START, 1).scheduled = 3;
  table.setUsers(1, START + 500, 1, 0);
  const [first, second] = table.flush(START + 1500);
  assert.deepEqual(
    Array.from(first!.entries, ([, name, , { requests }, ...part]) => [name, requests, ...part]),
    [
      ["search", 1, "Buyer"],
      ["search", 1, "Buyer", "cache=hit"],
      ["search", 1, "Admin"],
      ["list", 1, "Admin"],
    ],
  );
  assert.deepEqual(
    Array.from(first!.unfinished, ([, name, { ages }, ...part]) => [name, ages.count, ...part]),
    [["list", 1, "Admin"], ["list", 1, "Admin", "size=1"]],
  );
  const classes = (stats: SecondStats): unknown =>
    stats.classes.map(({ name, completed, iterations, seconds }) => [
      ...[name, completed, iterations?.scheduled],
      ...seconds.map(({ second, users, peakUsers }) => [second, users, peakUsers]),
    ]);
  assert.deepEqual(classes(first!), [
    ["Buyer", 0, undefined, [0, 1, 1]],
    ["Admin", 1, 3, [0, 0, 1]],
  ]);
  assert.deepEqual(classes(second!), [
    ["Buyer", 0, undefined, [1, 1, 1]],
    ["Admin", 0, undefined, [1, 0, 0]],
  ]);
  assert.equal(first!.seconds[0]!.requests, 3);
});

Deno.test("after 50 combinations of tags of a name, further ones are counted together", () => {
  const table = started();
  for (let id = 0; id < 60; id++) table.record(sample({ endedAt: START, tags: `id=${id}` }));
  table.record(sample({ endedAt: START, name: "pay", tags: "id=59" }));
  const [second] = table.flush(START + 1000);
  const rows = Array.from(
    second!.entries,
    ([, name, , { requests }, , tags = ""]) => [name, tags, requests] as const,
  );
  assert.deepEqual(rows.filter(([name, tags]) => name === "search" && tags === ""), [
    ["search", "", 60],
  ]);
  assert.equal(rows.filter(([name]) => name === "search").length, 52);
  assert.deepEqual(rows.filter(([, tags]) => tags === "(other)"), [["search", "(other)", 10]]);
  assert.deepEqual(rows.filter(([, tags]) => tags === "id=59"), [["pay", "id=59", 1]]);
});
