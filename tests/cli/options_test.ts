import assert from "node:assert/strict";
import { CommandLine } from "../../src/cli/options.ts";
import { config, DEFAULTS, parse, refusal } from "../support/command_line.ts";
import { FakeHost } from "../support/fake_host.ts";

Deno.test("without arguments, every option has its default", async () => {
  assert.deepEqual(await parse({}), { ...DEFAULTS, given: new Set(), extra: {} });
});

Deno.test("a configuration file may be JSON, and be named in the environment", async () => {
  const options = await parse({
    env: { AIOTEST_CONFIG: "conf/load.json" },
    files: { "/home/me/conf/load.json": '{ "runTime": 90, "users": 5 }' },
  });
  assert.equal(options.runTime, 90);
  assert.equal(options.users, 5);
});

Deno.test("flags win over the environment, that over the file, and that over the default", async () => {
  const files = config("users = 2\nrate = 2\nrun-time = 2").files!;
  const env = { AIOTEST_USERS: "3", AIOTEST_RATE: "3" };
  const options = await parse({ args: ["--config", "load.toml", "-u", "4"], env, files });
  assert.equal(options.users, 4);
  assert.equal(options.rate, 3);
  assert.equal(options.runTime, 2);
  assert.equal(options.stopTimeout, 2);
  assert.deepEqual(options.given, new Set(["users", "rate", "runTime"]));
});

Deno.test("a variable that is set to nothing counts as not set", async () => {
  assert.equal((await parse({ env: { AIOTEST_USERS: "" } })).users, 1);
});

Deno.test("of a flag given twice the last counts, but tags add up", async () => {
  const options = await parse({ args: ["-u", "1", "-T", "a", "-u", "2", "--tags", "b,c"] });
  assert.equal(options.users, 2);
  assert.deepEqual(options.tags, ["a", "b", "c"]);
});

const BAD_ARGUMENTS: [args: string[], message: string, hint: string][] = [
  [["--userz", "5"], "--userz: there is no such flag", "Did you mean --users?"],
  [["--userz=5"], "--userz: there is no such flag", "Did you mean --users?"],
  [["--xyzzy"], "--xyzzy: there is no such flag", "aiotest --help shows all flags."],
  [["-z"], "-z: there is no such flag", "aiotest --help shows all flags."],
  [["--users"], "--users: a value is missing", ""],
  [["-t"], "--run-time: a value is missing", ""],
  [["-H", "--users", "5"], "--host: a value is missing", ""],
  [["--insecure=yes"], "--insecure=yes: --insecure takes no value", ""],
  [["shop.ts"], "shop.ts: there is no such command", "To run a test file: aiotest -f shop.ts"],
  [["domo"], "domo: there is no such command", "aiotest --help shows what there is."],
  [
    ["http://127.0.0.1/"],
    "http://127.0.0.1/: there is no such command",
    "To send requests to a URL: aiotest quick http://127.0.0.1/",
  ],
  [["-n", "5"], "-n: there is no such flag", "aiotest --help shows all flags."],
  [["-n", "5", "quick"], "-n: there is no such flag", "aiotest --help shows all flags."],
  [["demo", "now"], "now: there is no such command", "aiotest --help shows what there is."],
  [
    ["demo", "-f", "shop.ts"],
    "--aiotestfile cannot go with demo, which has a test and a target of its own",
    "",
  ],
  [
    ["-H", "http://127.0.0.1", "demo"],
    "--host cannot go with demo, which has a test and a target of its own",
    "",
  ],
  [
    ["demo", "--redis", "redis://a"],
    "--redis cannot go with demo, which has a test and a target of its own",
    "",
  ],
  [["demo", "--processes", "4"], "--processes cannot go with demo, which runs in one process", ""],
  [["--worker", "demo"], "--worker cannot go with demo, which runs in one process", ""],
];

for (const [args, message, hint] of BAD_ARGUMENTS) {
  Deno.test(`aiotest ${args.join(" ")} is refused`, async () => {
    const error = await refusal({ args });
    assert.equal(error.message, message);
    assert.equal(error.hint, hint);
  });
}

Deno.test("the preview knows what is asked for", async () => {
  const request = async (...args: string[]): Promise<string> =>
    (await CommandLine.preview(new FakeHost({ args }))).request;
  assert.equal(await request(), "run");
  assert.equal(await request("-u", "5"), "run");
  assert.equal(await request("demo", "-u", "5"), "demo");
  assert.equal(await request("-u", "5", "demo"), "demo");
  assert.equal(await request("--help"), "help");
  assert.equal(await request("demo", "-h"), "demoHelp");
  assert.equal(await request("-V"), "version");
  assert.equal(await request("quick", "http://127.0.0.1/", "-n", "5"), "quick");
  assert.equal(await request("-u", "5", "quick", "http://127.0.0.1/"), "quick");
  assert.equal(await request("quick", "--help"), "quickHelp");
  assert.equal(await request("quick", "-V"), "version");
  assert.equal(await request("compare", "a.json", "b.json", "--json", "c.json"), "compare");
  assert.equal(await request("compare", "--help"), "compareHelp");
  assert.equal(await request("--tags", "quick"), "run");
  assert.equal(
    await request("--version", "--users", "none", "--config", "missing.toml"),
    "version",
  );
});

Deno.test("the preview reads what it knows, and passes over what it does not", async () => {
  const line = await CommandLine.preview(
    new FakeHost({
      args: ["--tenant", "acme", "-f", "shop.ts", "--unknown=1"],
      env: { AIOTEST_LOGLEVEL: "debug", AIOTEST_CONFIG: "a.json" },
      files: { "/home/me/a.json": '{ "tenant": 5, "users": 7 }' },
    }),
  );
  assert.deepEqual(line.known(), {
    ...DEFAULTS,
    aiotestfile: "shop.ts",
    loglevel: "DEBUG",
    users: 7,
  });
});

Deno.test("before the test file is there, all options are those that are known", async () => {
  const args = ["--tenant", "acme", "-u", "7"];
  const line = await CommandLine.preview(new FakeHost({ args }));
  const { given, extra, ...values } = line.preliminary();
  assert.deepEqual(values, { ...DEFAULTS, users: 7 });
  assert.deepEqual([[...given], extra], [["users"], {}]);
});

Deno.test("a test file that has come from elsewhere takes the place of the one that is named", async () => {
  const line = await CommandLine.preview(new FakeHost({ args: ["-u", "7"] }));
  line.useTestFile("/tmp/shop.ts");
  const { aiotestfile, users, given } = line.parse();
  assert.deepEqual([aiotestfile, users, [...given]], ["/tmp/shop.ts", 7, ["users"]]);
});

Deno.test("a test file may have flags that are named like those of quick", async () => {
  const add = ({ parser }: CommandLine): void => {
    parser.option("-n, --requests <n>");
    parser.option("-m, --method");
  };
  const args = ["-n", "quick", "-m"];
  assert.deepEqual((await parse({ args }, add)).extra, { requests: "quick", method: true });
});

Deno.test("the preview refuses what is wrong already", async () => {
  await assert.rejects(
    CommandLine.preview(new FakeHost({ args: ["--tenant", "acme", "-u", "none"] })),
    { name: "UsageError", message: "--users none: a whole number of 1 or more is needed" },
  );
});

Deno.test("flags of the test file are read like aiotest's own", async () => {
  const add = ({ parser }: CommandLine): void => {
    parser.option("-k, --tenant <name>", "whose data", "nobody");
    parser.option("--dry-run", "change nothing");
    parser.option("--no-cache", "no cache");
    parser.option("--trace [file]", "trace");
    parser.option("--color <names...>", "colors");
    parser.option("--depth <n>");
  };
  assert.deepEqual((await parse({}, add)).extra, { tenant: "nobody", dryRun: false, cache: true });
  const args = ["-k", "acme", "--dry-run", "--no-cache", "--trace", "--color", "red", "blue"];
  assert.deepEqual((await parse({ args }, add)).extra, {
    tenant: "acme",
    dryRun: true,
    cache: false,
    trace: true,
    color: ["red", "blue"],
  });
  const env = {
    AIOTEST_TENANT: "acme",
    AIOTEST_DRY_RUN: "yes",
    AIOTEST_NO_CACHE: "1",
    AIOTEST_TRACE: "a.txt",
    AIOTEST_COLOR: "red,blue",
    AIOTEST_DEPTH: "3",
  };
  assert.deepEqual((await parse({ env }, add)).extra, {
    tenant: "acme",
    dryRun: true,
    cache: false,
    trace: "a.txt",
    color: ["red", "blue"],
    depth: "3",
  });
  const toml = `tenant = "acme"\ndryRun = true\nno-cache = false\ntrace = true\ndepth = 3\n`;
  assert.deepEqual((await parse(config(toml), add)).extra, {
    tenant: "acme",
    dryRun: true,
    cache: true,
    trace: true,
    depth: "3",
  });
  assert.equal(
    (await refusal({ env: { AIOTEST_DRY_RUN: "maybe" } }, add)).message,
    "AIOTEST_DRY_RUN=maybe: true or false is needed (or 1 or 0, or yes or no)",
  );
  assert.equal(
    (await refusal({ args: ["--tenants", "x"] }, add)).hint,
    "Did you mean --tenant?",
  );
});
