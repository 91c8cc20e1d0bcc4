import assert from "node:assert/strict";
import { commandFlags } from "../../src/cli/flag_parser.ts";
import { defaultsOf, defaultText } from "../../src/cli/setting_types.ts";
import {
  COMPARE_SETTINGS,
  DEMO_SETTINGS,
  QUICK_SETTINGS,
  refusedBy,
  SETTINGS,
  type Settings,
} from "../../src/cli/settings.ts";
import { config, DEFAULTS, NO_REPORTS, parse, refusal } from "../support/command_line.ts";

Deno.test("every option has the documented default", () => {
  assert.deepEqual(defaultsOf(SETTINGS), DEFAULTS);
});

Deno.test("every command that generates load takes or refuses each setting of a run", () => {
  const refused = [...refusedBy("quick").keys()];
  assert.deepEqual(
    [...new Set([...Object.keys(QUICK_SETTINGS), ...refused])]
      .filter((name) => name in SETTINGS).sort(),
    Object.keys(SETTINGS).sort(),
  );
  assert.deepEqual(
    [...Object.keys(DEMO_SETTINGS), ...refusedBy("demo").keys()].sort(),
    Object.keys(SETTINGS).sort(),
  );
});

/** An option with texts that it takes, and their value. */
type Good = [name: keyof Settings, flags: string[], text: string, value: unknown];

const GOOD: Good[] = [
  ["aiotestfile", ["-f", "--aiotestfile"], "shop test.ts", "shop test.ts"],
  ["host", ["-H", "--host"], "http://127.0.0.1:8000", "http://127.0.0.1:8000"],
  ["host", ["-H", "--host"], "queue:5672", "queue:5672"],
  ["tags", ["-T", "--tags"], "read, write", ["read", "write"]],
  ["excludeTags", ["-E", "--exclude-tags"], "slow", ["slow"]],
  ["connectTo", ["--connect-to"], "a:80:[::1]:8080, ::b:", ["a:80:[::1]:8080", "::b:"]],
  ["clientCert", ["--client-cert"], "client.pem", "client.pem"],
  ["clientKey", ["--client-key"], "client.key", "client.key"],
  ["ca", ["--ca"], "a.pem, b.pem", ["a.pem", "b.pem"]],
  ["ca", ["--ca"], "# a, b\n-----BEGIN CERTIFICATE-----", ["# a, b\n-----BEGIN CERTIFICATE-----"]],
  ["localAddress", ["--local-address"], "10.0.0.2, 10.0.0.3", ["10.0.0.2", "10.0.0.3"]],
  ["localAddress", ["--local-address"], "fe80::1%eth0", ["fe80::1%eth0"]],
  ["maxRedirects", ["--max-redirects"], "0", 0],
  ["dns", ["--dns"], "first", "first"],
  ["dns", ["--dns"], "Rotate", "rotate"],
  ["dnsTtl", ["--dns-ttl"], "0", 0],
  ["dnsTtl", ["--dns-ttl"], "0.5", 0.5],
  ["dnsTtl", ["--dns-ttl"], "5m", 300],
  ["dnsTtl", ["--dns-ttl"], "inf", Infinity],
  ["dnsTtl", ["--dns-ttl"], "Infinity", Infinity],
  ["redis", ["--redis"], "redis://:pw@127.0.0.1:6379/0", "redis://:pw@127.0.0.1:6379/0"],
  ["users", ["-u", "--users"], "1", 1],
  ["users", ["-u", "--users"], "250000", 250_000],
  ["rate", ["-r", "--rate"], "0.1", 0.1],
  ["rate", ["-r", "--rate"], ".5", 0.5],
  ["rate", ["-r", "--rate"], "1000", 1000],
  ["users", ["-u", "--users"], "1000000", 1_000_000],
  ["userClasses", ["--user-classes"], "ShopTest, AdminTest", ["ShopTest", "AdminTest"]],
  ["name", ["--name"], "nightly, build 5", "nightly, build 5"],
  ["label", ["--label"], "env=staging", { env: "staging" }],
  ["label", ["--label"], "build-id = 5, app.kubernetes.io=a=b", {
    "build-id": "5",
    "app.kubernetes.io": "a=b",
  }],
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
  ["webAllowedHost", ["--web-allowed-host"], "Load.example.com", ["load.example.com"]],
  ["webAllowedHost", ["--web-allowed-host"], "a.example, *.b.example", [
    "a.example",
    "*.b.example",
  ]],
  ["webBasePath", ["--web-base-path"], "/aiotest", "/aiotest"],
  ["webBasePath", ["--web-base-path"], "/", ""],
  ["webTrustedProxy", ["--web-trusted-proxy"], "10.1.2.3, fd00::/8", ["10.1.2.3/32", "fd00::/8"]],
  ["webTlsCert", ["--web-tls-cert"], "web.pem", "web.pem"],
  ["webTlsKey", ["--web-tls-key"], "web.key", "web.key"],
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
  ["markdown", ["--markdown"], "out/report.md", "out/report.md"],
  ["threshold", ["--threshold"], "p95<200ms", ["p95<200ms"]],
  ["threshold", ["--threshold"], " p99[GET a, b] < 0.5s ", ["p99[GET a, b] < 0.5s"]],
  ["otlp", ["--otlp"], "http://127.0.0.1:4318", "http://127.0.0.1:4318"],
  ["traceContext", ["--trace-context"], "1%", "1%"],
  ["traceContext", ["--trace-context"], "0.01%", "0.01%"],
  ["traceContext", ["--trace-context"], "100%", "100%"],
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
  ["masterHost", ["--master-host"], "fe80::1%eth0", "fe80::1%eth0"],
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
  const expected = { ...DEFAULTS, [name]: value, given: new Set([name]), extra: {}, readFrom: [] };

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
  ["keep", "--keep"],
  ["abortOnThreshold", "--abort-on-threshold"],
  ["showUsersWeight", "--show-users-weight"],
  ["master", "--master"],
  ["worker", "--worker"],
  ["allowDifferentTestfile", "--allow-different-testfile"],
  ["showUsersWeight", "--show-users-wight"],
];

for (const [name, flag] of TOGGLES) {
  Deno.test(`${flag} is ${name} = true`, async () => {
    const { given, readFrom: _, ...options } = await parse({ args: [flag] });
    assert.deepEqual(options, { ...DEFAULTS, [name]: true, extra: {} });
    assert.deepEqual(given, new Set([name]));
  });
}

for (const [name, flag] of TOGGLES.slice(0, -1)) {
  Deno.test(`${variableOf(flag)} accepts true, 1, yes, false, 0 and no`, async () => {
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
      `${variableOf(flag)}=on: expected true or false (or 1 or 0, or yes or no)`,
    );
  });
}

const OVER_ZERO = "expected a duration above 0 s, up to 24 days";
const ZERO_OR_MORE = "expected a duration of 0 s or more, up to 24 days";
const LEVELS = "expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL";
const PROCESSES = "expected a whole number of at least 1, or -1 for one per core";
const WORKER_NAME = "expected a name of at most 100 visible characters";
const NAMES = "expected names separated by commas";
const USERS = "expected a whole number from 1 to 1,000,000";
const LABELS = "expected labels like env=staging, separated by commas";
const ADDRESSES = "expected IP addresses of this machine, separated by commas";
const SHARE = "expected a percentage over 0% and up to 100%, like 1%";
const MILLISECONDS = "expected milliseconds above 0";

const ARRIVAL_RATE = "expected a number above 0 and up to 1,000,000,000";

const HOST_ADDRESS = "expected a host name or an address, without a scheme and a port";
const ALLOWED_HOST =
  "expected the name in the dashboard's URL like load.example.com, or *.example.com";

const BASE_PATH = "expected the path in the dashboard's URL like /aiotest or /tools/aiotest";
const PROXY_NETWORK =
  "expected the IP address of a proxy like 10.1.2.3, or a network like 10.1.0.0/16 or fd00::/8";

const BAD: [flag: string, text: string, needed: string][] = [
  ["--aiotestfile", " ", "expected the path of a test file"],
  ["--host", " ", "expected a host like http://127.0.0.1:8000"],
  ["--tags", "a,,b", NAMES],
  ["--tags", ",", NAMES],
  ["--exclude-tags", " ", NAMES],
  ["--connect-to", "127.0.0.1:8000", "expected HOST:PORT:ADDRESS:PORT"],
  ["--connect-to", "::1:80:b:80", "expected HOST:PORT:ADDRESS:PORT"],
  ["--connect-to", "a:80:b:80,", "expected HOST:PORT:ADDRESS:PORT"],
  ["--client-cert", " ", "expected a file in PEM"],
  ["--client-key", " ", "expected a file in PEM"],
  ["--ca", "a.pem,", "expected files in PEM, separated by commas"],
  ["--dns", "roundRobin", "expected one of first, rotate, random"],
  ["--dns-ttl", "-1", "expected a duration of 0 s or more, or inf"],
  ["--dns-ttl", "forever", "expected a duration of 0 s or more, or inf"],
  ["--local-address", "eth0", ADDRESSES],
  ["--local-address", "10.0.0.2,", ADDRESSES],
  ["--local-address", "[::1]", ADDRESSES],
  ["--local-address", "0.0.0.0", ADDRESSES],
  ["--local-address", "::", ADDRESSES],
  ["--local-address", "224.0.0.1", ADDRESSES],
  ["--local-address", "10.0.0.2:80", ADDRESSES],
  ["--max-redirects", "-1", "expected a whole number of at least 0"],
  ["--max-redirects", "none", "expected a whole number of at least 0"],
  ["--users", "0", USERS],
  ["--users", "-1", USERS],
  ["--users", "1.5", USERS],
  ["--users", "1e3", USERS],
  ["--users", "abc", USERS],
  ["--users", "1000001", USERS],
  ["--users", "99999999999999999999", USERS],
  ["--user-classes", "A,,B", NAMES],
  ["--name", " ", "expected a name of at most 100 visible characters"],
  ["--name", "x".repeat(101), "expected a name of at most 100 visible characters"],
  ["--label", "staging", LABELS],
  ["--label", "=staging", LABELS],
  ["--label", "env=", LABELS],
  ["--label", "5=a", LABELS],
  ["--label", "my_key!=a", LABELS],
  ["--label", "env=a\u200bb", LABELS],
  ["--label", `${"k".repeat(51)}=a`, LABELS],
  ["--label", `env=${"v".repeat(201)}`, LABELS],
  ["--label", "env=a,env=b", LABELS],
  ["--rate", "0", "expected a number above 0"],
  ["--rate", "-1", "expected a number above 0"],
  ["--rate", "fast", "expected a number above 0"],
  ["--rate", "Infinity", "expected a number above 0"],
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
  ["--max-users", "0", "expected a whole number of at least 1"],
  ["--max-users", "1.5", "expected a whole number of at least 1"],
  ["--arrivals", "even", "expected one of constant, poisson"],
  ["--on-busy", "wait", "expected one of queue, drop"],
  ["--iterations", "0", "expected a whole number of at least 1"],
  ["--iterations", "many", "expected a whole number of at least 1"],
  ["--web-host", " ", HOST_ADDRESS],
  ["--web-host", "localhost:8089", HOST_ADDRESS],
  ["--web-allowed-host", "https://load.example.com", ALLOWED_HOST],
  ["--web-allowed-host", "load.example.com:443", ALLOWED_HOST],
  ["--web-allowed-host", "*", ALLOWED_HOST],
  ...["aiotest", "https://load.example.com/aiotest", "/a//b", "/a/../b", "/a?b", "/ü", " "].map(
    (path) => ["--web-base-path", path, BASE_PATH] satisfies [string, string, string],
  ),
  ...["localhost", "10.0.0.0/7", "0.0.0.0/0", "10.0.0.0/33", "fe80::1%eth0", "*"].map(
    (proxy) => ["--web-trusted-proxy", proxy, PROXY_NETWORK] satisfies [string, string, string],
  ),
  ["--web-port", "-1", "expected a whole number from 0 to 65535"],
  ["--web-port", "65536", "expected a whole number from 0 to 65535"],
  ["--web-token", " ", "expected a secret"],
  ["--buckets", "0", MILLISECONDS],
  ["--buckets", "50,", MILLISECONDS],
  ["--buckets", "50ms", MILLISECONDS],
  ["--json", " ", "expected a file name"],
  ["--html", " ", "expected a file name"],
  ["--csv", " ", "expected a prefix for the file names"],
  ["--junit", " ", "expected a file name"],
  ["--threshold", " ", "expected an expression like p95<200ms"],
  ["--otlp", " ", "expected a URL like http://127.0.0.1:4318"],
  ["--trace-context", "0%", SHARE],
  ["--trace-context", "101%", SHARE],
  ["--trace-context", "0.1", SHARE],
  ["--trace-context", "all", SHARE],
  ["--exit-code-on-error", "256", "expected a whole number from 0 to 255"],
  ["--exit-code-on-error", "-1", "expected a whole number from 0 to 255"],
  ["--exit-code-on-error", "x", "expected a whole number from 0 to 255"],
  ["--loglevel", "LOUD", LEVELS],
  ["--logfile", " ", "expected a file name"],
  ["--processes", "0", PROCESSES],
  ["--processes", "-2", PROCESSES],
  ["--processes", "all", PROCESSES],
  ["--expect-workers", "0", "expected a whole number of at least 1"],
  ["--expect-workers-max-wait", "-1", ZERO_OR_MORE],
  ["--master-host", " ", HOST_ADDRESS],
  ["--master-host", "127.0.0.1:5557", HOST_ADDRESS],
  ["--master-host", "http://127.0.0.1", HOST_ADDRESS],
  ["--master-port", "0", "expected a whole number from 1 to 65535"],
  ["--master-port", "65536", "expected a whole number from 1 to 65535"],
  ["--master-bind-host", " ", HOST_ADDRESS],
  ["--master-bind-port", "-1", "expected a whole number from 0 to 65535"],
  ["--master-bind-port", "65536", "expected a whole number from 0 to 65535"],
  ["--token", " ", "expected a secret shared by master and workers"],
  ["--worker-name", " ", WORKER_NAME],
  ["--worker-name", "a\x1b[2J", WORKER_NAME],
  ["--worker-name", "x".repeat(101), WORKER_NAME],
  ["--reconnect-timeout", "0", OVER_ZERO],
  ["--journal", " ", "expected a file name"],
  ["--resume", " ", "expected the file name of a journal"],
  ["--tls-cert", " ", "expected a file name"],
  ["--tls-key", " ", "expected a file name"],
  ["--tls-ca", " ", "expected a file name"],
];

for (const [flag, text, needed] of BAD) {
  const shown = text === " " ? '" "' : text;
  Deno.test(`${flag} ${shown} is refused as a flag and in the environment`, async () => {
    assert.equal((await refusal({ args: [flag, text] })).message, `${flag} ${shown}: ${needed}`);
    const variable = variableOf(flag);
    assert.equal(
      (await refusal({ env: { [variable]: text } })).message,
      `${variable}=${shown}: ${needed}`,
    );
  });
}

Deno.test("an empty token is refused if a flag or a file gives it", async () => {
  const needed = "expected a secret shared by master and workers";
  assert.equal((await refusal({ args: ["--token", ""] })).message, `--token "": ${needed}`);
  assert.equal(
    (await refusal(config('token = ""'))).message,
    `load.toml: token = "": ${needed}`,
  );
});

Deno.test("buckets are given one by one or several after one flag, and are sorted", async () => {
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

Deno.test("an invalid bucket among several is reported, with how to write them", async () => {
  const { message, hint } = await refusal({ args: ["-b", "50", "fast", "200"] });
  assert.equal(message, `--buckets fast: ${MILLISECONDS}`);
  assert.equal(hint, "Write several as -b 50 100 200, or as 50,100,200.");
});

Deno.test("labels add up, each once, and a configuration file may have a table of them", async () => {
  const args = ["--label", "env=staging", "--label", "team=shop,build=5"];
  assert.deepEqual((await parse({ args })).label, { env: "staging", team: "shop", build: "5" });
  const table = config('[label]\nenv = "staging"\nbuild = 5\nnightly = true');
  assert.deepEqual((await parse(table)).label, { env: "staging", build: "5", nightly: "true" });
  const twice = await refusal({ args: ["--label", "env=a", "--label", "team=x,env=b"] });
  assert.equal(twice.message, "--label team=x,env=b: the label env is given more than once");
  const same = await refusal({ args: ["--label", "build-id=1", "--label", "build_id=2"] });
  assert.equal(same.message, "--label build_id=2: the label build_id is given more than once");
  const many = Array.from({ length: 21 }, (_, n) => ["--label", `key${n}=1`]).flat();
  const { message } = await refusal({ args: many });
  assert.equal(message, "--label key20=1: a run has at most 20 labels");
  // A value that could be read as two labels.
  const cut = await refusal(config('[label]\nenv = "a,b=c"'));
  assert.equal(cut.message, `load.toml: label = {"env":"a,b=c"}: ${LABELS}`);
});

Deno.test("thresholds add up in the order given", async () => {
  const args = ["--threshold", "p95<200ms", "-u", "3", "--threshold=error_rate<1%"];
  const { threshold, given } = await parse({ args });
  assert.deepEqual(threshold, ["p95<200ms", "error_rate<1%"]);
  assert.deepEqual(given, new Set(["users", "threshold"]));
});

Deno.test("the former name of --web-port is only accepted as a flag", async () => {
  assert.equal((await parse({ args: ["--prometheus-port", "9000"] })).webPort, 9000);
  assert.equal(
    (await refusal({ args: ["--prometheus-port", "http"] })).message,
    "--web-port http: expected a whole number from 0 to 65535",
  );
  const { message } = await refusal({ env: { AIOTEST_PROMETHEUS_PORT: "9000" } });
  assert.equal(message, "AIOTEST_PROMETHEUS_PORT: unknown environment variable");
  assert.equal(
    (await refusal(config("prometheus-port = 9000"))).message,
    "load.toml: unknown option prometheus-port",
  );
});

Deno.test("a flag that starts with --no has no counterpart without it", async () => {
  for (const flag of ["--web", "--autostart"]) {
    assert.equal((await refusal({ args: [flag] })).message, `${flag}: unknown option`);
  }
  for (const flag of ["--no-web=false", "--no-autostart=true"]) {
    assert.match((await refusal({ args: [flag] })).message, /takes no value$/);
  }
});

Deno.test("the usual options of a worker are read", async () => {
  const { given: _given, extra: _extra, readFrom: _readFrom, ...values } = await parse({
    args: ["--worker", "--master-host=192.168.0.10", "--master-port=5557", "--expect-workers=8"],
  });
  assert.deepEqual(values, {
    ...DEFAULTS,
    worker: true,
    masterHost: "192.168.0.10",
    expectWorkers: 8,
  });
});

Deno.test("an invalid duration is reported with how to write durations", async () => {
  assert.equal(
    (await refusal({ args: ["-t", "5 minutes"] })).hint,
    "Durations are written as seconds (20), or hours, minutes and seconds (20s, 3m, 2h, 1h20m).",
  );
});

Deno.test("a configuration file may use kebab case, camel case and its own types", async () => {
  const toml = `
    aiotestfile = "shop.ts"
    run-time = "3m"
    stopTimeout = 0.5
    setup-timeout = "2m"
    users = 100
    rate = 2.5
    tags = ["read", "write"]
    exclude-tags = "slow"
    insecure = true
    client-cert = "o"
    clientKey = "p"
    ca = ["q", "r"]
    local-address = ["10.0.0.2", "10.0.0.3"]
    maxRedirects = 3
    connect-to = ["a:80:b:81", ":::82"]
    dns = "random"
    samples = "run.jsonl"
    samplesOnly = ["failed", "slow:2s"]
    dns-ttl = "1m30s"
    reset-stats = false
    loglevel = "error"
    exit-code-on-error = 7
    csv-full-history = true
    showUsersWeight = true
    json = "a.json"
    arrival-rate = 2.5
    maxUsers = 20
    arrivals = "poisson"
    on-busy = "drop"
    iterations = 30
    show-shape = true
    web-host = "j"
    web-allowed-host = ["LOAD.example.com", "::1"]
    web-base-path = "/tools/aiotest/"
    web-trusted-proxy = ["10.0.0.0/8", "::1"]
    web-tls-cert = "web.pem"
    webTlsKey = "web.key"
    webPort = 3
    no-web = true
    web-token = "k"
    noAutostart = true
    keep = true
    buckets = [100, 50.5]
    html = "l"
    name = "nightly"
    label = ["env=staging", "team=shop"]
    user-classes = ["ShopTest"]
    csv = "m"
    junit = "n"
    markdown = "r.md"
    threshold = ["p95<1s", "rps>=10"]
    abort-on-threshold = true
    abort-after = "10s"
    otlp = "o"
    trace-context = "1%"
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
    importTimeout = 7
    resume = "f"
    tls-cert = "g"
    tlsKey = "h"
    tls-ca = "i"
    once = true
    print-secrets = true
    printHttp = "all"
    noFailureSamples = true
    history = "runs"
    no-history = true
  `;
  const expected: Settings = {
    once: true,
    printSecrets: true,
    printHttp: "all",
    noFailureSamples: true,
    history: "runs",
    noHistory: true,
    ...NO_REPORTS,
    aiotestfile: "shop.ts",
    host: "http://127.0.0.1",
    tags: ["read", "write"],
    excludeTags: ["slow"],
    insecure: true,
    clientCert: "o",
    clientKey: "p",
    ca: ["q", "r"],
    localAddress: ["10.0.0.2", "10.0.0.3"],
    maxRedirects: 3,
    importTimeout: 7,
    connectTo: ["a:80:b:81", ":::82"],
    dns: "random",
    dnsTtl: 90,
    redis: "redis://box",
    users: 100,
    rate: 2.5,
    runTime: 180,
    stopTimeout: 0.5,
    setupTimeout: 120,
    json: "a.json",
    arrivalRate: 2.5,
    maxUsers: 20,
    arrivals: "poisson",
    onBusy: "drop",
    iterations: 30,
    showShape: true,
    webHost: "j",
    webAllowedHost: ["load.example.com", "[::1]"],
    webBasePath: "/tools/aiotest",
    webTrustedProxy: ["10.0.0.0/8", "::1/128"],
    webTlsCert: "web.pem",
    webTlsKey: "web.key",
    webPort: 3,
    noWeb: true,
    webToken: "k",
    noAutostart: true,
    keep: true,
    buckets: [50.5, 100],
    html: "l",
    name: "nightly",
    label: { env: "staging", team: "shop" },
    userClasses: ["ShopTest"],
    csv: "m",
    junit: "n",
    markdown: "r.md",
    threshold: ["p95<1s", "rps>=10"],
    abortOnThreshold: true,
    abortAfter: 10,
    samples: "run.jsonl",
    samplesOnly: "failed,slow:2s",
    otlp: "o",
    traceContext: "1%",
    resetStats: false,
    exitCodeOnError: 7,
    csvFullHistory: true,
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
  const { given, extra, readFrom: _, ...values } = await parse(config(toml));
  assert.deepEqual(values, expected);
  assert.deepEqual([...given].sort(), Object.keys(expected).sort());
  assert.deepEqual(extra, {});
});

const BAD_CONFIG: [text: string, message: string][] = [
  ['users = "5"', 'load.toml: users = "5": expected a whole number from 1 to 1,000,000'],
  ["users = 0", "load.toml: users = 0: expected a whole number from 1 to 1,000,000"],
  ["rate = true", "load.toml: rate = true: expected a number above 0"],
  ["runTime = [1]", `load.toml: runTime = [1]: ${OVER_ZERO}`],
  ["host = 5", "load.toml: host = 5: expected a host like http://127.0.0.1:8000"],
  ["tags = [1, 2]", `load.toml: tags = [1,2]: ${NAMES}`],
  ["tags = 1", `load.toml: tags = 1: ${NAMES}`],
  [
    'insecure = "yes"',
    'load.toml: insecure = "yes": expected true or false',
  ],
  ["buckets = [50, 0]", `load.toml: buckets = [50,0]: ${MILLISECONDS}`],
  ["buckets = []", `load.toml: buckets = []: ${MILLISECONDS}`],
  ['buckets = [50, "100"]', `load.toml: buckets = [50,"100"]: ${MILLISECONDS}`],
  ["buckets = true", `load.toml: buckets = true: ${MILLISECONDS}`],
  ["threshold = 5", "load.toml: threshold = 5: expected an expression like p95<200ms"],
  ["threshold = [5]", "load.toml: threshold = [5]: expected an expression like p95<200ms"],
  ["webPort = 1.5", "load.toml: webPort = 1.5: expected a whole number from 0 to 65535"],
  ["json = {}", "load.toml: json = {}: expected a file name"],
  ["userz = 5", "load.toml: unknown option userz"],
  ["run_time = 5", "load.toml: unknown option run_time"],
  ['config = "x"', "load.toml: unknown option config"],
  ["[load]\nusers = 5", "load.toml: unknown option load"],
];

for (const [text, message] of BAD_CONFIG) {
  Deno.test(`the configuration file's ${JSON.stringify(text)} is refused`, async () => {
    assert.equal((await refusal(config(text))).message, message);
  });
}

function variableOf(flag: string): string {
  return `AIOTEST_${flag.slice(2).toUpperCase().replaceAll("-", "_")}`;
}

Deno.test("help shows defaults as users write them", () => {
  assert.equal(defaultText(SETTINGS.webPort), "8089");
  assert.equal(defaultText(SETTINGS.arrivals), "constant");
  assert.match(defaultText(SETTINGS.buckets), /^50 100 .* 5000 8000$/);
});

Deno.test("help shows what it means that an option has no value, and nothing for a flag that is off", () => {
  assert.equal(defaultText(SETTINGS.runTime), "no limit");
  assert.equal(defaultText(DEMO_SETTINGS.runTime), "10");
  for (const name of ["host", "noWeb", "threshold", "tags"] as const) {
    assert.equal(defaultText(SETTINGS[name]), "", name);
  }
});

Deno.test("a percentage is a number with a percent sign", () => {
  const { type } = COMPARE_SETTINGS.maxRegression;
  for (
    const [text, share] of [["5%", 0.05], ["0%", 0], ["12.5%", 0.125], [".5%", 0.005]] as const
  ) {
    assert.equal(type.parse(text), share);
  }
  for (const text of ["5", "", "%", "-5%", "five%", "5 %", "1e2%", "Infinity%"]) {
    assert.equal(type.parse(text), null, text);
  }
});

Deno.test("compare takes no configuration file", () => {
  const names = commandFlags("compare").map((option) => option.name());
  assert.deepEqual(names, ["max-regression", "json", "markdown", "history", "version", "help"]);
});
