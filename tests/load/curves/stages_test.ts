import assert from "node:assert/strict";
import { UsageError } from "../../../src/core/errors.ts";
import { type Stage, stages } from "../../../src/load/curves.ts";

Deno.test("stages follow one another, and end after the last one", () => {
  const curve = stages([
    { duration: 10, users: 5, rate: 1 },
    { duration: 0.5, users: 0, rate: 100 },
  ]);
  assert.equal(curve.seconds, 10.5);
  assert.deepEqual([0, 9.9, 10, 10.49].map((t) => curve.at(t)), [
    { users: 5, rate: 1 },
    { users: 5, rate: 1 },
    { users: 0, rate: 100 },
    { users: 0, rate: 100 },
  ]);
  assert.equal(curve.at(10.5), null);
});

Deno.test("stages may be of arrivals, with the most users or without", () => {
  const curve = stages([
    { duration: 1, arrivalRate: 0.5, maxUsers: 3 },
    { duration: 1, arrivalRate: 0 },
  ]);
  assert.deepEqual([0, 1].map((t) => curve.at(t)), [
    { arrivalRate: 0.5, maxUsers: 3 },
    { arrivalRate: 0 },
  ]);
});

Deno.test("the first wrong stage is named", () => {
  const good = { duration: 1, users: 1, rate: 1 };
  for (
    const [list, text] of [
      [
        [good, { ...good, duration: -1 }],
        "stages[1]: duration is -1, a number of seconds over 0 is needed",
      ],
      [[{ ...good, rate: 0 }], "stages[0]: rate is 0, a number over 0 is needed"],
      [
        [good, { duration: 1, arrivalRate: 1 }],
        "stages[1]: users and arrivals are mixed, a test has one of them from its beginning to its end",
      ],
      [
        good,
        "stages is { duration: 1, users: 1, rate: 1 }, a list of { duration, users, rate } is needed",
      ],
    ] as const
  ) {
    assert.throws(() => stages(list as readonly Stage[]), new UsageError(text));
  }
});
