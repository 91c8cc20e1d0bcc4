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
  ["arrivalRate", ["--arrival-rate"], "0.5", 0.5],
  ["arrivalRate", ["--arrival-rate"], "20000", 20_000],
  ["maxUsers", ["--max-users"], "1", 1],
  ["maxUsers", ["--max-users"], "5000", 5000],
  ["arrivals", ["--arrivals"], "poisson", "poisson"],
  ["arrivals", ["--arrivals"], "Constant", "constant"],
  ["onBusy", ["--on-busy"], "drop", "drop"],
  ["onBusy", ["--on-busy"], "QUEUE", "queue"],
  ["iterations", ["--iterations"], "1", 1],
  ["iterations", ["--iterations"], "1000000", 1_000_000],
  ["webHost", ["--web-host"], "0.0.0.0", "0.0.0.0"],
  ["webPort", ["--prometheus-port", "--web-port"], "9000", 9000],
  ["webPort", ["--prometheus-port", "--web-port"], "0", 0],
  ["webPort", ["--web-port"], "65535", 65_535],
  ["webToken", ["--web-token"], "s3cret", "s3cret"],
  ["buckets", ["-b", "--buckets"], "50", [50]],
  ["buckets", ["-b", "--buckets"], "200,0.5, 100,200", [0.5, 100, 200]],
  ["json", ["--json"], "out/summary.json", "out/summary.json"],
  ["html", ["--html"], "out/report.html", "out/report.html"],
  ["csv", ["--csv"], "out/nightly", "out/nightly"],
  ["junit", ["--junit"], "out/junit.xml", "out/junit.xml"],
  ["threshold", ["--threshold"], "p95<200ms", ["p95<200ms"]],
  ["threshold", ["--threshold"], " p99[GET a, b] < 0.5s ", ["p99[GET a, b] < 0.5s"]],
  ["otlp", ["--otlp"], "http://127.0.0.1:4318", "http://127.0.0.1:4318"],
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
  ["showShape", "--show-shape"],
  ["noWeb", "--no-web"],
  ["noAutostart", "--no-autostart"],
  ["abortOnThreshold", "--abort-on-threshold"],
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
const MILLISECONDS = "milliseconds over 0 are needed";

const ARRIVAL_RATE = "a number over 0, and of 1,000,000,000 at most, is needed";

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
  ["--arrival-rate", "0", ARRIVAL_RATE],
  ["--arrival-rate", "-1", ARRIVAL_RATE],
  ["--arrival-rate", "20/s", ARRIVAL_RATE],
  ["--arrival-rate", "1000000001", ARRIVAL_RATE],
  ["--max-users", "0", "a whole number of 1 or more is needed"],
  ["--max-users", "1.5", "a whole number of 1 or more is needed"],
  ["--arrivals", "even", "one of constant, poisson is needed"],
  ["--on-busy", "wait", "one of queue, drop is needed"],
  ["--iterations", "0", "a whole number of 1 or more is needed"],
  ["--iterations", "many", "a whole number of 1 or more is needed"],
  ["--web-host", " ", "a host name or an address is needed"],
  ["--web-port", "-1", "a whole number from 0 to 65535 is needed"],
  ["--web-port", "65536", "a whole number from 0 to 65535 is needed"],
  ["--web-token", " ", "a secret is needed"],
  ["--buckets", "0", MILLISECONDS],
  ["--buckets", "50,", MILLISECONDS],
  ["--buckets", "50ms", MILLISECONDS],
  ["--json", " ", "the name of a file is needed"],
  ["--html", " ", "the name of a file is needed"],
  ["--csv", " ", "what the names of the files begin with is needed"],
  ["--junit", " ", "the name of a file is needed"],
  ["--threshold", " ", "an expression like p95<200ms is needed"],
  ["--otlp", " ", "a URL like http://127.0.0.1:4318 is needed"],
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

Deno.test("buckets are given one by one, or several after one flag, and rise", async () => {
  const given: [args: string[], buckets: number[]][] = [
    [["-b", "50", "100", "200"], [50, 100, 200]],
    [["--buckets", "5", "1", "2.5"], [1, 2.5, 5]],
    [["-b", "50", "-b", "100,20"], [20, 50, 100]],
    [["-b", "50", "50", "50"], [50]],
  ];
  for (const [args, buckets] of given) {
    const options = await parse({ args: [...args, "-u", "3"] });
    assert.deepEqual([options.buckets, options.users], [buckets, 3]);
  }
});

Deno.test("one bucket of several that is no time is named, with how they are written", async () => {
  const { message, hint } = await refusal({ args: ["-b", "50", "fast", "200"] });
  assert.equal(message, `--buckets fast: ${MILLISECONDS}`);
  assert.equal(hint, "Several are written as -b 50 100 200, or as 50,100,200.");
});

Deno.test("each threshold is one more, in its order", async () => {
  const args = ["--threshold", "p95<200ms", "-u", "3", "--threshold=error_rate<1%"];
  const { threshold, given } = await parse({ args });
  assert.deepEqual(threshold, ["p95<200ms", "error_rate<1%"]);
  assert.deepEqual(given, new Set(["users", "threshold"]));
});

Deno.test("the old spelling of the web port is one of a flag alone", async () => {
  assert.equal((await parse({ args: ["--prometheus-port", "9000"] })).webPort, 9000);
  assert.equal(
    (await refusal({ args: ["--prometheus-port", "http"] })).message,
    "--web-port http: a whole number from 0 to 65535 is needed",
  );
  assert.equal((await parse({ env: { AIOTEST_PROMETHEUS_PORT: "9000" } })).webPort, 8089);
  assert.equal(
    (await refusal(config("prometheus-port = 9000"))).message,
    "load.toml: prometheus-port is no option",
  );
});

Deno.test("a flag that says no is not a value of the one without it", async () => {
  for (const flag of ["--web", "--autostart"]) {
    assert.equal((await refusal({ args: [flag] })).message, `${flag}: there is no such flag`);
  }
  for (const flag of ["--no-web=false", "--no-autostart=true"]) {
    assert.match((await refusal({ args: [flag] })).message, /takes no value$/);
  }
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
    arrival-rate = 2.5
    maxUsers = 20
    arrivals = "poisson"
    on-busy = "drop"
    iterations = 30
    show-shape = true
    web-host = "j"
    webPort = 3
    no-web = true
    web-token = "k"
    noAutostart = true
    buckets = [100, 50.5]
    html = "l"
    csv = "m"
    junit = "n"
    threshold = ["p95<1s", "rps>=10"]
    abort-on-threshold = true
    otlp = "o"
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
    arrivalRate: 2.5,
    maxUsers: 20,
    arrivals: "poisson",
    onBusy: "drop",
    iterations: 30,
    showShape: true,
    webHost: "j",
    webPort: 3,
    noWeb: true,
    webToken: "k",
    noAutostart: true,
    buckets: [50.5, 100],
    html: "l",
    csv: "m",
    junit: "n",
    threshold: ["p95<1s", "rps>=10"],
    abortOnThreshold: true,
    otlp: "o",
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
  ["buckets = [50, 0]", `load.toml: buckets = [50,0]: ${MILLISECONDS}`],
  ["buckets = []", `load.toml: buckets = []: ${MILLISECONDS}`],
  ['buckets = [50, "100"]', `load.toml: buckets = [50,"100"]: ${MILLISECONDS}`],
  ["buckets = true", `load.toml: buckets = true: ${MILLISECONDS}`],
  ["threshold = 5", "load.toml: threshold = 5: an expression like p95<200ms is needed"],
  ["threshold = [5]", "load.toml: threshold = [5]: an expression like p95<200ms is needed"],
  ["webPort = 1.5", "load.toml: webPort = 1.5: a whole number from 0 to 65535 is needed"],
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
