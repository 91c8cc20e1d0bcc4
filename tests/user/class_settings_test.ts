import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import { checkClassSettings } from "../../src/user/discovery.ts";
import { User } from "../../src/user/user.ts";

function check(setting: string, value: unknown): void {
  const userClass = class extends User {};
  Object.defineProperty(userClass, setting, { value });
  checkClassSettings("TestShop", userClass);
}

const GOOD: [string, unknown[]][] = [
  ["weight", [0, 1, 4]],
  ["fixedCount", [0, 1, 100]],
  ["waitTime", [0, 0.5, () => 1, async () => await 1]],
  ["order", ["sequential", "random", "parallel"]],
  ["host", ["", "http://127.0.0.1", "queue"]],
];

for (const [setting, values] of GOOD) {
  Deno.test(`${setting} may be what it is said to be`, () => {
    for (const value of values) check(setting, value);
  });
}

const BAD: [string, unknown, string][] = [
  ["weight", -1, "is -1: a whole number of 0 or more is needed"],
  ["weight", 1.5, "is 1.5: a whole number of 0 or more is needed"],
  ["weight", "2", 'is "2": a whole number of 0 or more is needed'],
  ["weight", Infinity, "is Infinity: a whole number of 0 or more is needed"],
  ["weight", undefined, "is undefined: a whole number of 0 or more is needed"],
  ["fixedCount", -1, "is -1: a whole number of 1 or more, or 0 for none, is needed"],
  ["fixedCount", 0.5, "is 0.5: a whole number of 1 or more, or 0 for none, is needed"],
  ["waitTime", -1, "is -1: a number of seconds, 0 or more, or a function is needed"],
  ["waitTime", NaN, "is NaN: a number of seconds, 0 or more, or a function is needed"],
  ["waitTime", "1", 'is "1": a number of seconds, 0 or more, or a function is needed'],
  ["waitTime", {}, "is an object: a number of seconds, 0 or more, or a function is needed"],
  ["order", "shuffled", 'is "shuffled": one of "sequential", "random", "parallel" is needed'],
  ["order", () => {}, 'is a function: one of "sequential", "random", "parallel" is needed'],
  ["host", null, 'is null: a text, like "http://127.0.0.1:8000", is needed'],
  ["host", 8000, 'is 8000: a text, like "http://127.0.0.1:8000", is needed'],
];

for (const [setting, value, problem] of BAD) {
  Deno.test(`static ${setting} that ${problem.split(":")[0]} is refused`, () => {
    assert.throws(
      () => check(setting, value),
      (error) => error instanceof UsageError && error.message === `TestShop.${setting} ${problem}`,
    );
  });
}
