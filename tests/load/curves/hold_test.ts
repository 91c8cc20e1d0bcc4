import assert from "node:assert/strict";
import { UsageError } from "../../../src/core/errors.ts";
import { hold } from "../../../src/load/curves.ts";

Deno.test("a load is held for its seconds, or without an end", () => {
  const curve = hold({ seconds: 2.5, users: 7, rate: 0.5 });
  assert.equal(curve.seconds, 2.5);
  assert.deepEqual([0, 2.49].map((t) => curve.at(t)), Array(2).fill({ users: 7, rate: 0.5 }));
  assert.equal(curve.at(2.5), null);
  const endless = hold({ arrivalRate: 0.1, maxUsers: 4 });
  assert.equal(endless.seconds, null);
  assert.deepEqual(endless.at(1e9), { arrivalRate: 0.1, maxUsers: 4 });
});

Deno.test("what is wrong with the options is named", () => {
  for (
    const [options, text] of [
      [{ seconds: -1, users: 1 }, "seconds is -1, a number over 0 is needed"],
      [{ users: 0.5 }, "users is 0.5, a whole number of 0 or more is needed"],
      [{ users: 1, rate: 0 }, "rate is 0, a number over 0 is needed"],
      [{ arrivalRate: -1 }, "arrivalRate is -1, a number of 0 or more is needed"],
      [{ users: 1, arrivalRate: 1 }, "either users or an arrivalRate can be given, not both"],
    ] as const
  ) {
    assert.throws(
      () => hold(options as Parameters<typeof hold>[0]),
      new UsageError(`hold: ${text}`),
    );
  }
});
