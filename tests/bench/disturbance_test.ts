import assert from "node:assert/strict";
import {
  coreTimes,
  disturbance,
  type MachineState,
  TOLERATED,
} from "../../bench/support/disturbance.ts";

const STAT = `cpu  300 30 60 5000 0 9 8 5 0 0
cpu0 100 10 20 2500 0 4 4 1 0 0
cpu1 200 20 40 2500 0 5 4 4 0 0
intr 1 2 3
ctxt 12
`;

const CORES = { target: 0, client: 1 };

function state(at: number, changes: Partial<MachineState> = {}): MachineState {
  return { programs: [at, at], stolen: [0, 0], at, targetWaited: 0, client: at, ...changes };
}

Deno.test("the times of each core are read, without interrupts", () => {
  assert.deepEqual(coreTimes(STAT), { programs: [1.3, 2.6], stolen: [0.01, 0.04] });
});

Deno.test("a run that had its cores to itself is not disturbed", () => {
  assert.equal(disturbance(state(10), state(13), CORES), 0);
});

Deno.test("a client that counts more than its core does is not disturbed", () => {
  assert.equal(disturbance(state(10), state(13, { client: 13.2 }), CORES), 0);
});

Deno.test("a target that waits for its core is disturbed", () => {
  const after = state(13, { targetWaited: 0.3 });
  assert.ok(Math.abs(disturbance(state(10), after, CORES) - 0.1) < 1e-9);
  assert.ok(disturbance(state(10), after, CORES) > TOLERATED);
});

Deno.test("programs on the client's core disturb, those on the target's core do unless it waits", () => {
  assert.equal(disturbance(state(10), state(12, { client: 11 }), CORES), 0.5);
  assert.equal(disturbance(state(10), state(12, { programs: [19, 12] }), CORES), 0);
});

Deno.test("stolen time disturbs on either core", () => {
  assert.equal(disturbance(state(10), state(12, { stolen: [0.2, 0] }), CORES), 0.1);
  assert.equal(disturbance(state(10), state(12, { stolen: [0, 0.4] }), CORES), 0.2);
});
