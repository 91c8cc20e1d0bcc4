import fc from "fast-check";
import assert from "node:assert/strict";
import { Histories } from "../../src/stats/histories.ts";
import type { History } from "../../src/stats/snapshot.ts";
import type { StatsDelta } from "../../src/stats/stats_delta.ts";
import { SecondStats } from "../../src/stats/stats_table.ts";
import { Timeline } from "../../src/stats/timeline.ts";
import { MergedStats } from "../../src/stats/merged_stats.ts";
import { sample } from "../support/samples.ts";

/** A request or group that ended. */
interface Ended {
  readonly second: number;
  readonly node: number;
  /** The index of its class. */
  readonly of: number;
  readonly name: string;
  readonly latencyMs: number;
  readonly failed: boolean;
}

const CLASSES = ["Buyer", "Admin"];

/** A second of one node, in which each request is also a group of the same name. */
function secondWith(second: number, ended: readonly Ended[], classNames = CLASSES): SecondStats {
  const classes = classNames.map((name) => ({ name, users: 2 }));
  const stats = new SecondStats(second, 2 * classes.length, classes);
  for (const { of, name, latencyMs, failed } of ended) {
    const status = failed ? 500 : 200;
    stats.parts[of]!.requests.entries.at("GET", name).add(
      sample({ name, latencyMs, status, error: failed ? "HTTP 500" : null }),
    );
    stats.openGroups.at(name).add({ name, durationMs: latencyMs, requestsMs: 0, failed });
  }
  return stats;
}

/** As {@link secondWith}, with successes of one class and name. */
function timed(second: number, latencies: readonly number[], name = "search"): SecondStats {
  return secondWith(
    second,
    latencies.map((latencyMs) => ({ second, node: 0, of: 0, name, latencyMs, failed: false })),
  );
}

class Added {
  readonly histories = new Histories();
  readonly #timeline = new Timeline();

  constructor(deltas: Iterable<StatsDelta> = []) {
    for (const delta of deltas) this.add(delta);
  }

  add(delta: StatsDelta): void {
    this.histories.add(delta, this.#timeline);
    this.#timeline.add(delta);
  }

  get all(): History[] {
    const { histories } = this;
    return [...histories.names(), ...histories.classes(), ...histories.groups()];
  }
}

function merged(deltas: Iterable<StatsDelta>): MergedStats {
  const stats = new MergedStats();
  for (const delta of deltas) stats.add(delta);
  return stats;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

function endedOf({ kind, name }: History, ended: readonly Ended[]): Ended[] {
  return ended.filter((one) => name === (kind === "class" ? CLASSES[one.of] : one.name));
}

const FIGURES = [["p50", 0.5], ["p95", 0.95], ["p99", 0.99]] as const;

/** The nearest-rank percentile. */
function exact(latencies: readonly number[], share: number): number {
  const sorted = latencies.toSorted((a, b) => a - b);
  return sorted[Math.max(Math.ceil(share * sorted.length - 1e-9), 1) - 1]!;
}

function assertFigures(history: History, row: number, ended: readonly Ended[], most: number): void {
  const latencies = ended.filter(({ failed }) => !failed).map(({ latencyMs }) => latencyMs);
  for (const [name, share] of FIGURES) {
    const found = history[name][row]!;
    if (latencies.length === 0) assert.equal(found, null);
    else {
      const expected = exact(latencies, share);
      assert.ok(Math.abs(found - expected) <= expected * most, `${found} instead of ${expected}`);
    }
  }
}

function anyEnded(seconds: number): fc.Arbitrary<Ended> {
  return fc.record({
    second: fc.nat(seconds - 1),
    node: fc.nat(2),
    of: fc.nat(1),
    name: fc.constantFrom("search", "pay", "/"),
    latencyMs: fc.oneof(
      fc.double({ min: 0.01, max: 100, noNaN: true }),
      fc.integer({ max: 60_000, min: 1 }),
    ),
    failed: fc.boolean(),
  });
}

/** The seconds of each node. */
function nodesOf(ended: readonly Ended[]): SecondStats[][] {
  return [0, 1, 2].map((node) => {
    const own = ended.filter((one) => one.node === node);
    const numbers = [...new Set(own.map(({ second }) => second))].sort((a, b) => a - b);
    return numbers.map((number) =>
      secondWith(number, own.filter(({ second }) => second === number))
    );
  });
}

Deno.test("each second has what all nodes counted in it, in any order, and percentiles within 1 %", () => {
  const order = fc.infiniteStream(fc.nat());
  fc.assert(fc.property(fc.array(anyEnded(8), { maxLength: 150 }), order, (ended, order) => {
    const deltas = nodesOf(ended).flat()
      .map((delta) => ({ delta, at: order.next().value }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ delta }) => delta);
    const { all } = new Added(deltas);
    assert.equal(all.filter(({ kind }) => kind === "class").length, ended.length > 0 ? 2 : 0);
    for (const history of all) {
      const own = endedOf(history, ended);
      assert.equal(history.stepSeconds, 1);
      assert.deepEqual(history.seconds, history.seconds.toSorted((a, b) => a - b));
      assert.equal(sum(history.requests), own.length);
      for (const [row, second] of history.seconds.entries()) {
        const now = own.filter((one) => one.second === second);
        assert.equal(history.requests[row], now.length);
        assert.equal(history.failures[row], now.filter(({ failed }) => failed).length);
        assertFigures(history, row, now, 0.01);
      }
    }
  }));
});

Deno.test("merged seconds keep their sums, however they are divided over nodes", () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 3, maxLength: 3 });
  fc.assert(fc.property(fc.array(anyEnded(40), { maxLength: 150 }), lengths, (ended, lengths) => {
    const added = new Added();
    for (const [node, seconds] of nodesOf(ended).entries()) {
      for (let at = 0; at < seconds.length; at += lengths[node]!) {
        added.add(merged(seconds.slice(at, at + lengths[node]!)));
      }
    }
    for (const history of added.all) {
      const own = endedOf(history, ended);
      assert.equal(sum(history.requests), own.length);
      assert.equal(sum(history.failures), own.filter(({ failed }) => failed).length);
      for (const [row, requests] of history.requests.entries()) {
        assert.ok(requests >= history.failures[row]!);
        for (const [name] of FIGURES) {
          assert.equal(history[name][row] === null, requests === history.failures[row]);
        }
      }
    }
  }));
});

Deno.test("a long run has longer steps, at most 900, which keep the sums", () => {
  const lastSeconds = [899, 900, 1799, 1800, 10_000, 86_399];
  for (const last of lastSeconds) {
    const added = new Added();
    const sums = { requests: 0, users: 0 };
    const stride = last > 10_000 ? 16 : 1;
    for (let second = 0; second <= last; second += stride) {
      const latencies = Array.from({ length: 1 + second % 3 }, (_, n) => 10 + second % 7 + n);
      sums.requests += latencies.length;
      sums.users += 2;
      added.add(timed(second, latencies));
    }
    const [name, buyers] = added.all as [History, History];
    const { stepSeconds: step, seconds } = name;
    assert.equal(step, 2 ** Math.max(Math.ceil(Math.log2((last + 1) / 900)), 0), `${last}`);
    assert.ok(seconds.length <= 900);
    assert.ok(seconds.every((second) => second % step === 0));
    assert.deepEqual(buyers.seconds, seconds);
    for (const history of [name, buyers]) {
      assert.equal(sum(history.requests), sums.requests);
      for (const column of [history.p50, history.p95, history.p99]) {
        assert.ok(column.every((ms) => ms !== null && ms >= 10 * 0.99 && ms <= 18 * 1.01));
      }
    }
    assert.equal(buyers.users!.length, seconds.length);
    const whole = buyers.users!.reduce(
      (all, users, row) => all + users * (Math.min(seconds[row]! + step, last + 1) - seconds[row]!),
      0,
    );
    if (stride === 1) assert.ok(Math.abs(whole - sums.users) < 1e-6);
  }
});

Deno.test("steps start where they are multiples of their length, also after a reset", () => {
  const added = new Added();
  for (let second = 5001; second < 5001 + 899; second++) added.add(timed(second, [5]));
  assert.equal(added.all[0]!.stepSeconds, 1);
  for (const second of [5900, 5901]) added.add(timed(second, [5]));
  const [{ stepSeconds, seconds, requests, p50 } = assert.fail(), { users } = assert.fail()] =
    added.all;
  assert.deepEqual([stepSeconds, seconds[0], requests[0], requests[1]], [2, 5000, 1, 2]);
  assert.deepEqual([users![0], users![1], users!.at(-1)], [2, 2, 2]);
  assert.ok(p50.every((ms) => ms === 5));
});

Deno.test("percentiles of merged steps are means that are weighted by successes", () => {
  const added = new Added([timed(0, [10]), timed(1, [40, 40])]);
  added.add(timed(901, [7]));
  const [{ seconds, requests, p50, p99 } = assert.fail()] = added.all;
  assert.deepEqual([seconds, requests, p50, p99], [[0, 900], [3, 1], [30, 7], [30, 7]]);
});

Deno.test("latencies that arrive late count, and move percentiles by their weight", () => {
  const added = new Added([timed(0, [10, 10, 10]), timed(30, [5])]);
  added.add(timed(0, [50]));
  // Nothing of this second was known.
  added.add(timed(1, [50]));
  const [{ seconds, requests, p95 } = assert.fail()] = added.all;
  assert.deepEqual([seconds, requests, p95], [[0, 1, 30], [4, 1, 1], [20, 50, 5]]);
});

Deno.test("the busiest of up to 100 names are shown, and close ones do not change places", () => {
  const times = (count: number): number[] => Array(count).fill(5);
  const added = new Added();
  for (let name = 0; name < 150; name++) added.add(timed(0, times(name + 10), `/${name}`));
  const shown = (): string[] => added.histories.names().map(({ name }) => name);
  assert.deepEqual(shown(), Array.from({ length: 20 }, (_, n) => `/${80 + n}`));
  assert.equal(added.histories.groups().length, 50);
  // /80 has 90 requests, and /79 a few more.
  added.add(timed(1, times(5), "/79"));
  assert.ok(!shown().includes("/79"));
  added.add(timed(2, times(50), "/79"));
  assert.ok(shown().includes("/79") && !shown().includes("/80"));
  assert.equal(shown().length, 20);
});

Deno.test("names and groups that are counted together have no history", () => {
  assert.deepEqual(new Added([timed(0, [5], "(other)")]).all.map(({ name }) => name), CLASSES);
});

Deno.test("the first class keeps what it did before there was another one", () => {
  const early = [{ second: 0, node: 0, of: 0, name: "search", latencyMs: 5, failed: false }];
  const added = new Added([secondWith(0, early, ["Buyer"])]);
  assert.deepEqual(added.histories.classes(), []);
  added.add(timed(1, [5, 5]));
  const [buyers, admins] = added.histories.classes() as [History, History];
  assert.deepEqual([buyers.seconds, buyers.requests, buyers.users], [[0, 1], [1, 2], [2, 2]]);
  assert.deepEqual([admins.seconds, admins.requests, admins.users], [[1], [0], [2]]);
  // A node may have only one of the classes.
  added.add(secondWith(1, early, ["Buyer"]));
  assert.deepEqual(added.histories.classes()[0]!.users, [2, 4]);
});

Deno.test("a history does not change when more is counted, and is the same if nothing was", () => {
  const added = new Added([timed(0, [5])]);
  const [before] = added.histories.names();
  const copy = JSON.stringify(before);
  assert.equal(added.histories.names()[0], before);
  added.add(timed(0, [500]));
  added.add(timed(1, [5]));
  assert.equal(JSON.stringify(before), copy);
  assert.deepEqual(added.histories.names()[0]!.requests, [2, 1]);
});

Deno.test("seconds of any size cost no more", () => {
  const added = new Added([timed(0, [5])]);
  added.add(merged([timed(5, [5]), timed(100_005, [5])]));
  added.add(timed(Number.MAX_SAFE_INTEGER, [5]));
  for (const { seconds, requests } of added.all) {
    assert.ok(seconds.length <= 900);
    assert.ok(sum(requests) === 4 || sum(requests) === 0);
  }
});
