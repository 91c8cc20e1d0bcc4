import assert from "node:assert/strict";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { User, type UserClass } from "../../src/user/user.ts";
import { VirtualCluster, type VirtualMaster } from "../support/virtual_cluster.ts";

/** What the users have measured, as they know it themselves. */
interface Truth {
  readonly values: number[];
  readonly groups: string[];
  checks: number;
  passed: number;
}

/** A class whose users go through two groups, a check and metrics in each iteration. */
function measuringUsers(cluster: () => VirtualCluster, truth: Truth): UserClass {
  return class MeasureTest extends User {
    static override waitTime = 0.2;

    async testMeasure(): Promise<void> {
      const { metrics } = cluster().workers.find(({ name }) => name === this.run.node)!;
      await this.group("buy", async () => {
        await this.measure("search", () => this.sleep(0.01));
        await this.group("pay", async () => {
          await this.sleep(0.05);
          await this.measure("pay", () => this.sleep(0.02));
          truth.groups.push(this.run.node);
        });
      });
      const value = (truth.values.length * 7919 % 1000 - 300) * 1e7;
      truth.values.push(value);
      metrics.trend("size").add(value);
      metrics.counter("orders").add(3);
      metrics.rate("hits").add(value > 0);
      metrics.gauge("last").add(truth.values.length);
      truth.checks++;
      if (this.check("is positive", value > 0)) truth.passed++;
    }
  };
}

function measuringCluster(): { readonly cluster: VirtualCluster; readonly truth: Truth } {
  const truth: Truth = { values: [], groups: [], checks: 0, passed: 0 };
  const cluster: VirtualCluster = new VirtualCluster(
    { users: 12, stopTimeout: 2 },
    () => [measuringUsers(() => cluster, truth)],
  );
  return { cluster, truth };
}

/** Compares what is reported with what the users know. @param own orders of the master itself. */
function assertExact({ statistics }: Snapshot, truth: Truth, own = 0): void {
  const { metrics, checks, groups, totals } = statistics;
  const { values, passed } = truth;
  const count = values.length;
  const sorted = values.toSorted((a, b) => a - b);
  const [hits, last, orders, size] = metrics;
  assert.deepEqual(metrics.map(({ name }) => name), ["hits", "last", "orders", "size"]);
  assert.ok(orders?.type === "counter" && hits?.type === "rate");
  assert.deepEqual([orders.value, hits.hits, hits.total], [3 * count + own, passed, count]);
  assert.ok(last?.type === "gauge" && size?.type === "trend");
  assert.deepEqual([last.value, last.max], [count, count]);
  assert.deepEqual(
    [size.count, size.sum, size.figures.min, size.figures.max],
    [count, values.reduce((sum, value) => sum + value, 0), sorted[0], sorted.at(-1)],
  );
  const p99 = sorted[Math.ceil(0.99 * count) - 1]!;
  assert.ok(Math.abs(size.figures.p99! / p99 - 1) < 0.001, `${size.figures.p99}, not ${p99}`);
  assert.deepEqual(checks, [{
    name: "is positive",
    passed,
    failed: count - passed,
    rate: passed / count,
  }]);
  const [buy, pay] = groups;
  assert.deepEqual(groups.map(({ name }) => name), ["buy", "buy / pay"]);
  assert.deepEqual([buy!.failures, pay!.failures], [0, 0]);
  assert.equal(pay!.count, truth.groups.length);
  // Those that ended, and those that were cut off, are all that have searched.
  const searches = statistics.requests.find(({ name }) => name === "search")!;
  assert.ok(buy!.count + buy!.unfinished.count >= searches.requests);
  // Groups are in no total.
  assert.equal(totals.requests, searches.requests + pay!.count);
  assert.ok(Math.abs(buy!.durationMs.p50! / 80 - 1) < 0.001);
  assert.ok(Math.abs(buy!.requestsMs.p50! / 30 - 1) < 0.001);
}

function resultOf({ result }: VirtualMaster): Snapshot {
  assert.equal(result?.complete, true);
  return result!;
}

Deno.test("groups, checks and metrics of three workers are exact, also if one is cut off for 10 s", async () => {
  const { cluster, truth } = measuringCluster();
  const master = cluster.master({ expectedWorkers: 3 });
  const [, b] = ["a", "b", "c"].map((name) => cluster.worker(name));
  await cluster.advance(4_000);
  b!.line.break();
  await cluster.advance(10_000);
  b!.line.mend();
  await cluster.advance(6_000);
  cluster.worker("late");
  await cluster.advance(4_000);
  master.run.stop();
  await cluster.advance(10_000);
  assert.ok(truth.values.length > 500);
  assert.deepEqual(new Set(truth.groups), new Set(["a", "b", "c", "late"]));
  assertExact(resultOf(master), truth);
});

Deno.test("metrics of the workers and of the master itself survive a restart of the master", async () => {
  const { cluster, truth } = measuringCluster();
  const first = cluster.master();
  const orders = first.metrics.counter("orders");
  // Before the start, such as in an init handler.
  orders.add(5);
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(4_000);
  orders.add(7);
  await cluster.advance(2_000);
  first.kill();
  await cluster.advance(1_000);
  const second = await cluster.nextMaster();
  await cluster.advance(5_000);
  second.events.on("testStop", () => second.metrics.counter("orders").add(100));
  second.run.stop();
  await cluster.advance(10_000);
  assertExact(resultOf(second), truth, 112);
});

Deno.test("a reset of the statistics discards groups, checks and metrics", async () => {
  const { cluster, truth } = measuringCluster();
  const master = cluster.master({ resetStats: true });
  master.metrics.counter("orders").add(1000);
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(5_000);
  const all = { ...truth };
  master.run.stop();
  await cluster.advance(10_000);
  const { metrics, checks } = resultOf(master).statistics;
  const orders = metrics.find(({ name }) => name === "orders");
  assert.ok(orders?.type === "counter" && orders.value <= 3 * truth.values.length);
  assert.ok(checks[0]!.passed + checks[0]!.failed <= all.checks);
});
