import assert from "node:assert/strict";
import { UsageError } from "../../../src/core/errors.ts";
import { hold, repeated, stages } from "../../../src/load/curves.ts";

Deno.test("a curve comes as often as asked for", () => {
  const curve = repeated(
    stages([{ duration: 2, arrivalRate: 1 }, { duration: 1, arrivalRate: 7 }]),
    3,
  );
  assert.equal(curve.seconds, 9);
  const rates = Array.from({ length: 10 }, (_, t) => curve.at(t)).map((load) =>
    load !== null && "arrivalRate" in load ? load.arrivalRate : null
  );
  assert.deepEqual(rates, [1, 1, 7, 1, 1, 7, 1, 1, 7, null]);
});

Deno.test("a number of times that is none, and a curve without an end, are named", () => {
  const once = hold({ seconds: 1, users: 1 });
  for (
    const [times, text] of [[0, "0"], [1.5, "1.5"], [1e9, "1000000000"], ["2", "'2'"]] as const
  ) {
    assert.throws(
      () => repeated(once, times as number),
      new UsageError(`repeated: times is ${text}, a whole number from 1 to 1000 is needed`),
    );
  }
  assert.throws(
    () => repeated(hold({ users: 1 }), 2),
    new UsageError("repeated: the curve has no end, one is needed"),
  );
});
