import assert from "node:assert/strict";
import { UsageError } from "../../../src/core/errors.ts";
import { spike } from "../../../src/load/curves.ts";

Deno.test("a spike is in the middle of its time, for a third of it where nothing is said", () => {
  const curve = spike({ seconds: 9, arrivalRate: { from: 1, to: 20 }, maxUsers: 5 });
  const seen = Array.from({ length: 10 }, (_, t) => curve.at(t));
  const [low, high] = [1, 20].map((arrivalRate) => ({ arrivalRate, maxUsers: 5 }));
  assert.deepEqual(seen, [low, low, low, high, high, high, low, low, low, null]);
});

Deno.test("a spike lasts as long as it was told to", () => {
  const curve = spike({ seconds: 10, peakSeconds: 1, users: { from: 3, to: 9 } });
  assert.deepEqual([4.4, 4.5, 5.4, 5.5].map((t) => curve.at(t)), [
    { users: 3 },
    { users: 9 },
    { users: 9 },
    { users: 3 },
  ]);
  assert.equal(curve.seconds, 10);
});

Deno.test("a spike that leaves no time around it is named", () => {
  assert.throws(
    () => spike({ seconds: 10, peakSeconds: 10, users: { from: 3, to: 9 } }),
    new UsageError("spike: peakSeconds is 10, less than the 10 s of all is needed"),
  );
  assert.throws(
    () => spike({ seconds: 10, peakSeconds: 0, users: { from: 3, to: 9 } }),
    new UsageError("spike: peakSeconds is 0, a number over 0 is needed"),
  );
});
