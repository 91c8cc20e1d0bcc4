import fc from "fast-check";
import assert from "node:assert/strict";
import { UsageError } from "../../../src/core/errors.ts";
import { ramp } from "../../../src/load/curves.ts";

Deno.test("users are told where to be a second later, up to the end of the ramp", () => {
  const curve = ramp({ seconds: 4.5, users: { from: 10, to: 100 } });
  assert.equal(curve.seconds, 4.5);
  const asked = [0, 1, 2, 3, 3.5, 4, 4.4];
  assert.deepEqual(
    asked.map((t) => curve.at(t)),
    [30, 50, 70, 90, 100, 100, 100].map((users) => ({ users })),
  );
  assert.equal(curve.at(4.5), null);
});

Deno.test("a ramp may go down", () => {
  const curve = ramp({ seconds: 10, users: { from: 20, to: 0 } });
  assert.deepEqual([0, 4, 9].map((t) => curve.at(t)), [
    { users: 18 },
    { users: 10 },
    { users: 0 },
  ]);
});

Deno.test("the arrivals of all seconds are those of the line", () => {
  const rate = fc.double({ min: 0, max: 1e4, noNaN: true });
  fc.assert(fc.property(rate, rate, fc.integer({ min: 1, max: 300 }), (from, to, seconds) => {
    const curve = ramp({ seconds, arrivalRate: { from, to }, maxUsers: 7 });
    let iterations = 0;
    for (let t = 0; t < seconds; t++) {
      const load = curve.at(t)!;
      assert.ok("arrivalRate" in load && load.maxUsers === 7);
      iterations += load.arrivalRate;
    }
    const exact = (from + to) / 2 * seconds;
    assert.ok(Math.abs(iterations - exact) <= 1e-9 * exact + 1e-9, `${iterations}, not ${exact}`);
  }));
});

Deno.test("what is wrong with the options is named", () => {
  const cases: [unknown, string][] = [
    [{ users: { from: 1, to: 2 } }, "seconds is undefined, a number over 0 is needed"],
    [{ seconds: "1m", users: { from: 1, to: 2 } }, "seconds is '1m', a number over 0 is needed"],
    [{ seconds: 1 }, "either users or an arrivalRate is needed"],
    [
      { seconds: 1, users: { from: 1, to: 2 }, arrivalRate: { from: 1, to: 2 } },
      "either users or an arrivalRate is needed",
    ],
    [{ seconds: 1, users: 5 }, "users is 5, { from, to } is needed"],
    [{ seconds: 1, users: [0, 5] }, "users is [ 0, 5 ], { from, to } is needed"],
    [
      { seconds: 1, users: { from: 1.5, to: 2 } },
      "users.from is 1.5, a whole number of 0 or more is needed",
    ],
    [
      { seconds: 1, users: { from: 1 } },
      "users.to is undefined, a whole number of 0 or more is needed",
    ],
    [
      { seconds: 1, arrivalRate: { from: 1, to: -2 } },
      "arrivalRate.to is -2, a number of 0 or more is needed",
    ],
    [
      { seconds: 1, arrivalRate: { from: 1, to: 2 }, maxUsers: 0.5 },
      "maxUsers is 0.5, a whole number of 1 or more is needed",
    ],
  ];
  for (const [options, text] of cases) {
    assert.throws(
      () => ramp(options as Parameters<typeof ramp>[0]),
      new UsageError(`ramp: ${text}`),
    );
  }
});
