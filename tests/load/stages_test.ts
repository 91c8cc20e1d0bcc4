import fc from "fast-check";
import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import type { Curve } from "../../src/load/curve.ts";
import { delayed, inSequence, plus, repeated, scaled } from "../../src/load/curves.ts";
import { type Stage, stages, stageWarnings } from "../../src/load/stages.ts";
import { type EndingCurve, momentsOf } from "../support/curves.ts";

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

Deno.test("stages may have arrival rates, with or without maxUsers", () => {
  const curve = stages([
    { duration: 1, arrivalRate: 0.5, maxUsers: 3 },
    { duration: 1, arrivalRate: 0 },
  ]);
  assert.deepEqual([0, 1].map((t) => curve.at(t)), [
    { arrivalRate: 0.5, maxUsers: 3 },
    { arrivalRate: 0 },
  ]);
});

Deno.test("the first invalid stage is rejected", () => {
  const good = { duration: 1, users: 1, rate: 1 };
  for (
    const [list, text] of [
      [
        [good, { ...good, duration: -1 }],
        "stages[1]: duration must be a number of seconds over 0, not -1",
      ],
      [[{ ...good, rate: 0 }], "stages[0]: rate must be a number over 0, not 0"],
      [
        [good, { duration: 1, arrivalRate: 1 }],
        "stages[1]: users and arrivals are mixed: a test has either users or an arrival rate from start to end",
      ],
      [
        good,
        "stages must be a list of { duration, users, rate }, not { duration: 1, users: 1, rate: 1 }",
      ],
    ] as const
  ) {
    assert.throws(() => stages(list as readonly Stage[]), new UsageError(text));
  }
});

Deno.test("stages may say until when they last instead of how long", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 6 }),
    (durations) => {
      let end = 0;
      const lengths = stages(durations.map((duration) => ({ duration, arrivalRate: duration })));
      const ends = stages(
        durations.map((one) => ({ untilSeconds: end += one, arrivalRate: one })),
      );
      assert.equal(ends.seconds, lengths.seconds);
      for (const t of momentsOf(ends as EndingCurve)) {
        assert.deepEqual(ends.at(t), lengths.at(t));
      }
      assert.equal(ends.at(end), null);
    },
  ));
});

Deno.test("stages end by their length or at a time, all in the same way, one after the other", () => {
  const load = { users: 1, rate: 1 };
  for (
    const [list, text] of [
      [
        [{ ...load, duration: 5, untilSeconds: 5 }],
        "stages[0]: give either duration, the length of the stage, or untilSeconds, when it ends",
      ],
      [
        [{ ...load, untilSeconds: 5 }, { ...load, duration: 5 }],
        "stages[1]: duration and untilSeconds are mixed: all stages need the same one",
      ],
      [
        [{ ...load, duration: 5 }, { ...load, untilSeconds: 5 }],
        "stages[1]: duration and untilSeconds are mixed: all stages need the same one",
      ],
      [
        [{ ...load, untilSeconds: 0 }],
        "stages[0]: untilSeconds must be a number of seconds over 0, not 0",
      ],
      [
        [{ ...load, untilSeconds: 60 }, { ...load, untilSeconds: 60 }],
        "stages[1]: untilSeconds must be more than the 60 s before, not 60",
      ],
      [[load], "stages[0]: duration must be a number of seconds over 0, not undefined"],
      [[{ ...load, until: 5 }], 'stages[0]: "until" is unknown: perhaps you mean untilSeconds'],
    ] as const
  ) {
    assert.throws(() => stages(list as unknown as readonly Stage[]), new UsageError(text));
  }
});

function lasting(...durations: readonly number[]): Curve {
  return stages(durations.map((duration) => ({ duration, users: 1, rate: 1 })));
}

Deno.test("durations that rise like times at which stages end are warned of, however deep they are", () => {
  const copied = lasting(60, 100, 180);
  const late = delayed(5, repeated(scaled(inSequence(copied, lasting(5)), 2), 3));
  for (const curve of [copied, late, plus(late, copied)]) {
    assert.deepEqual(stageWarnings("TestSteps.curve", curve), [
      "TestSteps.curve: the durations of its stages rise (60, 100, 180), like the times at which " +
      "stages end in a Locust file. Here, a duration is the length of its own stage, and these " +
      "stages last 340 s. If the times are meant, write untilSeconds in place of duration. If the " +
      "lengths are meant, untilSeconds: 60, 160, 340 is the same load without this warning.",
    ]);
  }
  assert.equal(stageWarnings("x", inSequence(copied, lasting(10, 20, 30, 40, 50, 60))).length, 2);
  assert.match(
    stageWarnings("x", lasting(10, 20, 30, 40, 50, 60)).join(),
    / rise \(10, 20, 30, 40, 50 …\), .* untilSeconds: 10, 30, 60, 100, 150 … is /,
  );
});

Deno.test("other durations are not warned of", () => {
  for (
    const durations of [
      [],
      [60],
      [60, 100],
      [60, 60, 60],
      [60, 100, 100],
      [60, 100, 30],
      // Held longer and longer.
      [10, 60, 600],
      [60, 120, 240, 480],
    ]
  ) {
    assert.deepEqual(stageWarnings("x", lasting(...durations)), [], durations.join());
  }
  const ends = [60, 100, 180].map((untilSeconds) => ({ untilSeconds, users: 1, rate: 1 }));
  assert.deepEqual(stageWarnings("x", stages(ends)), []);
});
