import assert from "node:assert/strict";
import { UsageError } from "../../../src/core/errors.ts";
import { stepUntilItBreaks } from "../../../src/load/curves.ts";

/** The load of each step. */
function stepsOf(options: Parameters<typeof stepUntilItBreaks>[0]): unknown[] {
  const curve = stepUntilItBreaks(options);
  const steps: unknown[] = [];
  for (let t = 0; t < curve.seconds!; t += options.stepSeconds) steps.push(curve.at(t));
  return steps;
}

Deno.test("steps go up to the highest load, whatever is left for the last one", () => {
  const users = { from: 10, step: 20, to: 60 };
  assert.deepEqual(
    stepsOf({ stepSeconds: 5, users }),
    [10, 30, 50, 60].map((users) => ({ users })),
  );
  assert.deepEqual(
    stepsOf({ stepSeconds: 5, users: { ...users, to: 50 } }),
    [10, 30, 50].map((users) => ({ users })),
  );
  assert.deepEqual(stepsOf({ stepSeconds: 5, users: { ...users, to: 10 } }), [{ users: 10 }]);
});

Deno.test("steps of a fraction are as many as they would be without rounding", () => {
  const steps = stepsOf({ stepSeconds: 1, arrivalRate: { from: 0, step: 0.1, to: 0.3 } });
  assert.equal(steps.length, 4);
  assert.deepEqual(steps.at(-1), { arrivalRate: 0.3 });
});

Deno.test("each moment is in its step, with the number and the beginning of that", () => {
  const curve = stepUntilItBreaks({ stepSeconds: 2.5, users: { from: 1, step: 1, to: 3 } });
  assert.equal(curve.seconds, 7.5);
  assert.deepEqual([0, 2.4, 2.5, 7.4, 7.5].map((t) => curve.stepAt!(t)), [
    { index: 0, startsAt: 0, skipTo: 7.5 },
    { index: 0, startsAt: 0, skipTo: 7.5 },
    { index: 1, startsAt: 2.5, skipTo: 7.5 },
    { index: 2, startsAt: 5, skipTo: 7.5 },
    null,
  ]);
});

Deno.test("what is wrong with the options is named", () => {
  const users = { from: 1, step: 1, to: 3 };
  for (
    const [options, text] of [
      [{ stepSeconds: 0.5, users }, "stepSeconds is 0.5, a number of 1 or more is needed"],
      [{ users }, "stepSeconds is undefined, a number of 1 or more is needed"],
      [{ stepSeconds: 5, users: 9 }, "users is 9, { from, step, to } is needed"],
      [
        { stepSeconds: 5, users: { from: 1, to: 3 } },
        "users.step is undefined, a whole number of 0 or more is needed",
      ],
    ] as const
  ) {
    assert.throws(
      () => stepUntilItBreaks(options as Parameters<typeof stepUntilItBreaks>[0]),
      new UsageError(`stepUntilItBreaks: ${text}`),
    );
  }
});

Deno.test("steps that lead nowhere are named", () => {
  for (const users of [{ from: 5, step: 0, to: 9 }, { from: 5, step: 1, to: 4 }]) {
    const { from, step, to } = users;
    assert.throws(
      () => stepUntilItBreaks({ stepSeconds: 5, users }),
      new UsageError(
        `stepUntilItBreaks: from ${from} in steps of ${step} to ${to} leads nowhere`,
        "The steps go up: step is over 0, and to is not below from.",
      ),
    );
  }
});
