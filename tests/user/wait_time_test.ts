import assert from "node:assert/strict";
import {
  between,
  constant,
  constantPacing,
  constantThroughput,
  exponential,
  type Turn,
} from "../../src/user/wait_time.ts";

function turn(fields: Partial<Turn>): Turn {
  const { iterationStart = 0, endsIteration = true } = fields;
  return {
    now: 0,
    iterationStart,
    endsIteration,
    passStart: iterationStart,
    endsPass: endsIteration,
    random: () => 0.5,
    ...fields,
  };
}

Deno.test("constant is always the same", () => {
  assert.equal(constant(1.5)({}, turn({})), 1.5);
});

Deno.test("between covers the range between its bounds", () => {
  const wait = between(1, 3);
  assert.equal(wait({}, turn({ random: () => 0 })), 1);
  assert.equal(wait({}, turn({ random: () => 0.25 })), 1.5);
  assert.equal(wait({}, turn({ random: () => 0.75 })), 2.5);
});

Deno.test("the median of exponential is ln 2 times its mean", () => {
  assert.equal(exponential(2)({}, turn({ random: () => 0.5 })), 2 * Math.LN2);
  assert.equal(exponential(2)({}, turn({ random: () => 0 })), 0);
});

Deno.test("constantPacing waits for the time that the iteration has not used", () => {
  const wait = constantPacing(2);
  const user = {};
  assert.equal(wait(user, turn({ now: 10.5, iterationStart: 10 })), 1.5);
});

Deno.test("constantPacing waits only after the last test of an iteration", () => {
  assert.equal(
    constantPacing(2)({}, turn({ now: 10.5, iterationStart: 10, endsIteration: false })),
    0,
  );
});

Deno.test("constantPacing compensates for late timers", () => {
  const wait = constantPacing(1);
  const user = {};
  assert.equal(wait(user, turn({ now: 100.25, iterationStart: 100 })), 0.75);
  // The timer fired 5 ms late, at 101.005, and the iteration took 0.2 s again. Due is 102, not 102.005.
  const next = wait(user, turn({ now: 101.205, iterationStart: 101.005 })) as number;
  assert.ok(Math.abs(next - 0.795) < 1e-9, String(next));
});

Deno.test("constantPacing does not catch up after an iteration that took too long", () => {
  const wait = constantPacing(1);
  const user = {};
  assert.equal(wait(user, turn({ now: 5, iterationStart: 0 })), 0);
  assert.equal(wait(user, turn({ now: 5.25, iterationStart: 5 })), 0.75);
});

Deno.test("constantPacing is separate for each user", () => {
  const wait = constantPacing(1);
  assert.equal(wait({}, turn({ now: 0.5, iterationStart: 0 })), 0.5);
  assert.equal(wait({}, turn({ now: 0.75, iterationStart: 0 })), 0.25);
});

Deno.test("constantThroughput is the inverse of a pace", () => {
  assert.equal(constantThroughput(4)({}, turn({ now: 0.125, iterationStart: 0 })), 0.125);
});

const REFUSED: [what: string, make: () => unknown, message: RegExp][] = [
  ["constant(-1)", () => constant(-1), /constant\(-1\): expected 0 or more seconds/],
  ["between(3, 1)", () => between(3, 1), /between\(3, 1\): the maximum is below/],
  ["between(NaN, 1)", () => between(NaN, 1), /between\(NaN\)/],
  ["exponential(Infinity)", () => exponential(Infinity), /exponential\(Infinity\)/],
  [
    "constantPacing(0)",
    () => constantPacing(0),
    /constantPacing\(0\): expected more than 0 seconds/,
  ],
  [
    "constantThroughput(0)",
    () => constantThroughput(0),
    /constantThroughput\(0\): expected more than 0 iterations/,
  ],
];

for (const [what, make, message] of REFUSED) {
  Deno.test(`${what} is refused`, () => {
    assert.throws(make, { name: "RangeError", message });
  });
}
