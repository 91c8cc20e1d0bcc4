import assert from "node:assert/strict";
import {
  DEFAULT_MAX_USERS,
  isArrivals,
  isPositive,
  loadProblem,
  resolveLoad,
} from "../../src/load/load.ts";

function userLoadProblem(users: unknown, rate: unknown): string | null {
  return loadProblem({ users, rate });
}

Deno.test("whole users of 0 or more and any finite rate over 0 are a valid load", () => {
  for (const [users, rate] of [[0, 1], [1, 0.001], [100_000, 1e6], [5, 500]]) {
    assert.equal(userLoadProblem(users, rate), null);
  }
});

Deno.test("users that are not a whole number of 0 or more are rejected", () => {
  const texts = [[1.5, "1.5"], [-1, "-1"], [NaN, "NaN"], [Infinity, "Infinity"], ["9", "'9'"], [
    undefined,
    "undefined",
  ]];
  for (const [users, text] of texts) {
    assert.equal(
      userLoadProblem(users, 1),
      `users must be a whole number of 0 or more, not ${text}`,
    );
  }
});

Deno.test("a rate that is not a finite number over 0 is rejected", () => {
  for (const [rate, text] of [[0, "0"], [-2, "-2"], [NaN, "NaN"], [Infinity, "Infinity"]]) {
    assert.equal(userLoadProblem(1, rate), `rate must be a number over 0, not ${text}`);
  }
  assert.equal(userLoadProblem(1, "5"), "rate must be a number over 0, not '5'");
});

Deno.test("a bigint and a string are not numbers over 0", () => {
  assert.equal(isPositive(0.5), true);
  assert.equal(isPositive(5n), false);
  assert.equal(isPositive("5"), false);
});

Deno.test("an arrival rate of 0 or more is a valid load, with or without maxUsers", () => {
  for (const rate of [0, 0.01, 250.5, 20_000]) {
    assert.equal(loadProblem({ arrivalRate: rate }), null);
    assert.equal(loadProblem({ arrivalRate: rate, maxUsers: 1 }), null);
  }
});

Deno.test("an invalid arrival rate and invalid maxUsers are rejected", () => {
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

Deno.test("a load must be an object with either users or an arrival rate", () => {
  const both = "a load cannot have both users and an arrivalRate";
  assert.equal(loadProblem({ users: 1, arrivalRate: 1 }), both);
  assert.equal(loadProblem({ rate: 1, arrivalRate: 1 }), both);
  const none = "a load must be { users, rate } or { arrivalRate, maxUsers }";
  for (const value of [null, undefined, 5, [1, 2], "load"]) {
    assert.equal(loadProblem(value), none);
  }
});

Deno.test("isArrivals tells the open model from the closed one", () => {
  assert.equal(isArrivals({ arrivalRate: 0, maxUsers: 1 }), true);
  assert.equal(isArrivals({ users: 0, rate: 1 }), false);
});

Deno.test("without a rate users change within a second, and maxUsers has a default", () => {
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
