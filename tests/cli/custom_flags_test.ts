import assert from "node:assert/strict";
import { CustomFlags, type ForwardedFlags } from "../../src/cli/custom_flags.ts";
import { commandFlags } from "../../src/cli/flag_parser.ts";
import { CommandLine } from "../../src/cli/options.ts";
import { UsageError } from "../../src/core/errors.ts";
import { type Given, parse, refusal as refused } from "../support/command_line.ts";
import { FakeHost } from "../support/fake_host.ts";

function refusal(...flags: string[]): UsageError {
  const custom = new CustomFlags(commandFlags("run"));
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
      `The test file adds the option ${flags}, which conflicts with aiotest's own ${own}`,
    );
  });
}

Deno.test("a test file cannot add two conflicting flags, but can add --x and --no-x", () => {
  assert.equal(
    refusal("-k, --tenant <name>", "-k, --key <name>").message,
    "The test file adds two conflicting options: -k, --tenant <name> and -k, --key <name>",
  );
  const custom = new CustomFlags(commandFlags("run")).option("--cache").option("--no-cache");
  assert.deepEqual(custom.all().map(({ option }) => option.flags), ["--cache", "--no-cache"]);
});

Deno.test("malformed flags are refused", () => {
  for (const flags of ["tenant", "", "-tenant", "-a, -b"]) {
    assert.equal(
      refusal(flags).message,
      `The test file adds the option ${JSON.stringify(flags)}, which is malformed`,
    );
  }
});

Deno.test("a flag can have choices, which are in its help, and other values are refused", () => {
  const custom = new CustomFlags(commandFlags("run"));
  custom.option("--size <size>", "of orders", ["small", "large"], "small");
  const [{ option, type } = assert.fail()] = custom.all();
  assert.equal(option.description, "of orders (one of small, large; default: small)");
  assert.deepEqual(["large", "LARGE", "medium"].map(type.parse), ["large", "large", null]);
  assert.equal(type.expected, "one of small, large");
  const cases = [
    ["--size", ["a"], undefined, /with choices, but it does not take one value$/],
    ["--size <s...>", ["a"], undefined, /with choices, but it does not take one value$/],
    ["--size <s>", [], undefined, /with no choices$/],
    ["--size <s>", ["a", "b"], "c", /with the default c, which is not one of a, b$/],
  ] as const;
  for (const [flags, choices, fallback, message] of cases) {
    const wrong = new CustomFlags(commandFlags("run")).option(flags, "", choices, fallback);
    assert.throws(() => wrong.all(), { message });
  }
});

Deno.test("the first of several problems is reported", () => {
  assert.match(refusal("--users", "nonsense").message, /^The test file adds the option --users,/);
});

Deno.test("the parser of a test file converts the value of its flag, wherever it was given", async () => {
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

Deno.test("an error of the test file's parser is reported with the flag and its value", async () => {
  const error = await refused({ args: ["--depth", "deep"] }, ({ parser }) => {
    parser.option("--depth <n>", "how deep", () => {
      throw new RangeError("expected a number");
    });
  });
  assert.equal(error.message, "--depth deep: RangeError: expected a number");
});

function addFlags({ parser }: CommandLine): void {
  parser.option("-k, --tenant <name>", "whose data", "nobody");
  parser.option("--dry-run", "change nothing");
  parser.option("--warm", "warm up", true);
  parser.option("--no-cache", "no cache");
  parser.option("--trace [file]", "trace");
  parser.option("--color <names...>", "colors");
  parser.option("--depth <n>", "how deep", Number, 1);
}

async function forwarded(given: Given): Promise<ForwardedFlags> {
  const line = await CommandLine.preview(new FakeHost(given));
  addFlags(line);
  return line.forwardedFlags();
}

async function extraOf(given: Given): Promise<Readonly<Record<string, unknown>>> {
  return (await parse(given, addFlags)).extra;
}

Deno.test("flags that were not given are not forwarded", async () => {
  assert.deepEqual(await forwarded({ args: ["-u", "5", "--worker"] }), { args: [], env: {} });
});

Deno.test("flags of the command line are forwarded in the environment", async () => {
  const args = ["-k", "acme", "--dry-run", "--no-cache", "--trace", "--color", "red", "blue"];
  assert.deepEqual(await forwarded({ args: [...args, "--depth=3"] }), {
    args: [],
    env: {
      AIOTEST_TENANT: "acme",
      AIOTEST_DRY_RUN: "true",
      AIOTEST_NO_CACHE: "true",
      AIOTEST_TRACE: "true",
      AIOTEST_COLOR: "red,blue",
      AIOTEST_DEPTH: "3",
    },
  });
});

Deno.test("an empty text is forwarded as an argument", async () => {
  assert.deepEqual(await forwarded({ args: ["-k", "", "--trace", "a b"] }), {
    args: ["--tenant", ""],
    env: { AIOTEST_TRACE: "a b" },
  });
});

const GIVEN: [what: string, given: Given][] = [
  ["the command line", { args: ["-k", "a b=c", "--trace", "--color", "red", "--color", "x, y"] }],
  ["the command line, with its toggles", { args: ["--no-cache", "--dry-run", "-k", ""] }],
  [
    "the environment",
    { env: { AIOTEST_TENANT: "true", AIOTEST_WARM: "no", AIOTEST_NO_CACHE: "0" } },
  ],
  [
    "a TOML file",
    {
      args: ["--config", "a.toml"],
      files: {
        "/home/me/a.toml":
          `tenant = 5\nwarm = false\nno-cache = true\ntrace = true\ncolor = ["a"]\ndepth = 2\n` +
          "processes = 4\n",
      },
    },
  ],
];

for (const [what, given] of GIVEN) {
  Deno.test(`a worker process gets the same flags if they are given by ${what}`, async () => {
    assert.deepEqual(await extraOf(await forwarded(given)), await extraOf(given));
  });
}
