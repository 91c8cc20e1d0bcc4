import assert from "node:assert/strict";
import type { ForwardedFlags } from "../../src/cli/forwarded_options.ts";
import { CommandLine } from "../../src/cli/options.ts";
import { type Given, parse } from "../support/command_line.ts";
import { FakeHost } from "../support/fake_host.ts";

function addFlags({ parser }: CommandLine): void {
  parser.option("-k, --tenant <name>", "whose data", "nobody");
  parser.option("--dry-run", "change nothing");
  parser.option("--warm", "warm up", true);
  parser.option("--no-cache", "no cache");
  parser.option("--trace [file]", "trace");
  parser.option("--color <names...>", "colors");
  parser.option("--depth <n>", "how deep", Number, 1);
}

async function passed(given: Given): Promise<ForwardedFlags> {
  const line = await CommandLine.preview(new FakeHost(given));
  addFlags(line);
  return line.passedFlags();
}

async function extraOf(given: Given): Promise<Readonly<Record<string, unknown>>> {
  return (await parse(given, addFlags)).extra;
}

Deno.test("flags that nobody gave are not passed on", async () => {
  assert.deepEqual(await passed({ args: ["-u", "5", "--worker"] }), { args: [], env: {} });
});

Deno.test("flags of the command line are passed on in the environment", async () => {
  const args = ["-k", "acme", "--dry-run", "--no-cache", "--trace", "--color", "red", "blue"];
  assert.deepEqual(await passed({ args: [...args, "--depth=3"] }), {
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

Deno.test("an empty text is passed on as an argument", async () => {
  assert.deepEqual(await passed({ args: ["-k", "", "--trace", "a b"] }), {
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
  Deno.test(`another process has the same flags, given by ${what}`, async () => {
    assert.deepEqual(await extraOf(await passed(given)), await extraOf(given));
  });
}
