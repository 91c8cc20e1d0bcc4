import assert from "node:assert/strict";
import { EventLoopMonitor } from "../../src/core/clock.ts";
import {
  GeneratorHealth,
  localFailureProblem,
  openFilesProblem,
} from "../../src/runner/generator_health.ts";
import { FakeClock } from "../support/fake_clock.ts";

interface Watched {
  readonly clock: FakeClock;
  readonly health: GeneratorHealth;
  readonly warnings: string[];
  cpuSeconds: number;
  /** How often the delay of the event loop was measured. */
  probes: number;
}

function watched(): Watched {
  const clock = new FakeClock();
  const warnings: string[] = [];
  const state: Watched = {
    clock,
    warnings,
    cpuSeconds: 0,
    probes: 0,
    health: new GeneratorHealth(
      clock,
      new EventLoopMonitor(),
      () => state.cpuSeconds,
      (text) => warnings.push(text),
      () => state.probes++,
    ),
  };
  state.health.start();
  return state;
}

Deno.test("CPU use is CPU time divided by elapsed time", async () => {
  const state = watched();
  await state.clock.advance(1000);
  state.cpuSeconds = 0.25;
  assert.equal(state.health.check().cpu, 0.25);
  await state.clock.advance(2000);
  state.cpuSeconds = 1.25;
  assert.equal(state.health.check().cpu, 0.5);
  assert.equal(state.health.cpuPeak, 0.5);
  state.health.stop();
  assert.equal(state.clock.pending, 0);
});

Deno.test("CPU use over 90 % causes a warning after 5 s in a row, not before", async () => {
  const state = watched();
  const second = async (share: number): Promise<void> => {
    await state.clock.advance(1000);
    state.cpuSeconds += share;
    state.health.check();
  };
  for (const share of [0.95, 0.95, 0.95, 0.95, 0.5, 0.95, 0.95, 0.95, 0.95]) await second(share);
  assert.deepEqual(state.warnings, []);
  await second(0.95);
  assert.equal(state.warnings.length, 1);
  assert.match(state.warnings[0]!, /over 90 % of a core for 5 s/);
});

Deno.test("the event loop is measured less often while users do nothing, and no less exactly", async () => {
  const state = watched();
  const probesOfSecond = async (): Promise<number> => {
    const before = state.probes;
    await state.clock.advance(1000);
    return state.probes - before;
  };
  assert.equal(await probesOfSecond(), 50);
  state.health.check(true);
  // The probe that was under way still ends after 20 ms.
  assert.equal(await probesOfSecond(), 10);
  assert.equal(await probesOfSecond(), 10);
  assert.equal(state.health.check(true).lagMs, 0);
  state.health.check(false);
  await state.clock.advance(100);
  assert.equal(await probesOfSecond(), 50);
});

Deno.test("an event loop on time has no lag and causes no warning", async () => {
  const state = watched();
  for (let i = 0; i < 10; i++) {
    await state.clock.advance(1000);
    assert.equal(state.health.check().lagMs, 0);
  }
  assert.deepEqual(state.warnings, []);
});

Deno.test("an event loop that runs late is measured and causes a warning", async () => {
  const clock = new FakeClock();
  // Each timer is 60 ms late, as if something blocked the loop.
  const late = {
    now: () => clock.now(),
    wallTime: () => clock.wallTime(),
    setTimer: (callback: () => void, ms: number) => clock.setTimer(callback, ms + 60),
    clearTimer: (timer: object) => clock.clearTimer(timer),
    nextTurn: () => clock.nextTurn(),
  };
  const warnings: string[] = [];
  const health = new GeneratorHealth(
    late,
    new EventLoopMonitor(),
    () => 0,
    (text) => warnings.push(text),
  );
  health.start();
  for (let i = 0; i < 5; i++) {
    await clock.advance(1000);
    assert.equal(health.check().lagMs, 60);
  }
  assert.match(warnings[0]!, /over 50 ms late/);
});

Deno.test("each user needs an open file, and the process some more", () => {
  assert.equal(openFilesProblem(950, 1000), null);
  assert.equal(
    openFilesProblem(951, 1000),
    "The open file limit of 1000 is too low for 951 users with a connection each: " +
      "raise it with `ulimit -n` before the test.",
  );
});

Deno.test("there is no warning if the limit is unknown", () => {
  assert.equal(openFilesProblem(1e6, null), null);
});

Deno.test("the warning about requests that were not sent says what to do", () => {
  assert.equal(
    localFailureProblem("EMFILE", 64),
    "Some requests could not be sent because the load generator ran out of file descriptors " +
      "(limit 64): raise the limit with `ulimit -n` before the test, or use fewer users per " +
      "process. They are counted as errors of the load generator, not as requests.",
  );
  assert.match(localFailureProblem("EMFILE", null), /file descriptors: raise the limit/);
  assert.match(localFailureProblem("EADDRNOTAVAIL", null), /ran out of local ports: reuse/);
  assert.match(localFailureProblem("ENOBUFS", null), /no memory for connections: use fewer/);
});
