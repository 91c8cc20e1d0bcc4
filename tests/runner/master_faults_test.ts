import fc from "fast-check";
import assert from "node:assert/strict";
import {
  iterationCounts,
  requests,
  unfinished,
  VirtualCluster,
  type VirtualMaster,
} from "../support/virtual_cluster.ts";

type Fault =
  | { readonly kind: "cut"; readonly worker: number }
  | { readonly kind: "break" | "stall"; readonly worker: number; readonly forMs: number }
  | { readonly kind: "leave"; readonly worker: number }
  | { readonly kind: "suspend"; readonly worker: number; readonly forMs: number }
  | { readonly kind: "suspendMaster" | "suspendAll"; readonly forMs: number }
  | { readonly kind: "join" }
  | { readonly kind: "restart"; readonly forMs: number };

/** Faults, each with how many milliseconds after the one before it happens. */
type TimedFaults = readonly (readonly [waitMs: number, Fault])[];

const worker = fc.nat(2);
const forMs = fc.integer({ min: 1, max: 9_000 });
const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: fc.constant("cut"), worker }),
  fc.record({ kind: fc.constantFrom("break", "stall"), worker, forMs }),
  fc.record({ kind: fc.constant("leave"), worker }),
  fc.record({ kind: fc.constant("suspend"), worker, forMs }),
  fc.record({ kind: fc.constantFrom("suspendMaster", "suspendAll"), forMs }),
  fc.record({ kind: fc.constant("join") }),
  fc.record({ kind: fc.constant("restart"), forMs }),
);

function cause(
  cluster: VirtualCluster,
  master: VirtualMaster,
  one: Exclude<Fault, { kind: "restart" }>,
): void {
  const line = "worker" in one ? cluster.workers[one.worker]!.line : null;
  switch (one.kind) {
    case "cut":
      return line!.cut();
    case "break":
      line!.break();
      return void cluster.clock.setTimer(() => line!.mend(), one.forMs);
    case "stall":
      line!.stall();
      return void cluster.clock.setTimer(() => line!.resume(), one.forMs);
    case "suspend":
      return suspend(cluster, [cluster.workers[one.worker]!], one.forMs);
    case "suspendMaster":
      return suspend(cluster, [master], one.forMs);
    case "suspendAll":
      return suspend(cluster, [master, ...cluster.workers], one.forMs);
    case "leave":
      return cluster.workers[one.worker]!.leave();
    case "join":
      return void cluster.worker(`late ${cluster.workers.length}`);
  }
}

function suspend(
  { clock }: VirtualCluster,
  processes: readonly { suspend(): void; continue(): void }[],
  forMs: number,
): void {
  for (const one of processes) one.suspend();
  clock.setTimer(() => processes.forEach((one) => one.continue()), forMs);
}

/** Causes the faults one after another; returns the master that runs at the end. */
async function causeAll(
  cluster: VirtualCluster,
  faults: TimedFaults,
  first: VirtualMaster,
  look: () => void,
  onKilled: (master: VirtualMaster) => void = () => {},
): Promise<VirtualMaster> {
  let master = first;
  for (const [waitMs, one] of faults) {
    await cluster.advance(waitMs, look);
    // Without a worker for 6 s, the run has ended, and cannot be resumed.
    if (master.result !== null) break;
    if (one.kind === "restart") {
      master.kill();
      onKilled(master);
      await cluster.advance(one.forMs, look);
      master = await cluster.nextMaster({ expectedWorkers: 3 });
    } else cause(cluster, master, one);
  }
  return master;
}

/** Runs 13 users on three workers, and checks that none is too many, and that every step is counted. */
async function checkUsers(faults: TimedFaults): Promise<void> {
  const cluster = new VirtualCluster(
    { users: 13, rate: 4 },
    (target) => [
      target.userClass("ATest", 2, 0.7),
      target.userClass("BTest", 1, 0.3),
    ],
  );
  const { target } = cluster;
  const look = (): void => assert.ok(target.users() <= 13, `${target.users()} users`);
  let master = cluster.master({ expectedWorkers: 3 });
  for (const name of ["a", "b", "c"]) cluster.worker(name);
  await cluster.advance(100, look);
  master = await causeAll(cluster, faults, master, look);
  await cluster.advance(25_000, look);
  if (master.run.failure === null) {
    const able = cluster.workers.filter(({ ended }) => !ended).length;
    assert.equal(target.users(), able > 0 ? 13 : 0);
    if (able > 0) {
      assert.deepEqual(target.usersOf(cluster.classNames), cluster.mix.counts(13));
      const each = cluster.workers.filter(({ ended }) => !ended)
        .map(({ name }) => target.users(name));
      assert.ok(Math.max(...each) - Math.min(...each) <= 1, String(each));
    }
  }
  master.run.stop();
  await cluster.advance(20_000, look);
  assert.equal(new Set(target.ids).size, target.ids.length);
  // If no worker could run users for 6 s, the run has ended without those that were cut off.
  if (master.run.failure !== null) return;
  assert.equal(master.result!.complete, true);
  assert.equal(requests(master), target.steps.length);
  assert.deepEqual(cluster.workers.map(({ error }) => error), cluster.workers.map(() => null));
}

Deno.test("a master that reads nothing for 4 s does not delay a single step of its workers", async () => {
  const cluster = new VirtualCluster({ users: 6 }, (target) => [target.userClass("ATest", 1, 0.5)]);
  const master = cluster.master();
  const workers = ["a", "b"].map((name) => cluster.worker(name));
  for (let round = 0; round < 3; round++) {
    await cluster.advance(2_000);
    for (const { line } of workers) line.stall();
    await cluster.advance(4_000);
    for (const { line } of workers) line.resume();
  }
  master.run.stop();
  await cluster.advance(10_000);
  assert.equal(master.result!.complete, true);
  const { ids, steps } = cluster.target;
  assert.equal(ids.length, 6);
  assert.equal(requests(master), steps.length);
  for (const steady of Map.groupBy(steps, ({ user }) => user).values()) {
    const pauses = steady.slice(1).map(({ atMs }, index) => atMs - steady[index]!.atMs);
    assert.deepEqual(new Set(pauses), new Set([500]));
  }
});

Deno.test("whatever fails, no user is too many, and every step is counted once", async () => {
  const faults = fc.array(fc.tuple(fc.integer({ min: 0, max: 4_000 }), fault), { maxLength: 8 });
  await fc.assert(fc.asyncProperty(faults, checkUsers), { numRuns: 40 });
});

/** Runs users on three workers whose steps take long, and checks that none of these is lost. */
async function checkLongSteps(faults: TimedFaults): Promise<void> {
  const cluster = new VirtualCluster(
    { users: 13, rate: 4 },
    (target) => [
      target.userClass("ATest", 2, 0.3, () => 0.4),
      target.userClass("BTest", 1, 0.3, (id) => id % 2 === 0 ? 2.5 : 3600),
    ],
  );
  let master = cluster.master({ expectedWorkers: 3 });
  for (const name of ["a", "b", "c"]) cluster.worker(name);
  master = await causeAll(cluster, faults, master, () => {});
  await cluster.advance(15_000);
  master.run.stop();
  await cluster.advance(20_000);
  if (master.run.failure !== null) return;
  assert.equal(master.result!.complete, true);
  assert.equal(requests(master) + unfinished(master), cluster.target.steps.length);
}

Deno.test("whatever fails, every step is counted once: as complete, or as unfinished", async () => {
  const faults = fc.array(fc.tuple(fc.integer({ min: 0, max: 4_000 }), fault), { maxLength: 8 });
  await fc.assert(fc.asyncProperty(faults, checkLongSteps), { numRuns: 20 });
});

/**
 * Runs 700 iterations on three workers, and checks that none is started twice, and that each is started
 * unless a worker was lost.
 */
async function checkSharedIterations(faults: TimedFaults): Promise<void> {
  const cluster = new VirtualCluster(
    { users: 9, rate: 6, iterations: 700 },
    (target) => [target.userClass("ATest", 2, 0.05), target.userClass("BTest", 1, 0.2)],
  );
  const { target } = cluster;
  let master = cluster.master({ expectedWorkers: 3 });
  const warnings: string[] = [];
  for (const name of ["a", "b", "c"]) cluster.worker(name);
  const look = (): void => assert.ok(target.steps.length <= 700, `${target.steps.length}`);
  await cluster.advance(100, look);
  master = await causeAll(cluster, faults, master, look, (killed) => {
    warnings.push(...killed.warnings);
  });
  await cluster.advance(120_000, look, 500);
  if (master.run.failure !== null) return;
  const { result } = master;
  assert.ok(result !== null);
  const [scheduled, started, , dropped] = iterationCounts(master);
  assert.deepEqual([scheduled, dropped], [started, 0]);
  warnings.push(...master.warnings);
  const isLost = warnings.some((text) => /has been silent for/.test(text));
  if (result.complete) assert.equal(started, target.steps.length);
  if (!isLost) assert.equal(target.steps.length, 700);
  else if (started! < 700) assert.match(result.warnings.join("\n"), /^Only \d+ of 700 iterations/m);
}

Deno.test("whatever fails, no iteration starts twice, and each starts unless a worker is lost", async () => {
  const faults = fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fault), { maxLength: 6 });
  await fc.assert(fc.asyncProperty(faults, checkSharedIterations), { numRuns: 30 });
});

/**
 * Runs a schedule of 600 iterations on three workers, and checks that each is counted: as started, or as
 * dropped by a worker that could not start it. While all workers can be reached, no more start.
 */
async function checkArrivals(faults: TimedFaults): Promise<void> {
  const cluster = new VirtualCluster({ arrivalRate: 60, maxUsers: 30, runTime: 10 });
  const { steps } = cluster.target;
  let master = cluster.master({ expectedWorkers: 3 });
  for (const name of ["a", "b", "c"]) cluster.worker(name);
  // A worker that misses a new division keeps its old share of the schedule for a while.
  const mayMiss = faults.some(([, { kind }]) => !["cut", "leave", "join"].includes(kind));
  const look = (): void => assert.ok(mayMiss || steps.length <= 600, `${steps.length} steps`);
  await cluster.advance(100, look);
  master = await causeAll(cluster, faults, master, look);
  await cluster.advance(60_000, look, 500);
  if (master.run.failure !== null) return;
  const [scheduled, started, , dropped] = iterationCounts(master);
  assert.ok(mayMiss || scheduled! <= 600, `${scheduled} scheduled`);
  if (!master.result!.complete) return;
  assert.deepEqual([started! + dropped!, started], [scheduled, steps.length]);
  // A short break of the connection costs nothing.
  const isWhole = faults.every(([, { kind }]) => kind === "cut" || kind === "join");
  if (isWhole) assert.deepEqual([scheduled, dropped], [600, 0]);
}

Deno.test("whatever fails in the open model, each iteration that starts is counted, and none twice", async () => {
  const faults = fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fault), { maxLength: 6 });
  await fc.assert(fc.asyncProperty(faults, checkArrivals), { numRuns: 20 });
});

// Counterexamples that were found to the tests above.
for (
  const [what, check, faults] of [
    [
      "an answer that arrives when the lease has expired, before the worker has noticed, starts nothing",
      checkSharedIterations,
      [[1_214, { kind: "stall", worker: 0, forMs: 4_687 }]],
    ],
    [
      "a run whose workers have all left ends, whatever is done to its master after that",
      checkUsers,
      [
        [0, { kind: "leave", worker: 1 }],
        [0, { kind: "leave", worker: 2 }],
        [0, { kind: "leave", worker: 0 }],
        [6_900, { kind: "restart", forMs: 1 }],
      ],
    ],
    [
      "a worker that leaves while the master is suspended ends once the master has its last report",
      checkUsers,
      [[0, { kind: "suspendMaster", forMs: 5_901 }], [0, { kind: "leave", worker: 0 }]],
    ],
  ] satisfies [string, typeof checkUsers, TimedFaults][]
) {
  Deno.test(what, () => check(faults));
}
