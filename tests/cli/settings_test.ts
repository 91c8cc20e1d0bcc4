import assert from "node:assert/strict";
import { SETTINGS, type Settings } from "../../src/cli/settings.ts";
import { config, DEFAULTS, parse, refusal } from "../support/command_line.ts";

Deno.test("every option has the default that is documented", () => {
  const defaults = Object.entries(SETTINGS).map(([name, setting]) => [name, setting.default]);
  assert.deepEqual(Object.fromEntries(defaults), DEFAULTS);
});

/** An option with texts that it takes, and their value. */
type Good = [name: keyof Settings, flags: string[], text: string, value: unknown];

const GOOD: Good[] = [
  ["aiotestfile", ["-f", "--aiotestfile"], "shop test.ts", "shop test.ts"],
  ["host", ["-H", "--host"], "http://127.0.0.1:8000", "http://127.0.0.1:8000"],
  ["host", ["-H", "--host"], "queue:5672", "queue:5672"],
  ["tags", ["-T", "--tags"], "read, write", ["read", "write"]],
  ["excludeTags", ["-E", "--exclude-tags"], "slow", ["slow"]],
  ["redis", ["--redis"], "redis://:pw@127.0.0.1:6379/0", "redis://:pw@127.0.0.1:6379/0"],
  ["users", ["-u", "--users"], "1", 1],
  ["users", ["-u", "--users"], "250000", 250_000],
  ["rate", ["-r", "--rate"], "0.1", 0.1],
  ["rate", ["-r", "--rate"], ".5", 0.5],
  ["rate", ["-r", "--rate"], "1000", 1000],
  ["runTime", ["-t", "--run-time"], "20", 20],
  ["runTime", ["-t", "--run-time"], "20s", 20],
  ["runTime", ["-t", "--run-time"], "3h30m10s", 12_610],
  ["runTime", ["-t", "--run-time"], "0.5", 0.5],
  ["runTime", ["-t", "--run-time"], "576h", 2_073_600],
  ["stopTimeout", ["-s", "--stop-timeout"], "0", 0],
  ["stopTimeout", ["-s", "--stop-timeout"], "1.5", 1.5],
  ["stopTimeout", ["-s", "--stop-timeout"], "1m", 60],
  ["json", ["--json"], "out/summary.json", "out/summary.json"],
  ["exitCodeOnError", ["--exit-code-on-error"], "0", 0],
  ["exitCodeOnError", ["--exit-code-on-error"], "255", 255],
  ["loglevel", ["-L", "--loglevel"], "DEBUG", "DEBUG"],
  ["loglevel", ["-L", "--loglevel"], "warning", "WARNING"],
  ["logfile", ["--logfile"], "run.log", "run.log"],
  ["processes", ["--processes"], "1", 1],
  ["processes", ["--processes"], "-1", -1],
  ["expectWorkers", ["--expect-workers"], "8", 8],
  ["expectWorkersMaxWait", ["--expect-workers-max-wait"], "0", 0],
  ["expectWorkersMaxWait", ["--expect-workers-max-wait"], "1m", 60],
  ["masterHost", ["--master-host"], "192.168.0.10", "192.168.0.10"],
  ["masterPort", ["--master-port"], "65535", 65_535],
  ["masterBindHost", ["--master-bind-host"], "::1", "::1"],
  ["masterBindPort", ["--master-bind-port"], "0", 0],
  ["token", ["--token"], "s3cret", "s3cret"],
  ["workerName", ["--worker-name"], "box 1/α", "box 1/α"],
  ["workerName", ["--worker-name"], "x".repeat(100), "x".repeat(100)],
  ["reconnectTimeout", ["--reconnect-timeout"], "2.5", 2.5],
  ["journal", ["--journal"], "run.journal", "run.journal"],
  ["resume", ["--resume"], "run.journal", "run.journal"],
  ["tlsCert", ["--tls-cert"], "master.pem", "master.pem"],
  ["tlsKey", ["--tls-key"], "master.key", "master.key"],
  ["tlsCa", ["--tls-ca"], "ca.pem", "ca.pem"],
];

for (const [name, flags, text, value] of GOOD) {
  const long = flags.at(-1)!;
  const variable = variableOf(long);
  const expected = { ...DEFAULTS, [name]: value, given: new Set([name]), extra: {} };

  Deno.test(`${flags} ${text} is ${name} = ${JSON.stringify(value)}`, async () => {
    for (const flag of flags) {
      assert.deepEqual(await parse({ args: [flag, text] }), expected);
    }
    assert.deepEqual(await parse({ args: [`${long}=${text}`] }), expected);
  });

  Deno.test(`${variable}=${text} is ${name} = ${JSON.stringify(value)}`, async () => {
    assert.deepEqual(await parse({ env: { [variable]: text } }), expected);
  });
}

const TOGGLES: [keyof Settings, string][] = [
  ["insecure", "--insecure"],
  ["resetStats", "--reset-stats"],
  ["showUsersWeight", "--show-users-weight"],
  ["master", "--master"],
  ["worker", "--worker"],
  ["allowDifferentTestfile", "--allow-different-testfile"],
  ["showUsersWeight", "--show-users-wight"],
];

for (const [name, flag] of TOGGLES) {
  Deno.test(`${flag} is ${name} = true`, async () => {
    const { given, ...options } = await parse({ args: [flag] });
    assert.deepEqual(options, { ...DEFAULTS, [name]: true, extra: {} });
    assert.deepEqual(given, new Set([name]));
  });
}

for (const [name, flag] of TOGGLES.slice(0, -1)) {
  Deno.test(`${variableOf(flag)} takes the usual words for on and off`, async () => {
    for (const text of ["true", "1", "yes", "True", "YES"]) {
      assert.equal((await parse({ env: { [variableOf(flag)]: text } }))[name], true);
    }
    for (const text of ["false", "0", "no", "FALSE"]) {
      const options = await parse({ env: { [variableOf(flag)]: text } });
      assert.equal(options[name], false);
      assert.deepEqual(options.given, new Set([name]));
    }
    assert.equal(
      (await refusal({ env: { [variableOf(flag)]: "on" } })).message,
      `${variableOf(flag)}=on: true or false is needed (or 1 or 0, or yes or no)`,
    );
  });
}

const OVER_ZERO = "a time over 0, and of 24 days at most, is needed";
const ZERO_OR_MORE = "a time of 0 or more, and of 24 days at most, is needed";
const LEVELS = "one of DEBUG, INFO, WARNING, ERROR, CRITICAL is needed";
const PROCESSES = "a whole number of 1 or more is needed, or -1 for one a core";
const WORKER_NAME = "a name of at most 100 visible characters is needed";
const NAMES = "names separated by commas are needed";

const BAD: [flag: string, text: string, needed: string][] = [
  ["--aiotestfile", " ", "the path of a test file is needed"],
  ["--host", " ", "a host, like http://127.0.0.1:8000, is needed"],
  ["--tags", "a,,b", NAMES],
  ["--tags", ",", NAMES],
  ["--exclude-tags", " ", NAMES],
  ["--users", "0", "a whole number of 1 or more is needed"],
  ["--users", "-1", "a whole number of 1 or more is needed"],
  ["--users", "1.5", "a whole number of 1 or more is needed"],
  ["--users", "1e3", "a whole number of 1 or more is needed"],
  ["--users", "abc", "a whole number of 1 or more is needed"],
  ["--users", "99999999999999999999", "a whole number of 1 or more is needed"],
  ["--rate", "0", "a number over 0 is needed"],
  ["--rate", "-1", "a number over 0 is needed"],
  ["--rate", "fast", "a number over 0 is needed"],
  ["--rate", "Infinity", "a number over 0 is needed"],
  ["--run-time", "0", OVER_ZERO],
  ["--run-time", "0h0m0s", OVER_ZERO],
  ["--run-time", "20m3h", OVER_ZERO],
  ["--run-time", "-5", OVER_ZERO],
  ["--run-time", "577h", OVER_ZERO],
  ["--stop-timeout", "-1", ZERO_OR_MORE],
  ["--stop-timeout", "soon", ZERO_OR_MORE],
  ["--json", " ", "the name of a file is needed"],
  ["--exit-code-on-error", "256", "a whole number from 0 to 255 is needed"],
  ["--exit-code-on-error", "-1", "a whole number from 0 to 255 is needed"],
  ["--exit-code-on-error", "x", "a whole number from 0 to 255 is needed"],
  ["--loglevel", "LOUD", LEVELS],
  ["--logfile", " ", "the name of a file is needed"],
  ["--processes", "0", PROCESSES],
  ["--processes", "-2", PROCESSES],
  ["--processes", "all", PROCESSES],
  ["--expect-workers", "0", "a whole number of 1 or more is needed"],
  ["--expect-workers-max-wait", "-1", ZERO_OR_MORE],
  ["--master-host", " ", "a host name or an address is needed"],
  ["--master-port", "0", "a whole number from 1 to 65535 is needed"],
  ["--master-port", "65536", "a whole number from 1 to 65535 is needed"],
  ["--master-bind-host", " ", "a host name or an address is needed"],
  ["--master-bind-port", "-1", "a whole number from 0 to 65535 is needed"],
  ["--master-bind-port", "65536", "a whole number from 0 to 65535 is needed"],
  ["--token", " ", "a secret that master and workers share is needed"],
  ["--worker-name", " ", WORKER_NAME],
  ["--worker-name", "a\x1b[2J", WORKER_NAME],
  ["--worker-name", "x".repeat(101), WORKER_NAME],
  ["--reconnect-timeout", "0", OVER_ZERO],
  ["--journal", " ", "the name of a file is needed"],
  ["--resume", " ", "the name of a journal is needed"],
  ["--tls-cert", " ", "the name of a file is needed"],
  ["--tls-key", " ", "the name of a file is needed"],
  ["--tls-ca", " ", "the name of a file is needed"],
];

for (const [flag, text, needed] of BAD) {
  const shown = text === " " ? '" "' : text;
  Deno.test(`${flag} ${shown} is refused, and in the environment as well`, async () => {
    assert.equal((await refusal({ args: [flag, text] })).message, `${flag} ${shown}: ${needed}`);
    const variable = variableOf(flag);
    assert.equal(
      (await refusal({ env: { [variable]: text } })).message,
      `${variable}=${shown}: ${needed}`,
    );
  });
}

Deno.test("an empty token is refused, where a flag or a file gives it", async () => {
  const needed = "a secret that master and workers share is needed";
  assert.equal((await refusal({ args: ["--token", ""] })).message, `--token "": ${needed}`);
  assert.equal(
    (await refusal(config('token = ""'))).message,
    `load.toml: token = "": ${needed}`,
  );
});

Deno.test("the usual spellings of master and workers are read", async () => {
  const { given: _given, extra: _extra, ...values } = await parse({
    args: ["--worker", "--master-host=192.168.0.10", "--master-port=5557", "--expect-workers=8"],
  });
  assert.deepEqual(values, {
    ...DEFAULTS,
    worker: true,
    masterHost: "192.168.0.10",
    expectWorkers: 8,
  });
});

Deno.test("a bad time is refused with how times are written", async () => {
  assert.equal(
    (await refusal({ args: ["-t", "5 minutes"] })).hint,
    "It is written as seconds (20), or hours, minutes and seconds (20s, 3m, 2h, 1h20m).",
  );
});

Deno.test("a configuration file may use kebab case, camel case, and its own types", async () => {
  const toml = `
    aiotestfile = "shop.ts"
    run-time = "3m"
    stopTimeout = 0.5
    users = 100
    rate = 2.5
    tags = ["read", "write"]
    exclude-tags = "slow"
    insecure = true
    reset-stats = false
    loglevel = "error"
    exit-code-on-error = 7
    showUsersWeight = true
    json = "a.json"
    logfile = "a.log"
    host = "http://127.0.0.1"
    redis = "redis://box"
    master = true
    worker = false
    processes = -1
    expect-workers = 8
    expectWorkersMaxWait = "1m"
    master-host = "a"
    master-port = 1
    masterBindHost = "b"
    master-bind-port = 2
    token = "c"
    workerName = "d"
    reconnect-timeout = 3
    allowDifferentTestfile = true
    journal = "e"
    resume = "f"
    tls-cert = "g"
    tlsKey = "h"
    tls-ca = "i"
  `;
  const expected: Settings = {
    aiotestfile: "shop.ts",
    host: "http://127.0.0.1",
    tags: ["read", "write"],
    excludeTags: ["slow"],
    insecure: true,
    redis: "redis://box",
    users: 100,
    rate: 2.5,
    runTime: 180,
    stopTimeout: 0.5,
    json: "a.json",
    resetStats: false,
    exitCodeOnError: 7,
    showUsersWeight: true,
    loglevel: "ERROR",
    logfile: "a.log",
    master: true,
    worker: false,
    processes: -1,
    expectWorkers: 8,
    expectWorkersMaxWait: 60,
    masterHost: "a",
    masterPort: 1,
    masterBindHost: "b",
    masterBindPort: 2,
    token: "c",
    workerName: "d",
    reconnectTimeout: 3,
    allowDifferentTestfile: true,
    journal: "e",
    resume: "f",
    tlsCert: "g",
    tlsKey: "h",
    tlsCa: "i",
  };
  const { given, extra, ...values } = await parse(config(toml));
  assert.deepEqual(values, expected);
  assert.deepEqual([...given].sort(), Object.keys(expected).sort());
  assert.deepEqual(extra, {});
});

const BAD_CONFIG: [text: string, message: string][] = [
  ['users = "5"', 'load.toml: users = "5": a whole number of 1 or more is needed'],
  ["users = 0", "load.toml: users = 0: a whole number of 1 or more is needed"],
  ["rate = true", "load.toml: rate = true: a number over 0 is needed"],
  ["runTime = [1]", `load.toml: runTime = [1]: ${OVER_ZERO}`],
  ["host = 5", "load.toml: host = 5: a host, like http://127.0.0.1:8000, is needed"],
  ["tags = [1, 2]", `load.toml: tags = [1,2]: ${NAMES}`],
  ["tags = 1", `load.toml: tags = 1: ${NAMES}`],
  [
    'insecure = "yes"',
    'load.toml: insecure = "yes": true or false is needed (or 1 or 0, or yes or no)',
  ],
  ["json = {}", "load.toml: json = {}: the name of a file is needed"],
  ["userz = 5", "load.toml: userz is no option"],
  ["run_time = 5", "load.toml: run_time is no option"],
  ['config = "x"', "load.toml: config is no option"],
  ["[load]\nusers = 5", "load.toml: load is no option"],
];

for (const [text, message] of BAD_CONFIG) {
  Deno.test(`the configuration file's ${JSON.stringify(text)} is refused`, async () => {
    assert.equal((await refusal(config(text))).message, message);
  });
}

function variableOf(flag: string): string {
  return `AIOTEST_${flag.slice(2).toUpperCase().replaceAll("-", "_")}`;
}
