import assert from "node:assert/strict";
import { repeatedFlags } from "../../src/cli/flag_parser.ts";
import { CommandLine } from "../../src/cli/options.ts";
import { config, DEFAULTS, parse, refusal } from "../support/command_line.ts";
import { FakeHost } from "../support/fake_host.ts";

Deno.test("without arguments, every option has its default", async () => {
  assert.deepEqual(await parse({}), { ...DEFAULTS, given: new Set(), extra: {}, readFrom: [] });
});

Deno.test("a configuration file may be JSON, and may be named in the environment", async () => {
  const options = await parse({
    env: { AIOTEST_CONFIG: "conf/load.json" },
    files: { "/home/me/conf/load.json": '{ "runTime": 90, "users": 5 }' },
  });
  assert.equal(options.runTime, 90);
  assert.equal(options.users, 5);
});

Deno.test("flags override the environment, which overrides the file, which overrides the default", async () => {
  const files = config("users = 2\nrate = 2\nrun-time = 2").files!;
  const env = { AIOTEST_USERS: "3", AIOTEST_RATE: "3" };
  const options = await parse({ args: ["--config", "load.toml", "-u", "4"], env, files });
  assert.equal(options.users, 4);
  assert.equal(options.rate, 3);
  assert.equal(options.runTime, 2);
  assert.equal(options.stopTimeout, 2);
  assert.deepEqual(options.given, new Set(["users", "rate", "runTime"]));
});

Deno.test("an empty variable counts as unset", async () => {
  assert.equal((await parse({ env: { AIOTEST_USERS: "" } })).users, 1);
});

Deno.test("the last of several values counts, but tags add up", async () => {
  const options = await parse({ args: ["-u", "1", "-T", "a", "-u", "2", "--tags", "b,c"] });
  assert.equal(options.users, 2);
  assert.deepEqual(options.tags, ["a", "b", "c"]);
});

const OUTPUTS =
  "For a line for each request: --samples FILE.jsonl or FILE.csv; for the summary: --json FILE; for OpenTelemetry: --otlp URL";

const BAD_ARGUMENTS: [args: string[], message: string, hint: string][] = [
  [["--userz", "5"], "--userz: unknown option", "Did you mean --users?"],
  [["--userz=5"], "--userz: unknown option", "Did you mean --users?"],
  [["--xyzzy"], "--xyzzy: unknown option", "For all options, run aiotest --help."],
  [["-z"], "-z: unknown option", "For all options, run aiotest --help."],
  [["--spawn-rate", "5"], "--spawn-rate: unknown option", "Did you mean --rate?"],
  [["--num-users=5"], "--num-users: unknown option", "Did you mean --users?"],
  [["-P", "8090"], "-P: unknown option", "Did you mean --web-port?"],
  [["demo", "--duration", "5s"], "--duration: unknown option", "Did you mean --run-time?"],
  [
    ["--headless"],
    "--headless: unknown option",
    "Leave it out: a test starts at once, and aiotest exits when it is over.",
  ],
  [
    ["--list"],
    "--list: unknown option",
    "To list the user classes of a file: aiotest check FILE",
  ],
  [["--web-login"], "--web-login: unknown option", "Did you mean --web-token?"],
  [["--show-task-ratio"], "--show-task-ratio: unknown option", "Did you mean --show-users-weight?"],
  [
    ["--equal-weights"],
    "--equal-weights: unknown option",
    "Remove @weight from the tests: then all are chosen equally often.",
  ],
  [["-T", "a", "b"], "b: unknown command", "Several tags are separated by commas: --tags a,b"],
  [
    ["-E", "a", "b"],
    "b: unknown command",
    "Several tags are separated by commas: --exclude-tags a,b",
  ],
  [["--users"], "--users: missing value", ""],
  [["-t"], "--run-time: missing value", ""],
  [["-H", "--users", "5"], "--host: missing value", ""],
  [["--insecure=yes"], "--insecure=yes: --insecure takes no value", ""],
  [["shop.ts"], "shop.ts: unknown command", "To run a test file: aiotest -f shop.ts"],
  [["run", "shop.ts"], "run: unknown command", "To run a test file: aiotest -f shop.ts"],
  [["run", "-u", "5"], "run: unknown command", "To run a test file: aiotest -f FILE"],
  [["chek", "shop.ts"], "chek: unknown command", "Did you mean check?"],
  [["inspect", "shop.ts"], "inspect: unknown command", "Did you mean check?"],
  [["domo"], "domo: unknown command", "Did you mean demo?"],
  [["xyzzy"], "xyzzy: unknown command", "For all commands, run aiotest --help."],
  [["--out", "json=x"], "--out: unknown option", OUTPUTS],
  [["-o", "json=x"], "-o: unknown option", OUTPUTS],
  [
    ["--tag", "a=b"],
    "--tag: unknown option",
    "To label the run: --label KEY=VALUE; to run only tests with a tag: --tags A",
  ],
  [
    ["ShopTest", "-u", "5", "AdminTest"],
    "ShopTest: unknown command",
    "To run only some user classes: --user-classes ShopTest,AdminTest",
  ],
  [
    ["check", "shop.ts", "ShopTest"],
    "ShopTest: unknown command",
    "To run only some user classes: --user-classes ShopTest",
  ],
  [
    ["http://127.0.0.1/"],
    "http://127.0.0.1/: unknown command",
    "To load-test a URL: aiotest quick http://127.0.0.1/",
  ],
  [["-n", "5"], "-n: unknown option", "For all options, run aiotest --help."],
  [["-n", "5", "quick"], "-n: unknown option", "For all options, run aiotest --help."],
  [["demo", "now"], "now: unknown command", "For all commands, run aiotest --help."],
  [
    ["demo", "-f", "shop.ts"],
    "--aiotestfile cannot be used with demo, which brings its own test and target",
    "",
  ],
  [
    ["-H", "http://127.0.0.1", "demo"],
    "--host cannot be used with demo, which brings its own test and target",
    "",
  ],
  [
    ["demo", "--redis", "redis://a"],
    "--redis cannot be used with demo, which brings its own test and target",
    "",
  ],
  [
    ["demo", "--processes", "4"],
    "--processes cannot be used with demo, which runs in one process",
    "",
  ],
  [["--worker", "demo"], "--worker cannot be used with demo, which runs in one process", ""],
];

for (const [args, message, hint] of BAD_ARGUMENTS) {
  Deno.test(`aiotest ${args.join(" ")} is refused`, async () => {
    const error = await refusal({ args });
    assert.equal(error.message, message);
    assert.equal(error.hint, hint);
  });
}

Deno.test("the preview knows the command", async () => {
  const request = async (...args: string[]): Promise<string> => {
    const { command, print } = (await CommandLine.preview(new FakeHost({ args }))).request;
    return print === null ? command : `${command} ${print}`;
  };
  assert.equal(await request(), "run");
  assert.equal(await request("-u", "5"), "run");
  assert.equal(await request("demo", "-u", "5"), "demo");
  assert.equal(await request("-u", "5", "demo"), "demo");
  assert.equal(await request("-f", "a.ts", "--config-schema"), "run config-schema");
  assert.equal(await request("quick", "--config-schema"), "quick config-schema");
  assert.equal(await request("compare", "--config-schema"), "compare");
  assert.equal(await request("--help"), "run help");
  assert.equal(await request("demo", "-h"), "demo help");
  assert.equal(await request("-V"), "run version");
  assert.equal(await request("quick", "http://127.0.0.1/", "-n", "5"), "quick");
  assert.equal(await request("-u", "5", "quick", "http://127.0.0.1/"), "quick");
  assert.equal(await request("quick", "--help"), "quick help");
  assert.equal(await request("quick", "-V"), "quick version");
  assert.equal(await request("compare", "a.json", "b.json", "--json", "c.json"), "compare");
  assert.equal(await request("compare", "--help"), "compare help");
  assert.equal(await request("--tags", "quick"), "run");
  assert.equal(
    await request("--version", "--users", "none", "--config", "missing.toml"),
    "run version",
  );
});

Deno.test("the preview reads known options and skips unknown ones", async () => {
  const line = await CommandLine.preview(
    new FakeHost({
      args: ["--tenant", "acme", "-f", "shop.ts", "--unknown=1"],
      env: { AIOTEST_LOGLEVEL: "debug", AIOTEST_CONFIG: "a.json" },
      files: { "/home/me/a.json": '{ "tenant": 5, "users": 7 }' },
    }),
  );
  const { given, extra, readFrom, ...values } = line.known();
  assert.deepEqual(values, { ...DEFAULTS, aiotestfile: "shop.ts", loglevel: "DEBUG", users: 7 });
  assert.deepEqual([...given].sort(), ["aiotestfile", "loglevel", "users"]);
  assert.deepEqual(readFrom, [{ what: "the configuration file", path: "a.json" }]);
  assert.deepEqual(extra, {});
});

Deno.test("a downloaded test file replaces the one on the command line", async () => {
  const line = await CommandLine.preview(new FakeHost({ args: ["-u", "7"] }));
  line.useTestFile("/tmp/shop.ts");
  const { aiotestfile, users, given } = line.parse();
  assert.deepEqual([aiotestfile, users, [...given]], ["/tmp/shop.ts", 7, ["users"]]);
});

Deno.test("a test file may add flags with the names of flags of quick", async () => {
  const add = ({ parser }: CommandLine): void => {
    parser.option("-n, --requests <n>");
    parser.option("-m, --method");
  };
  const args = ["-n", "quick", "-m"];
  assert.deepEqual((await parse({ args }, add)).extra, { requests: "quick", method: true });
});

Deno.test("the preview refuses a known option with an invalid value", async () => {
  await assert.rejects(
    CommandLine.preview(new FakeHost({ args: ["--tenant", "acme", "-u", "none"] })),
    { name: "UsageError", message: "--users none: expected a whole number from 1 to 1,000,000" },
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
    "AIOTEST_DRY_RUN=maybe: expected true or false (or 1 or 0, or yes or no)",
  );
  assert.equal(
    (await refusal({ args: ["--tenants", "x"] }, add)).hint,
    "Did you mean --tenant?",
  );
});

Deno.test("a flag that is given twice with different values is reported, unless it takes a list", () => {
  const given = (...args: string[]): string[] => repeatedFlags(args, "run");
  assert.deepEqual(given("-u", "10", "--users", "20"), [
    "--users is given more than once: the last value, 20, applies.",
  ]);
  assert.deepEqual(given("--token", "a", "--token", "b"), [
    "--token is given more than once: the last value applies.",
  ]);
  assert.deepEqual(
    given("-u", "10", "-u", "10", "--threshold", "rps>1", "--threshold", "rps>2"),
    [],
  );
  assert.deepEqual(given("--master", "--master", "-f", "a.ts", "-f", "a.ts"), []);
  assert.deepEqual(repeatedFlags(["-n", "1", "-n", "2"], "quick"), [
    "--requests is given more than once: the last value, 2, applies.",
  ]);
});

Deno.test("a second test file is refused", () => {
  assert.throws(() => repeatedFlags(["-f", "a.ts", "--aiotestfile", "b.ts"], "run"), {
    name: "UsageError",
    message: "-f is given more than once: a.ts, b.ts",
    hint: "A run has one test file. It can import others and export their classes.",
  });
});

Deno.test("an unknown key of a configuration file is reported with the nearest option", async () => {
  const near = await refusal(config('run-tme = "3m"'));
  assert.equal(near.message, "load.toml: unknown option run-tme");
  assert.equal(near.hint, "Did you mean run-time?");
  assert.equal((await refusal(config("spawn-rate = 5"))).hint, "Did you mean rate?");
  assert.match((await refusal(config("headless = true"))).hint, /^Leave it out: a test starts/);
  assert.equal(
    (await refusal({ env: { AIOTEST_SPAWN_RATE: "5" } })).hint,
    "Did you mean AIOTEST_RATE?",
  );
  const section = await refusal(config("[load]\nusers = 5"));
  assert.equal(section.message, "load.toml: unknown option load");
  assert.match(section.hint, /not divided into sections/);
});

Deno.test("a variable in small letters is refused", async () => {
  const { message, hint } = await refusal({ env: { aiotest_users: "5" } });
  assert.equal(message, "aiotest_users: unknown environment variable");
  assert.equal(hint, "Did you mean AIOTEST_USERS?");
  await parse({ env: { aiotest_users: "5", AIOTEST_USERS: "5", aiotest_cache: "1" } });
});
