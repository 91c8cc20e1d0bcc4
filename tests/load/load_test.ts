import assert from "node:assert/strict";
import {
  DEFAULT_MAX_USERS,
  isArrivals,
  isPositive,
  loadProblem,
  resolveLoad,
  shown,
} from "../../src/load/load.ts";

function targetProblem(users: unknown, rate: unknown): string | null {
  return loadProblem({ users, rate });
}

Deno.test("whole users of 0 or more and any finite rate over 0 are a target", () => {
  for (const [users, rate] of [[0, 1], [1, 0.001], [100_000, 1e6], [5, 500]]) {
    assert.equal(targetProblem(users, rate), null);
  }
});

Deno.test("users that are no whole number of 0 or more are named", () => {
  const texts = [[1.5, "1.5"], [-1, "-1"], [NaN, "NaN"], [Infinity, "Infinity"], ["9", "'9'"], [
    undefined,
    "undefined",
  ]];
  for (const [users, text] of texts) {
    assert.equal(
      targetProblem(users, 1),
      `users must be a whole number of 0 or more, not ${text}`,
    );
  }
});

Deno.test("a rate that is no finite number over 0 is named", () => {
  for (const [rate, text] of [[0, "0"], [-2, "-2"], [NaN, "NaN"], [Infinity, "Infinity"]]) {
    assert.equal(targetProblem(1, rate), `rate must be a number over 0, not ${text}`);
  }
  assert.equal(targetProblem(1, "5"), "rate must be a number over 0, not '5'");
});

Deno.test("a bigint and a text are not over 0, as they are no numbers", () => {
  assert.equal(isPositive(0.5), true);
  assert.equal(isPositive(5n), false);
  assert.equal(isPositive("5"), false);
});

Deno.test("a value is shown in one line, however long it is", () => {
  const long = { duration: "x".repeat(60), users: "y".repeat(60), rate: "z".repeat(60) };
  assert.equal(shown(long).includes("\n"), false);
  assert.equal(shown([1.5, null]), "[ 1.5, null ]");
});

Deno.test("an arrival rate of 0 or more is a load, with at least one user or none named", () => {
  for (const rate of [0, 0.01, 250.5, 20_000]) {
    assert.equal(loadProblem({ arrivalRate: rate }), null);
    assert.equal(loadProblem({ arrivalRate: rate, maxUsers: 1 }), null);
  }
});

Deno.test("an arrival rate and a limit that are none are named", () => {
  const expected = "a number of 0 or more";
  for (const [rate, text] of [[-1, "-1"], [NaN, "NaN"], [Infinity, "Infinity"], ["5", "'5'"]]) {
    assert.equal(
      loadProblem({ arrivalRate: rate }),
      `arrivalRate must be ${expected}, not ${text}`,
    );
  }
  for (const [limit, text] of [[0, "0"], [1.5, "1.5"], ["9", "'9'"], [null, "null"]]) {
    assert.equal(
      loadProblem({ arrivalRate: 1, maxUsers: limit }),
      `maxUsers must be a whole number of 1 or more, not ${text}`,
    );
  }
});

Deno.test("a load has users or arrivals, not both, and is an object", () => {
  const both = "a load cannot have both users and an arrivalRate";
  assert.equal(loadProblem({ users: 1, arrivalRate: 1 }), both);
  assert.equal(loadProblem({ rate: 1, arrivalRate: 1 }), both);
  const none = "a load must be { users, rate } or { arrivalRate, maxUsers }";
  for (const value of [null, undefined, 5, [1, 2], "load"]) {
    assert.equal(loadProblem(value), none);
  }
});

Deno.test("an open load is told from a closed one", () => {
  assert.equal(isArrivals({ arrivalRate: 0, maxUsers: 1 }), true);
  assert.equal(isArrivals({ users: 0, rate: 1 }), false);
});

Deno.test("without a rate all changes are a second's work, and without a limit there is the usual one", () => {
  assert.deepEqual(resolveLoad({ users: 90 }, 40), { users: 90, rate: 50 });
  assert.deepEqual(resolveLoad({ users: 10 }, 40), { users: 10, rate: 30 });
  assert.deepEqual(resolveLoad({ users: 40 }, 40), { users: 40, rate: 1 });
  assert.deepEqual(resolveLoad({ users: 90, rate: 0.5 }, 40), { users: 90, rate: 0.5 });
  assert.deepEqual(resolveLoad({ arrivalRate: 3 }), {
    arrivalRate: 3,
    maxUsers: DEFAULT_MAX_USERS,
  });
  assert.deepEqual(resolveLoad({ arrivalRate: 3, maxUsers: 7 }), { arrivalRate: 3, maxUsers: 7 });
});
