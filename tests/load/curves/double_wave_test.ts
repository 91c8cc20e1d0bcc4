import assert from "node:assert/strict";
import { UsageError } from "../../../src/core/errors.ts";
import { doubleWave, wave } from "../../../src/load/curves.ts";

Deno.test("two waves follow one another, the second as high as the first or of its own height", () => {
  const [first, second] = [100, 60].map((to) => wave({ seconds: 300, users: { from: 20, to } }));
  const same = doubleWave({ seconds: 600, users: { from: 20, to: 100 } });
  const other = doubleWave({ seconds: 600, users: { from: 20, to: 100, thenTo: 60 } });
  assert.equal(other.seconds, 600);
  for (let t = 0; t < 300; t++) {
    assert.deepEqual(same.at(t), first!.at(t));
    assert.deepEqual(same.at(300 + t), first!.at(t));
    assert.deepEqual(other.at(t), first!.at(t));
    assert.deepEqual(other.at(300 + t), second!.at(t));
  }
  assert.equal(other.at(600), null);
});

Deno.test("a double wave of arrivals keeps the most users", () => {
  const curve = doubleWave({ seconds: 4, arrivalRate: { from: 0, to: 8 }, maxUsers: 3 });
  // The mean of the second: from 0 to the peak, from the peak to 0, and again.
  assert.deepEqual(
    [0, 1, 2, 3].map((t) => curve.at(t)),
    Array(4).fill({ arrivalRate: 4, maxUsers: 3 }),
  );
});

Deno.test("what is wrong with the options is named", () => {
  for (
    const [options, text] of [
      [{ seconds: 0, users: { from: 0, to: 1 } }, "seconds is 0, a number over 0 is needed"],
      [
        { seconds: 9, users: { from: 0 } },
        "users.to is undefined, a whole number of 0 or more is needed",
      ],
      [
        { seconds: 9, users: { from: 0, to: 1, thenTo: 0.5 } },
        "users.thenTo is 0.5, a whole number of 0 or more is needed",
      ],
    ] as const
  ) {
    assert.throws(
      () => doubleWave(options as Parameters<typeof doubleWave>[0]),
      new UsageError(`doubleWave: ${text}`),
    );
  }
});
