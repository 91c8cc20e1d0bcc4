import assert from "node:assert/strict";
import { readControlLoad } from "../../src/web/control.ts";

Deno.test("loads of both models are read", () => {
  const good = [
    { users: 0, rate: 0.5 },
    { users: 1_000_000, rate: 1e6 },
    { arrivalRate: 0, maxUsers: 1 },
    { arrivalRate: 0.25, maxUsers: 500 },
  ];
  for (const target of good) assert.deepEqual(readControlLoad(target), target);
});

Deno.test("whatever else is said to be what it is", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{}, "users is missing: it has to be a whole number of 0 or more."],
    [{ users: 5 }, "rate is missing: it has to be a number over 0."],
    [{ users: -1, rate: 1 }, "users is -1, and has to be a whole number of 0 or more."],
    [{ users: "5", rate: 1 }, 'users is "5", and has to be a whole number of 0 or more.'],
    [{ users: 1e300, rate: 1 }, "users is 1e+300, and has to be a whole number of 0 or more."],
    [{ users: 5, rate: 0 }, "rate is 0, and has to be a number over 0."],
    [{ users: 5, rate: null }, "rate is null, and has to be a number over 0."],
    [{ arrivalRate: 5 }, "maxUsers is missing: it has to be a whole number of 1 or more."],
    [{ arrivalRate: -1, maxUsers: 5 }, "arrivalRate is -1, and has to be a number of 0 or more."],
    [
      { arrivalRate: 5, maxUsers: 0 },
      "maxUsers is 0, and has to be a whole number of 1 or more.",
    ],
    [
      { users: 5, rate: 1, arrivalRate: 5 },
      "A load has users and rate, or arrivalRate and maxUsers, and not both.",
    ],
    [{ user: 5 }, 'There is no field "user".'],
    [{ ["x".repeat(1000)]: 5 }, `There is no field "${"x".repeat(39)}….`],
  ];
  for (const [value, problem] of cases) assert.equal(readControlLoad(value), problem);
});
