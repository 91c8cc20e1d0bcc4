import assert from "node:assert/strict";
import {
  type QuickOptions,
  readQuickOptions,
  RequestQuota,
} from "../../../src/cli/commands/quick.ts";
import { UsageError } from "../../../src/core/errors.ts";
import { config, type Given, NO_REPORTS } from "../../support/command_line.ts";
import { settle } from "../../support/fake_clock.ts";
import { FakeHost } from "../../support/fake_host.ts";

const URL = "http://127.0.0.1:8000/search?q=F22";

const DEFAULTS: QuickOptions = {
  url: URL,
  method: "GET",
  body: null,
  readFrom: [],
  header: [],
  timeout: 60,
  insecure: false,
  clientCert: null,
  clientKey: null,
  ca: [],
  localAddress: [],
  connectTo: [],
  dns: null,
  dnsTtl: 5,
  maxRedirects: null,
  users: 50,
  rate: null,
  runTime: null,
  requests: null,
  stopTimeout: 2,
  arrivalRate: null,
  maxUsers: 1000,
  arrivals: "constant",
  onBusy: "queue",
  ...NO_REPORTS,
  name: null,
  http2: false,
  label: {},
  threshold: [],
  abortOnThreshold: false,
  abortAfter: 0,
  resetStats: false,
  samples: null,
  samplesOnly: null,
  exitCodeOnError: 1,
  csvFullHistory: false,
  traceContext: null,
  loglevel: "INFO",
  logfile: null,
  once: false,
  printSecrets: false,
  printHttp: null,
  noFailureSamples: false,
  history: null,
  noHistory: false,
};

function read({ args = [], ...given }: Given): Promise<QuickOptions> {
  return readQuickOptions(new FakeHost({ args: ["quick", URL, ...args], ...given }));
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

Deno.test("a URL alone is enough", async () => {
  assert.deepEqual(await read({}), DEFAULTS);
});

type Good = [args: string[], options: Partial<QuickOptions>];

const GOOD: Good[] = [
  [["-n", "1"], { requests: 1 }],
  [["--requests", "250000"], { requests: 250_000 }],
  [["-m", "delete"], { method: "DELETE" }],
  [["--method", "PROPFIND"], { method: "PROPFIND" }],
  [["-d", "a=1"], { method: "POST", body: bytes("a=1") }],
  [["--data", ""], { method: "POST", body: bytes("") }],
  [["-d", "ü", "-m", "PUT"], { method: "PUT", body: bytes("ü") }],
  [["-d", "@-d"], { method: "POST", body: bytes("from a file") }],
  [["--header", "Accept: text/html, */*"], { header: [["Accept", "text/html, */*"]] }],
  [["--header", "A:b:c", "--header", "X-Empty:"], { header: [["A", "b:c"], ["X-Empty", ""]] }],
  [["--timeout", "1.5"], { timeout: 1.5 }],
  [["--insecure"], { insecure: true }],
  [["-u", "5", "-r", "0.5", "-t", "1m", "-s", "0"], {
    users: 5,
    rate: 0.5,
    runTime: 60,
    stopTimeout: 0,
  }],
  [["--json", "a.json", "--reset-stats", "--exit-code-on-error", "0"], {
    json: "a.json",
    resetStats: true,
    exitCodeOnError: 0,
  }],
  [["--arrival-rate", "100", "--max-users", "20", "--arrivals", "poisson", "--on-busy", "drop"], {
    arrivalRate: 100,
    maxUsers: 20,
    arrivals: "poisson",
    onBusy: "drop",
  }],
  [["--html", "a.html", "--csv", "a", "--junit", "a.xml"], {
    html: "a.html",
    csv: "a",
    junit: "a.xml",
  }],
  [["--threshold", "p95<1s", "--threshold", "rps>5", "--abort-on-threshold"], {
    threshold: ["p95<1s", "rps>5"],
    abortOnThreshold: true,
  }],
  [["-L", "debug", "--logfile", "a.log"], { loglevel: "DEBUG", logfile: "a.log" }],
];

for (const [args, options] of GOOD) {
  Deno.test(`quick URL ${args.join(" ")} is understood`, async () => {
    const files = { "/home/me/-d": "from a file" };
    const readFrom = args.includes("@-d") ? [{ what: "the file of --data", path: "-d" }] : [];
    assert.deepEqual(await read({ args, files }), { ...DEFAULTS, readFrom, ...options });
  });
}

Deno.test("options may precede the command and the URL", async () => {
  const host = new FakeHost({ args: ["-u", "5", "quick", "-m", "HEAD", URL] });
  assert.deepEqual(await readQuickOptions(host), { ...DEFAULTS, users: 5, method: "HEAD" });
});

Deno.test("environment and configuration file apply, except settings of test files", async () => {
  const { files } = config(
    'header = ["Accept: a, b", "X: y"]\nrequests = 7\ntags = ["slow"]\nusers = 2\n',
  );
  const env = { AIOTEST_CONFIG: "load.toml", AIOTEST_USERS: "3", AIOTEST_METHOD: "put" };
  assert.deepEqual(await read({ env, files }), {
    ...DEFAULTS,
    header: [["Accept", "a, b"], ["X", "y"]],
    requests: 7,
    users: 3,
    method: "PUT",
    readFrom: [{ what: "the configuration file", path: "load.toml" }],
  });
});

Deno.test("a variable that resembles an option is refused, others may belong to a test file", async () => {
  assert.equal((await read({ env: { AIOTEST_TENANT: "acme", AIOTEST_USERS: "3" } })).users, 3);
  await assert.rejects(read({ env: { AIOTEST_USER: "3" } }), {
    name: "UsageError",
    message: "AIOTEST_USER: unknown environment variable",
    hint: "Did you mean AIOTEST_USERS?",
  });
});

type Bad = [args: string[], message: string, hint?: string];

const LINE = 'expected a header line like "Accept: text/html"';
const NO_FILE = "which has no test file";
const NO_WEB = "which has no dashboard";

const BAD: Bad[] = [
  [["quick"], "quick: missing URL", "Try: aiotest quick http://127.0.0.1:8000/"],
  [
    ["quick", "127.0.0.1:8000/a"],
    "quick 127.0.0.1:8000/a: expected a URL that starts with http:// or https://",
    "Did you mean http://127.0.0.1:8000/a?",
  ],
  [
    ["quick", "ftp://127.0.0.1/"],
    "quick ftp://127.0.0.1/: expected a URL that starts with http:// or https://",
  ],
  [
    ["quick", "me:s3cret@127.0.0.1"],
    "quick …@127.0.0.1: expected a URL that starts with http:// or https://",
    "Did you mean http://…@127.0.0.1?",
  ],
  [["quick", "http://"], "quick http://: expected a URL that starts with http:// or https://"],
  [
    ["quick", URL, "http://127.0.0.2/"],
    "quick: expected one URL, but there is a second one: http://127.0.0.2/",
    "For all options, run aiotest quick --help.",
  ],
  [["quick", URL, "-n", "0"], "--requests 0: expected a whole number of at least 1"],
  [["quick", URL, "-n", "1.5"], "--requests 1.5: expected a whole number of at least 1"],
  [["quick", URL, "-n"], "--requests: missing value"],
  [["quick", URL, "-m", "GET /"], '--method "GET /": expected an HTTP method like PUT'],
  [["quick", URL, "--header", "Accept"], `--header Accept: ${LINE}`],
  [["quick", URL, "--header", "A: b", "--header", "A b: c"], `--header "A …": ${LINE}`],
  [["quick", URL, "--header", "A: b\r\nC: d"], `--header "A …": ${LINE}`],
  [["quick", URL, "--header", ": b"], `--header " …": ${LINE}`],
  [
    ["quick", URL, "--header", "Authorization s3cret"],
    `--header "Authorization …": ${LINE}`,
  ],
  [["quick", URL, "-d", "@"], "--data @: expected a string, or @ and a file name"],
  [
    ["quick", URL, "-d", "@body.json"],
    "--data @body.json: file not found: /home/me/body.json",
    "The value is a string, or @ and a file name.",
  ],
  [
    ["quick", URL, "--timeout", "0"],
    "--timeout 0: expected a duration above 0 s, up to 24 days",
    "Durations are written as seconds (20), or hours, minutes and seconds (20s, 3m, 2h, 1h20m).",
  ],
  [["quick", URL, "-f", "a.ts"], `--aiotestfile cannot be used with quick, ${NO_FILE}`],
  [["quick", URL, "-T", "a"], `--tags cannot be used with quick, ${NO_FILE}`],
  [["quick", URL, "--redis", "redis://a"], `--redis cannot be used with quick, ${NO_FILE}`],
  [["quick", URL, "-E", "a"], `--exclude-tags cannot be used with quick, ${NO_FILE}`],
  [
    ["quick", URL, "-H", "Accept: a"],
    "--host cannot be used with quick, which takes the whole URL; to set a header, use --header",
  ],
  [
    ["quick", URL, "--show-users-weight"],
    "--show-users-weight cannot be used with quick, which has no user classes",
  ],
  [
    ["quick", URL, "--iterations", "5"],
    "--iterations cannot be used with quick, which takes --requests",
  ],
  [
    ["quick", URL, "--show-shape"],
    "--show-shape cannot be used with quick, which has a constant load",
  ],
  [
    ["quick", URL, "--otlp", "http://127.0.0.1:4318"],
    "--otlp cannot be used with quick, which does short runs",
  ],
  [["quick", URL, "--no-web"], `--no-web cannot be used with quick, ${NO_WEB}`],
  [["quick", URL, "--no-autostart"], `--no-autostart cannot be used with quick, ${NO_WEB}`],
  [["quick", URL, "--web-port", "0"], `--web-port cannot be used with quick, ${NO_WEB}`],
  [["quick", URL, "--prometheus-port", "0"], `--web-port cannot be used with quick, ${NO_WEB}`],
  [["quick", URL, "--web-host", "a"], `--web-host cannot be used with quick, ${NO_WEB}`],
  [["quick", URL, "--web-token", "a"], `--web-token cannot be used with quick, ${NO_WEB}`],
  [["quick", URL, "-b", "50"], `--buckets cannot be used with quick, ${NO_WEB}`],
  [
    ["quick", URL, "--arrival-rate", "0"],
    "--arrival-rate 0: expected a number above 0 and up to 1,000,000,000",
  ],
  [["quick", URL, "--master"], "--master cannot be used with quick, which runs in one process"],
  [
    ["quick", URL, "--processes=2"],
    "--processes cannot be used with quick, which runs in one process",
  ],
  [["quick", URL, "-z"], "-z: unknown option", "For all options, run aiotest quick --help."],
  [["quick", URL, "--request"], "--request: unknown option", "Did you mean --requests?"],
];

for (const [args, message, hint = ""] of BAD) {
  Deno.test(`aiotest ${args.join(" ")} is refused`, async () => {
    await assert.rejects(
      readQuickOptions(new FakeHost({ args })),
      (error) => {
        assert.ok(error instanceof UsageError);
        assert.deepEqual([error.message, error.hint, error.exitCode], [message, hint, 2]);
        return true;
      },
    );
  });
}

Deno.test("a quota is done when the last of its requests is over", async () => {
  const quota = new RequestQuota(2);
  let done = false;
  void quota.done.then(() => done = true);
  assert.deepEqual([quota.take(), quota.take(), quota.take(), quota.take()], [
    true,
    true,
    false,
    false,
  ]);
  quota.settle();
  await settle();
  assert.equal(done, false);
  quota.settle();
  await settle();
  assert.equal(done, true);
});

Deno.test("an unlimited quota never runs out", async () => {
  const quota = new RequestQuota(Infinity);
  let done = false;
  void quota.done.then(() => done = true);
  for (let i = 0; i < 1000; i++) {
    assert.equal(quota.take(), true);
    quota.settle();
  }
  await settle();
  assert.equal(done, false);
});
