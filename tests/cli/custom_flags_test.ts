import assert from "node:assert/strict";
import { CustomFlags } from "../../src/cli/custom_flags.ts";
import { ownOptions } from "../../src/cli/flag_parser.ts";
import type { CommandLine } from "../../src/cli/options.ts";
import { SETTINGS } from "../../src/cli/settings.ts";
import { UsageError } from "../../src/core/errors.ts";
import { parse, refusal as refused } from "../support/command_line.ts";

function refusal(...flags: string[]): UsageError {
  const custom = new CustomFlags(ownOptions(SETTINGS));
  // Adding itself never throws: an event handler's errors would only be logged.
  for (const flag of flags) custom.option(flag);
  try {
    custom.all();
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error;
  }
  throw new Error("it was accepted");
}

const COLLISIONS: [flags: string, own: string][] = [
  ["--users <n>", "-u, --users <N>"],
  ["-u, --user-id <n>", "-u, --users <N>"],
  ["--show-users-wight", "--show-users-wight, --show-users-weight"],
  ["--no-insecure", "--insecure"],
  ["--runTime <t>", "-t, --run-time <T>"],
  ["--config", "--config <FILE>"],
  ["-V, --verbose", "-V, --version"],
  ["--help", "-h, --help"],
];

for (const [flags, own] of COLLISIONS) {
  Deno.test(`a test file cannot add ${flags}`, () => {
    assert.equal(
      refusal(flags).message,
      `The test file adds the flag ${flags}, which collides with aiotest's own: ${own}`,
    );
  });
}

Deno.test("a test file cannot add two flags that collide, but both sides of one", () => {
  assert.equal(
    refusal("-k, --tenant <name>", "-k, --key <name>").message,
    "The test file adds two flags that collide: -k, --tenant <name>, -k, --key <name>",
  );
  const custom = new CustomFlags(ownOptions(SETTINGS)).option("--cache").option("--no-cache");
  assert.deepEqual(custom.all().map(({ option }) => option.flags), ["--cache", "--no-cache"]);
});

Deno.test("malformed flags are refused", () => {
  for (const flags of ["tenant", "", "-tenant", "-a, -b"]) {
    assert.equal(
      refusal(flags).message,
      `The test file adds the flag ${JSON.stringify(flags)}, which is malformed`,
    );
  }
});

Deno.test("of several problems, the first is told", () => {
  assert.match(refusal("--users", "nonsense").message, /^The test file adds the flag --users,/);
});

Deno.test("a flag of the test file may be made into something else, wherever it was given", async () => {
  const seen: unknown[] = [];
  const addFlags = ({ parser }: CommandLine): void => {
    parser.option("--depth <n>", "how deep", (text, previous) => {
      seen.push(previous);
      return Number(text) * 2;
    }, 7);
    parser.option("--limit <n>", "how many", 5);
  };
  assert.deepEqual((await parse({ args: ["--depth", "21"] }, addFlags)).extra, {
    depth: 42,
    limit: 5,
  });
  assert.deepEqual((await parse({ env: { AIOTEST_DEPTH: "2" } }, addFlags)).extra.depth, 4);
  assert.deepEqual((await parse({}, addFlags)).extra.depth, 7);
  assert.deepEqual(seen, [7, 7]);
});

Deno.test("what a test file's own parser refuses is said with the flag and its value", async () => {
  const error = await refused({ args: ["--depth", "deep"] }, ({ parser }) => {
    parser.option("--depth <n>", "how deep", () => {
      throw new RangeError("a number is needed");
    });
  });
  assert.equal(error.message, "--depth deep: RangeError: a number is needed");
});
