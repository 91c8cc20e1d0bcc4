import assert from "node:assert/strict";
import { readLoad } from "../../src/web/control.ts";

Deno.test("loads of both models are read, and parts of them", () => {
  const good = [
    { users: 0, rate: 0.5 },
    { users: 1_000_000, rate: 1e6 },
    { arrivalRate: 0, maxUsers: 1 },
    { arrivalRate: 0.25, maxUsers: 500 },
    { users: 5 },
    { rate: 0.5 },
    { arrivalRate: 5 },
    { maxUsers: 1 },
  ];
  for (const load of good) assert.deepEqual(readLoad(load), load);
});

Deno.test("an invalid load is described in a sentence", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{}, "The load is missing; expected users, rate or both, or arrivalRate, maxUsers or both."],
    [{ users: null }, "users is null; expected a whole number of 0 or more."],
    [{ users: -1, rate: 1 }, "users is -1; expected a whole number of 0 or more."],
    [{ users: "5", rate: 1 }, 'users is "5"; expected a whole number of 0 or more.'],
    [{ users: 1e300, rate: 1 }, "users is 1e+300; expected a whole number of 0 or more."],
    [{ users: 5, rate: 0 }, "rate is 0; expected a number greater than 0."],
    [{ users: 5, rate: null }, "rate is null; expected a number greater than 0."],
    [{ maxUsers: 0.5 }, "maxUsers is 0.5; expected a whole number of 1 or more."],
    [{ arrivalRate: -1, maxUsers: 5 }, "arrivalRate is -1; expected a number of 0 or more."],
    [
      { arrivalRate: 5, maxUsers: 0 },
      "maxUsers is 0; expected a whole number of 1 or more.",
    ],
    [
      { users: 5, rate: 1, arrivalRate: 5 },
      "Specify either users and rate, or arrivalRate and maxUsers, not both.",
    ],
    [{ user: 5 }, 'Unknown field "user".'],
    [{ ["x".repeat(1000)]: 5 }, `Unknown field "${"x".repeat(39)}….`],
  ];
  for (const [value, problem] of cases) assert.equal(readLoad(value), problem);
});
