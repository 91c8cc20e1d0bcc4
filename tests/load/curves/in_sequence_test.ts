import fc from "fast-check";
import assert from "node:assert/strict";
import { UsageError } from "../../../src/core/errors.ts";
import { type Curve, hold, inSequence, stepUntilItBreaks } from "../../../src/load/curves.ts";
import { anyCurve, momentsOf } from "../../support/curves.ts";

/** A curve that answers with the time that it is asked for. */
const told: Curve = { seconds: 3, at: (t) => ({ arrivalRate: t }) };

Deno.test("each curve begins at its own 0, exactly where the one before ends", () => {
  const curve = inSequence(told, told, told);
  assert.equal(curve.seconds, 9);
  const asked = [0, 2.75, 3, 5.5, 6, 8.75];
  assert.deepEqual(
    asked.map((t) => curve.at(t)),
    [0, 2.75, 0, 2.5, 0, 2.75].map((arrivalRate) => ({ arrivalRate })),
  );
  assert.equal(curve.at(9), null);
});

Deno.test("a sequence is its curves, one after the other", () => {
  fc.assert(fc.property(anyCurve("arrivals"), anyCurve("arrivals"), (one, other) => {
    const curve = inSequence(one, other);
    assert.equal(curve.seconds, one.seconds + other.seconds);
    for (const t of momentsOf(one)) assert.deepEqual(curve.at(t), one.at(t));
    assert.deepEqual(curve.at(one.seconds), other.at(0));
  }));
});

Deno.test("only the last curve may be without an end", () => {
  const endless = hold({ users: 3 });
  const curve = inSequence(hold({ seconds: 5, users: 1 }), endless);
  assert.equal(curve.seconds, null);
  assert.deepEqual(curve.at(1e9), { users: 3 });
  assert.throws(
    () => inSequence(hold({ seconds: 5, users: 1 }), endless, endless),
    new UsageError("inSequence: the curve at index 1 has no end, only the last may"),
  );
});

Deno.test("steps keep their numbers, at the sequence's own times", () => {
  const steps = stepUntilItBreaks({ stepSeconds: 10, users: { from: 1, step: 1, to: 3 } });
  const curve = inSequence(hold({ seconds: 5, users: 1 }), steps, hold({ seconds: 5, users: 1 }));
  assert.deepEqual([4, 5, 16, 34.9, 35].map((t) => curve.stepAt!(t)), [
    null,
    { index: 0, startsAt: 5, skipTo: 35 },
    { index: 1, startsAt: 15, skipTo: 35 },
    { index: 2, startsAt: 25, skipTo: 35 },
    null,
  ]);
  assert.equal(inSequence(told).stepAt, undefined);
});
