import assert from "node:assert/strict";
import { Ajv } from "ajv";
import fc from "fast-check";
import { configSchema } from "../../src/cli/config_schema.ts";
import { CustomFlags } from "../../src/cli/custom_flags.ts";
import { main } from "../../src/cli/main.ts";
import { kebabCase, type Setting } from "../../src/cli/setting_types.ts";
import { DEMO_SETTINGS, QUICK_SETTINGS, SETTINGS } from "../../src/cli/settings.ts";
import { type ConfigFile, readConfigFile, Sources } from "../../src/cli/sources.ts";
import { parseDuration } from "../../src/core/duration.ts";
import { UsageError } from "../../src/core/errors.ts";
import { parse } from "../support/command_line.ts";
import { FakeHost } from "../support/fake_host.ts";
import { projectPath } from "../support/paths.ts";

const ALL: Readonly<Record<string, Setting<unknown>>> = {
  ...SETTINGS,
  ...QUICK_SETTINGS,
  ...DEMO_SETTINGS,
};
const NAMES = Object.keys(ALL);

interface Schema {
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly patternProperties: Readonly<Record<string, unknown>>;
}

const SCHEMA = configSchema() as unknown as Schema & Readonly<Record<string, unknown>>;

const validate = new Ajv({ allowUnionTypes: true }).compile(SCHEMA);

/** Why the reader of configuration files refuses a value; `null` if it accepts it. */
function problemOf(name: string, value: unknown): string | null {
  const key = kebabCase(name);
  const file: ConfigFile = { path: "a.json", entries: new Map([[key, { key, value }]]) };
  try {
    new Sources(new Map(), { env: () => undefined }, file).find(key, ALL[name]!.type);
    return null;
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
}

/** Texts of all kinds that options take, and some that are nearly so. */
const TEXTS = [
  ...[
    "20",
    "0",
    "0.5",
    ".5",
    "5.",
    "20s",
    "3m",
    "1h20m",
    "3h30m10s",
    "0s",
    "0h0m0s",
    "1.5m",
    "20m3h",
  ],
  ...[
    "inf",
    "Infinity",
    "INF",
    "-1",
    "-5",
    "1e3",
    "577h",
    "s",
    "1s2",
    "",
    " ",
    "\n",
    "\t ",
    "\u00a0",
  ],
  ...["5%", "0%", "100%", "101%", "0.01%", ".5%", "100.0%", "100.1%", "00.5%", "%", "5 %"],
  ...[
    "a",
    "a,b",
    "a, b ",
    ",",
    "a,",
    " a",
    "a,,b",
    "GET",
    "g e t",
    "@",
    "@a.json",
    "a@b",
    "DEBUG",
    "debug",
  ],
  ...["Warning", "first", "rotate", "queue", "poisson", "failed", "all", "FAILED", "slow:500ms"],
  ...[
    "failed,slow:2s",
    "slow:",
    "slow:5",
    "slow:1.5S",
    "run.jsonl",
    "run.csv.gz",
    ".csv",
    "a/.csv",
  ],
  ...[
    "a/b.JSONL",
    "run.txt",
    "run.csv\n",
    "http://127.0.0.1:8000",
    "localhost",
    "127.0.0.1",
    "::1",
  ],
  ...[
    "[::1]",
    "fe80::1%eth0",
    "*",
    "*.example.com",
    "load.example.com",
    "load.example.com:443",
    "a/b",
  ],
  ...[
    "/aiotest",
    "/tools/aiotest/",
    "/",
    "//",
    "/a//b",
    "/a/../b",
    "/..",
    "/a/.b",
    "/a?b",
    "aiotest",
  ],
  ...[
    "10.0.0.2",
    "10.0.0.0/8",
    "fd00::/8",
    "10.0.0.0/33",
    "env=staging",
    "env=a,team=b c",
    "=a",
    "env=",
  ],
  ...[
    "5=a",
    "my_key-1.x = v",
    "env=a=b",
    "env=\u200b",
    "a:80:b:80",
    ":::",
    "[::1]:80::",
    "::1:80:b:80",
  ],
  ...[
    "a:80:b:80, c::d:",
    "Accept: text/html",
    "A:",
    ": b",
    "A b: c",
    "X-Y: \u00ff",
    "X-Y: \u0100",
    "X:a\n",
  ],
  ...["50,100, 200", "50,0", "50ms", "p95<200ms", "-----BEGIN X-----\n,,", "x".repeat(100)],
  ...["x".repeat(101), "\u{1f680}".repeat(50), "a\x1b[2J", "a\u2028b", "k".repeat(50) + "=v"],
];

const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 12 }) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(...TEXTS), fc.constantFrom(...TEXTS))
      .map(([one, other]) => `${one},${other}`),
  },
);

const NUMBERS = [
  ...[0, 1, -1, 2, 255, 256, 0.5, 65_535, 65_536, 1_000_000, 1_000_001, 2_073_601, 2 ** 53, 1e-6],
];

// Numbers with an exponent are refused, however they are meant.
const number = fc.oneof(
  fc.constantFrom(...NUMBERS),
  fc.integer(),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }).filter((value) => !/e/.test(String(value))),
);

const scalar = fc.oneof(text, number, fc.boolean());

const value = fc.oneof(
  { weight: 5, arbitrary: text },
  { weight: 3, arbitrary: scalar },
  { weight: 2, arbitrary: fc.array(text, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  {
    weight: 1,
    arbitrary: fc.dictionary(fc.oneof(text, fc.constantFrom("env", "team")), scalar, {
      maxKeys: 3,
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom(null, [[]], { a: {} }) },
);

/**
 * Settings whose text the schema cannot check completely: what an address is, whether a label is given twice, and how
 * long a duration with units is.
 */
const PARTLY =
  /^(local-address|connect-to|web-(host|allowed-host|base-path|trusted-proxy)|label|master(-bind)?-host)$/;

/** Whether a text is a duration that is too long, or is longer in UTF-16 than in characters, which a schema counts. */
function isTooLong(value: unknown): boolean {
  if (typeof value !== "string") return false;
  return (parseDuration(value) ?? 0) > 24 * 86_400 || [...value].length < value.length;
}

/** Compares the schema with the reader. Returns whether they accept the value. */
function compare(name: string, value: unknown): boolean {
  const key = kebabCase(name);
  const problem = problemOf(name, value);
  const isValid = validate({ [key]: value });
  const shown = `${key} = ${JSON.stringify(value)}`;
  if (problem === null) {
    assert.ok(isValid, `${shown} is accepted, but: ${JSON.stringify(validate.errors)}`);
  } else if (isValid) {
    const isExcused = (PARTLY.test(key) && typeof value !== "number") || isTooLong(value);
    assert.ok(isExcused, `${shown} is valid, but: ${problem}`);
  }
  return problem === null;
}

Deno.test("the schema accepts what the reader accepts of each setting, and refuses the rest", () => {
  const values = [...TEXTS, ...TEXTS.map((text) => [text]), ...NUMBERS, true, false, null, [], {}];
  for (const name of NAMES) {
    const answers = new Set(values.map((value) => compare(name, value)));
    assert.equal(answers.size, 2, `${name} needs a value that it takes, and one that it refuses`);
  }
});

Deno.test("lists, tables and random values are accepted by both or by neither", () => {
  fc.assert(
    fc.property(fc.constantFrom(...NAMES), value, (name, value) => void compare(name, value)),
    { numRuns: 5000 },
  );
});

Deno.test("the schema and the reader know the same keys, in all spellings", async () => {
  const keys = Object.keys(SCHEMA.properties).filter((key) => key !== "$schema");
  assert.deepEqual(keys.sort(), NAMES.map(kebabCase).sort());
  for (const name of Object.keys(SETTINGS)) {
    const kebab = kebabCase(name);
    const half = kebab.replace(/-([a-z])/, (_, letter) => letter.toUpperCase());
    for (
      const key of [kebab, name, half, kebab.replaceAll("-", "_"), kebab.toUpperCase(), `${kebab}s`]
    ) {
      const host = new FakeHost({
        args: ["--config", "a.json"],
        files: { "/home/me/a.json": JSON.stringify({ [key]: null }) },
      });
      const isKnown = (await readConfigFile(host, "a.json")).entries.has(kebab);
      validate({ [key]: null });
      const isUnknown = validate.errors?.some(({ keyword }) => keyword === "additionalProperties");
      assert.equal(!isUnknown, isKnown, key);
    }
  }
});

Deno.test("each key has a description, and its default is one that it can have", () => {
  for (const [key, { description, default: value }] of Object.entries(SCHEMA.properties)) {
    assert.ok(typeof description === "string" && description !== "", key);
    if (value !== undefined) assert.ok(validate({ [key]: value }), key);
  }
  assert.equal(SCHEMA.properties.users!.default, 1);
  assert.match(String(SCHEMA.properties.requests!.description), /\(only with aiotest quick; /);
});

Deno.test("docs/config.schema.json is the schema", async () => {
  const text = await Deno.readTextFile(projectPath("docs/config.schema.json"));
  assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(SCHEMA)));
});

Deno.test("the configuration files in docs are valid, and are read", async () => {
  const page = await Deno.readTextFile(projectPath("docs/command-line.md"));
  let count = 0;
  for (const [, kind, text] of page.matchAll(/^```(toml|yaml|json)\n([^]*?)^```$/gm)) {
    const path = `load.${kind}`;
    const given = { args: ["--config", path], files: { [`/home/me/${path}`]: text! } };
    const { entries } = await readConfigFile(new FakeHost(given), path);
    const values = Object.fromEntries([...entries.values()].map(({ key, value }) => [key, value]));
    assert.ok(validate(values), `${text}\n${JSON.stringify(validate.errors)}`);
    assert.equal((await parse(given)).given.size, entries.size);
    count++;
  }
  assert.equal(count, 4);
});

Deno.test("--config-schema prints the schema, for commands that take such a file", async () => {
  const host = new FakeHost({ args: ["--config-schema"] });
  assert.equal(await main(host), 0);
  assert.deepEqual(JSON.parse(host.stdout.text), JSON.parse(JSON.stringify(SCHEMA)));
  const other = new FakeHost({ args: ["init", "--config-schema"] });
  assert.equal(await main(other), 2);
  assert.match(other.stderr.text, /--config-schema: unknown option/);
});

Deno.test("the schema has the options that the test file adds", () => {
  const flags = new CustomFlags([]);
  flags.option("--tenant <name>", "who pays", "acme");
  flags.option("--size <size>", "how much", ["small", "large"], "small");
  flags.option("--no-cache");
  const validate = new Ajv({ allowUnionTypes: true }).compile(configSchema(flags.all()));
  for (const good of [{ tenant: "x" }, { tenant: 5 }, { size: "large" }, { "no-cache": true }]) {
    assert.ok(validate({ users: 5, ...good }), JSON.stringify(good));
  }
  for (const bad of [{ tenant: true }, { size: "huge" }, { "no-cache": 1 }, { other: 1 }]) {
    assert.ok(!validate({ users: 5, ...bad }), JSON.stringify(bad));
  }
});
