import assert from "node:assert/strict";
import { WorkerState } from "../../src/cluster/run_state.ts";
import { AiotestError } from "../../src/core/errors.ts";
import { WorkerWait } from "../../src/runner/master.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

interface Scene {
  readonly clock: FakeClock;
  readonly muster: WorkerWait;
  readonly staff: WorkerState[];
  readonly connected: Set<WorkerState>;
  /** When a second of the wait was over. */
  readonly seconds: number[];
  readonly infos: string[];
}

function scene(expectedWorkers: number, expectSeconds = 0): Scene {
  const clock = new FakeClock();
  const staff: WorkerState[] = [];
  const connected = new Set<WorkerState>();
  const seconds: number[] = [];
  const infos: string[] = [];
  const muster = new WorkerWait({
    clock,
    hall: { staff, isConnected: (member) => connected.has(member) },
    expectedWorkers,
    expectSeconds,
    onSecond: () => void seconds.push(clock.now()),
    onInfo: (text) => void infos.push(text),
  });
  return { clock, muster, staff, connected, seconds, infos };
}

function come({ staff, connected }: Scene): WorkerState {
  const name = String(staff.length);
  const member = new WorkerState({ id: name, incarnation: name, index: staff.length, host: "box" });
  staff.push(member);
  connected.add(member);
  return member;
}

/** Whether a promise has settled, and how. */
function outcome(promise: Promise<void>): { text: string } {
  const result = { text: "waiting" };
  promise.then(() => result.text = "done", (error: unknown) => result.text = String(error));
  return result;
}

Deno.test("it waits until enough are ready, for ever where nothing is said", async () => {
  const all = scene(2);
  const waiting = outcome(all.muster.ofNew());
  come(all);
  all.muster.look();
  await all.clock.advance(100_000);
  assert.equal(waiting.text, "waiting");
  assert.equal(all.seconds.length, 100);
  come(all);
  all.muster.look();
  await settle();
  assert.equal(waiting.text, "done");
  assert.equal(all.clock.pending, 0);
});

Deno.test("who is ready and not there does not count", async () => {
  const all = scene(2);
  const waiting = outcome(all.muster.ofNew());
  const first = come(all);
  all.connected.delete(first);
  come(all);
  all.muster.look();
  await settle();
  assert.equal(waiting.text, "waiting");
  all.connected.add(first);
  all.muster.look();
  await settle();
  assert.equal(waiting.text, "done");
});

Deno.test("those that do not come in time are an error with exit code 4", async () => {
  const all = scene(3, 10);
  const waited = all.muster.ofNew().catch((error: unknown) => error);
  come(all);
  await all.clock.advance(10_000);
  const error = await waited;
  assert.ok(error instanceof AiotestError);
  assert.equal(error.exitCode, 4);
  assert.equal(error.message, "1 of 3 workers came within 10 s");
  assert.match(error.hint, /--expect-workers-max-wait/);
  assert.equal(all.clock.pending, 0);
});

Deno.test("who gives up waits for nobody, now and later", async () => {
  const all = scene(3, 10);
  const waiting = outcome(all.muster.ofNew());
  all.muster.giveUp();
  await settle();
  assert.equal(waiting.text, "done");
  assert.equal(all.clock.pending, 0);
  await all.muster.of(
    [new WorkerState({ id: "x", incarnation: "x", index: 0, host: "box" })],
    1000,
  );
  assert.equal(all.clock.now(), 0);
});

Deno.test("those of before are waited for until all are connected, or the time is over", async () => {
  const all = scene(1);
  const members = [come(all), come(all)];
  all.connected.clear();
  const waiting = outcome(all.muster.of(members, 10_000));
  all.connected.add(members[0]!);
  all.muster.look();
  await all.clock.advance(2_000);
  assert.equal(waiting.text, "waiting");
  all.connected.add(members[1]!);
  all.muster.look();
  await settle();
  assert.equal(waiting.text, "done");

  all.connected.clear();
  const again = outcome(all.muster.of(members, 10_000));
  await all.clock.advance(9_999);
  assert.equal(again.text, "waiting");
  await all.clock.advance(1);
  assert.equal(again.text, "done");
  assert.equal(all.clock.pending, 0);
});

Deno.test("who is ready is told at most once a second, and when all are", async () => {
  const all = scene(5);
  void all.muster.ofNew();
  for (let count = 0; count < 3; count++) {
    come(all);
    all.muster.announce();
  }
  assert.deepEqual(all.infos, ["1 of 5 workers are ready."]);
  await all.clock.advance(1000);
  assert.deepEqual(all.infos.slice(1), ["3 of 5 workers are ready."]);
  for (let count = 0; count < 2; count++) {
    come(all);
    all.muster.announce();
  }
  assert.deepEqual(all.infos.slice(2), ["5 of 5 workers are ready."]);
  all.muster.look();
});
