import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { seeded } from "../support/cutting_target.ts";
import { aiotestScript } from "../support/doc_page.ts";
import { type Action, commandsIn, readYaml, RunnerJob } from "../support/github_action.ts";
import { isMissing } from "../support/machine.ts";
import { tablesOf, textOf } from "../support/markdown.ts";
import { projectPath } from "../support/paths.ts";
import { sideBySide } from "../support/side_by_side.ts";
import { simulatedRun } from "../support/simulated_summary.ts";

const ACTION = await readYaml<Action>("action.yml");
const VERSION: string = JSON.parse(await Deno.readTextFile(projectPath("deno.json"))).version;

/** aiotest as a program, as a release would have it. */
const PROGRAM = await aiotestScript();

const TEST_FILE = `
import { FastHttpUser } from "aiotest";
export class ShopTest extends FastHttpUser {
  static waitTime = 0.02;
  async testSearch() { await this.session.get("/plain", { name: "a|b \`<i>\`" }); }
}
`;

/** As {@link TEST_FILE}, with requests that fail, whose name would be a command to the runner. */
const FAILING_FILE = `
export { ShopTest } from "./shop.ts";
import { FastHttpUser } from "aiotest";
export class BrokenTest extends FastHttpUser {
  static waitTime = 0.02;
  async testBroken() { await this.session.get("/broken", { name: "100%\\n::error::hostile" }); }
}
`;

/** Requests that take as long as this says, so that a run does not depend on the machine. */
const TIMED_FILE = `
import { User } from "aiotest";
export class TimedTest extends User {
  static waitTime = 0.02;
  testSearch() { this.record({ method: "GET", name: "/search", latencyMs: 40 }); }
}
`;

/** A job with aiotest and test files in its workspace. */
async function newJob(env: Readonly<Record<string, string>> = {}): Promise<RunnerJob> {
  const job = await RunnerJob.start(env);
  const files = { "shop.ts": TEST_FILE, "failing.ts": FAILING_FILE, "timed.ts": TIMED_FILE };
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${job.workspace}/${name}`, text);
  }
  await Deno.writeTextFile(`${job.workspace}/aiotest`, PROGRAM, { mode: 0o755 });
  return job;
}

const RUN = { executable: "./aiotest", file: "shop.ts", users: "3", rate: "100", "run-time": "1s" };

const actionTest = sideBySide("the GitHub Action", 2);
const OPTIONS = { ignore: isMissing("curl") };
const testAction = (name: string, fn: () => Promise<void>): void => {
  actionTest(name, fn, OPTIONS);
};

testAction(
  "a run that passes has its tables in the job's summary, and its figures in the outputs",
  async () => {
    await using target = new CountingTarget();
    await using job = await newJob();
    const { code, stdout, stderr, outputs } = await job.use(ACTION, {
      ...RUN,
      host: target.url,
      thresholds: "p95<60s\n\n  error_rate<1%  \r\n",
      args: "--name=smoke\n  --label=env=ci",
      json: "out.json",
    });
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(commandsIn(stdout), []);
    const json: Summary = JSON.parse(await Deno.readTextFile(`${job.workspace}/out.json`));
    assert.equal(json.totals.requests, target.total);
    const { latencyMs: { p50, p95, p99 }, requests, failures, rate } = json.totals;
    assert.deepEqual(Object.fromEntries(outputs), {
      "exit-code": "0",
      summary: "out.json",
      ...{ requests: String(requests), failures: String(failures), rate: String(rate) },
      ...{ p50: String(p50), p95: String(p95), p99: String(p99) },
      regression: "",
      executable: `${job.workspace}/aiotest`,
    });
    const summary = await job.summary();
    assert.match(summary, /^## ✅ <code>smoke<\/code> PASSED\n/);
    assert.match(summary, /env=ci/);
    const [thresholds, rows] = tablesOf(summary);
    assert.deepEqual(thresholds!.rows.map((row) => [row[0], row[2]]), [
      ["p95<60s", "✅ passed"],
      ["error_rate<1%", "✅ passed"],
    ]);
    assert.equal(rows!.rows[0]![0], "GET a|b `<i>`");
    assert.equal(rows!.rows[0]![1], String(target.total));
  },
);

testAction(
  "a crossed threshold is an error of the job, and the step ends with 3 after the summary",
  async () => {
    await using target = new CountingTarget();
    await using job = await newJob();
    const thresholds = "p95[GET a|b `<i>`]<0.001ms\nerror_rate<1%";
    const { code, stdout, outputs } = await job.use(ACTION, {
      ...RUN,
      host: target.url,
      thresholds,
    });
    assert.equal(code, 3, stdout);
    assert.equal(outputs.get("exit-code"), "3");
    assert.equal(outputs.get("requests"), String(target.total));
    const [error, ...more] = commandsIn(stdout);
    assert.match(
      error!,
      /^error title=Threshold crossed::p95\[GET a\|b `<i>`\]<0\.001ms: [\d.]+ ms$/,
    );
    assert.deepEqual(more, []);
    assert.match(await job.summary(), /^## ❌ FAILED\n/);
  },
);

testAction(
  "a threshold that ends the run is its only error, and others without a sample are not judged",
  async () => {
    await using job = await newJob();
    const { code, stdout } = await job.use(ACTION, {
      ...{ ...RUN, file: "timed.ts", "run-time": "60s", args: "--abort-on-threshold" },
      thresholds: "p95[GET /cart]<1s\ncount>0\np95<30ms",
    });
    assert.equal(code, 3, stdout);
    assert.deepEqual(commandsIn(stdout), ["error title=Threshold crossed::p95<30ms: 40 ms"]);
    const [thresholds] = tablesOf(await job.summary());
    assert.deepEqual(thresholds!.rows.map((row) => [row[0], row[2]]), [
      ["p95<30ms", "❌ crossed"],
      ["p95[GET /cart]<1s", "not judged"],
      ["count>0", "✅ passed"],
    ]);
  },
);

testAction(
  "failed requests end the step with 1, and what they say is no command to the runner",
  async () => {
    await using target = new CountingTarget();
    await using job = await newJob();
    const run = { ...RUN, host: target.url, file: "failing.ts" };
    const { code, stdout, outputs } = await job.use(ACTION, run);
    assert.equal(code, 1, stdout);
    assert.equal(outputs.get("failures"), String(target.seen.get("GET /broken")!.requests));
    const [error, ...more] = commandsIn(stdout);
    assert.match(error!, /^error title=aiotest::\d+ of \d+ requests failed .*\(exit code 1\)$/);
    assert.deepEqual(more, []);
    const failures = tablesOf(await job.summary()).find(({ title }) => title === "Failures")!;
    assert.deepEqual(failures.rows[0]!.slice(1), ["GET 100%␊::error::hostile", "HTTP 500"]);
  },
);

testAction(
  "an invalid option ends the step with 2, and the summary says that there is no report",
  async () => {
    await using job = await newJob();
    const { code, stdout, stderr, outputs } = await job.use(ACTION, { ...RUN, users: "many" });
    assert.equal(code, 2, stdout);
    assert.match(stderr, /--users many: expected/);
    assert.equal(outputs.get("summary"), "");
    assert.deepEqual(commandsIn(stdout), [
      "error title=aiotest::aiotest ended with exit code 2: --users many: expected a whole number from 1 to 1,000,000",
    ]);
    const [heading, reason] = (await job.summary()).split(/\n+/);
    assert.equal(heading, "## ❌ aiotest ended with exit code 2");
    assert.equal(textOf(reason!), "--users many: expected a whole number from 1 to 1,000,000");
  },
);

/** Ends at once with an error, as aiotest does with an invalid option. */
const REFUSING = `#!/bin/sh
[ "$1" = compare ] && echo "COMPARED"
echo "aiotest: --name <b>@team</b>: 100% wrong" >&2
echo "Try another one." >&2
exit 2
`;

testAction("what an earlier run has left is not the result of one that did not start", async () => {
  await using job = await newJob();
  const earlier = JSON.stringify(
    {
      aiotest: VERSION,
      ...simulatedRun(
        { seconds: 6, names: [{ name: "/", rate: 9, median: 9, spread: 1 }] },
        seeded(1),
      ),
    },
    null,
    2,
  );
  for (const name of ["before.json", "real.json"]) {
    await Deno.writeTextFile(`${job.workspace}/${name}`, earlier);
  }
  await Deno.symlink("real.json", `${job.workspace}/link.json`);
  await Deno.writeTextFile(`${job.workspace}/refusing`, REFUSING, { mode: 0o755 });
  for (const json of ["real.json", "link.json"]) {
    const { code, stdout, outputs } = await job.use(ACTION, {
      ...{ executable: "./refusing", baseline: "before.json", json },
    });
    assert.equal(code, 2, stdout);
    const { executable: _, ...left } = Object.fromEntries(outputs);
    assert.deepEqual(Object.entries(left).filter(([, value]) => value !== ""), [[
      "exit-code",
      "2",
    ]]);
    assert.doesNotMatch(stdout, /COMPARED/);
    assert.deepEqual(commandsIn(stdout), [
      "error title=aiotest::aiotest ended with exit code 2: --name <b>@team</b>: 100%25 wrong",
    ]);
    assert.equal(await Deno.readTextFile(`${job.workspace}/${json}`), earlier);
  }
  const summary = await job.summary();
  assert.match(summary, /^[^@<*]*$/);
  assert.equal(textOf(summary.split(/\n+/)[1]!), "--name <b>@team</b>: 100% wrong");
});

testAction("a run whose setup throws says why, and is not compared", async () => {
  await using job = await newJob();
  await Deno.writeTextFile(
    `${job.workspace}/unprepared.ts`,
    `export { TimedTest } from "./timed.ts";\n` +
      `export function setup() { throw new Error("no \`stock\`"); }\n`,
  );
  const names = [{ name: "/search", rate: 90, median: 10, spread: 0.1 }];
  const baseline = { aiotest: VERSION, ...simulatedRun({ seconds: 6, names }, seeded(1)) };
  await Deno.writeTextFile(`${job.workspace}/before.json`, JSON.stringify(baseline));
  const run = { ...RUN, file: "unprepared.ts", baseline: "before.json" };
  const { code, stdout, outputs } = await job.use(ACTION, run);
  assert.equal(code, 2, stdout);
  const [error, ...more] = commandsIn(stdout);
  assert.match(
    error!,
    /^error title=aiotest::no requests \(exit code 2\): setup threw: no `stock` \(unprepared\.ts:2:\d+\)$/,
  );
  assert.deepEqual(more, []);
  assert.equal(outputs.get("regression"), "");
  assert.equal(outputs.get("requests"), "0");
  assert.doesNotMatch(await job.summary(), /Comparison/);
});

/** A run that passes, of which one report cannot be written. */
const LOSING = `#!/bin/sh
for argument; do
  case $argument in --markdown=*) printf '## ❌ FAILED\\n\\n5 requests, no failures (exit code 1)\\n' >"\${argument#*=}" ;; esac
done
echo "aiotest: --rate is given more than once: the last value, 5, applies." >&2
echo "aiotest: --html r.html: cannot write the file: the disk is full" >&2
echo "The exit code is 1 because results are missing." >&2
exit 1
`;

testAction("a run of which a report is missing says which, also in the job's summary", async () => {
  await using job = await newJob();
  await Deno.writeTextFile(`${job.workspace}/losing`, LOSING, { mode: 0o755 });
  const { code, stdout } = await job.use(ACTION, { executable: "./losing" });
  assert.equal(code, 1);
  const reason = "--html r.html: cannot write the file: the disk is full";
  assert.deepEqual(commandsIn(stdout), [
    `error title=aiotest::5 requests, no failures (exit code 1): ${reason}`,
  ]);
  assert.equal(textOf((await job.summary()).trimEnd().split("\n").at(-1)!), `❌ ${reason}`);
});

/** Writes the summary of the last run once more. */
const AGAIN = `#!/bin/sh
[ "$1" = compare ] && exec ./aiotest "$@"
cp aiotest-summary.json after.json
for argument; do
  case $argument in --markdown=*) echo "## ✅ PASSED" >"\${argument#*=}" ;; esac
done
`;

testAction(
  "a run that is slower than its baseline fails with 3, unless it may be slower",
  async () => {
    await using job = await newJob();
    const names = [{ name: "/search", rate: 90, median: 10, spread: 0.1 }];
    const baseline = { aiotest: VERSION, ...simulatedRun({ seconds: 6, names }, seeded(1)) };
    await Deno.writeTextFile(`${job.workspace}/before.json`, JSON.stringify(baseline));
    const timed = { ...RUN, file: "timed.ts", users: "2", "run-time": "6s" };
    const { code, stdout, outputs } = await job.use(ACTION, { ...timed, baseline: "before.json" });
    assert.equal(code, 3, stdout);
    assert.equal(outputs.get("regression"), "true");
    const [error, ...more] = commandsIn(stdout);
    assert.match(
      error!,
      /^error title=Worse than the baseline::\d+ figures? (is|are) worse by more than 5%/,
    );
    assert.deepEqual(more, []);
    const summary = await job.summary();
    assert.match(summary, /^## ✅ PASSED\n[^]*\n## ❌ Comparison: REGRESSION\n/);
    const compared = tablesOf(summary).find(({ title }) => title === "Latency in ms")!;
    assert.ok(compared.rows.some((row) => row[0] === "50%" && row.at(-1) === "regression"));

    // The same run again, of which only the comparison is real.
    await Deno.writeTextFile(`${job.workspace}/again`, AGAIN, { mode: 0o755 });
    const allowed = await job.use(ACTION, {
      ...{ ...timed, executable: "./again", json: "after.json" },
      ...{ baseline: "before.json", "fail-on-regression": "false" },
    });
    assert.equal(allowed.code, 0, allowed.stdout);
    assert.deepEqual(commandsIn(allowed.stdout), []);
    assert.equal(allowed.outputs.get("regression"), "true");
  },
);

testAction(
  "without a baseline yet, the run passes and says so; a broken one fails with 2",
  async () => {
    await using target = new CountingTarget();
    await using job = await newJob();
    const run = { ...RUN, host: target.url, baseline: "none%.json" };
    const first = await job.use(ACTION, run);
    assert.equal(first.code, 0, first.stdout);
    assert.equal(first.outputs.get("regression"), "");
    assert.deepEqual(commandsIn(first.stdout), [
      "notice title=aiotest::There is no baseline yet: none%25.json",
    ]);
    await Deno.writeTextFile(`${job.workspace}/none%.json`, "{}");
    const second = await job.use(ACTION, run);
    assert.equal(second.code, 2, second.stdout);
    assert.equal(second.outputs.get("regression"), "");
    assert.deepEqual(commandsIn(second.stdout).length, 1);
    assert.match(
      commandsIn(second.stdout)[0]!,
      /^error title=aiotest::aiotest compare ended with exit code 2: none%25\.json is not a summary of a run/,
    );
  },
);

/** Writes its arguments into a file, each ended by a null character. */
const RECORDER = `#!/bin/sh
printf '%s\\0' "$@" >arguments
exit 7
`;

testAction("no input is run, split or taken for another option", async () => {
  await using job = await newJob();
  await Deno.writeTextFile(`${job.workspace}/recorder`, RECORDER, { mode: 0o755 });
  const hostile = `a"b'c $(touch x) \`touch x\` ; touch x && \${HOME} \\ * ?`;
  const { code } = await job.use(ACTION, {
    executable: "./recorder",
    file: hostile,
    host: `${hostile}\ntouch x`,
    users: "-1",
    rate: "--version",
    "arrival-rate": hostile,
    "run-time": hostile,
    thresholds: `${hostile}\n--version`,
    args: `--tags=a b\n  ${hostile}\t\r\n--user=r`,
    json: "--out file.json",
  });
  assert.equal(code, 7);
  const recorded = (await Deno.readTextFile(`${job.workspace}/arguments`)).split("\0");
  const [markdown] = recorded.splice(-2);
  assert.match(markdown!, /^--markdown=\/.*\/run\.md$/);
  assert.deepEqual(recorded, [
    ...["--tags=a b", hostile, "--user=r"],
    `--aiotestfile=${hostile}`,
    `--host=${hostile}\ntouch x`,
    "--users=-1",
    "--rate=--version",
    `--arrival-rate=${hostile}`,
    `--run-time=${hostile}`,
    `--threshold=${hostile}`,
    "--threshold=--version",
    "--no-web",
    "--json=./--out file.json",
  ]);
  const files = [...Deno.readDirSync(job.workspace)].map(({ name }) => name);
  assert.deepEqual(files.sort(), [
    "aiotest",
    "arguments",
    "failing.ts",
    "recorder",
    "shop.ts",
    "timed.ts",
  ]);
});

const INVALID: readonly (readonly [inputs: Readonly<Record<string, string>>, message: string])[] = [
  [{ executable: "none\n::error::x" }, "The input executable must be a single line."],
  [{ executable: "./none" }, "executable: ./none is not a program on this runner"],
  [{ version: "1.0/../../x" }, "version: expected a version like 0.1.0, but found 1.0/../../x"],
  [{ ...RUN, "working-directory": "no%" }, "working-directory: there is no directory no%25"],
  [{ ...RUN, json: "a\nb=c" }, "The input json must be a single line."],
  [{ ...RUN, json: "" }, "json: expected the name of a file"],
  [{ ...RUN, json: "." }, "json: expected the name of a file, but . is a directory"],
  [
    { ...RUN, "fail-on-regression": "no" },
    "fail-on-regression: expected true or false, but found no",
  ],
  [
    { ...RUN, "max-regression": "abc" },
    "max-regression: expected a percentage like 5%25, but found abc",
  ],
  [
    { ...RUN, "max-regression": "5%\n6%" },
    "max-regression: expected a percentage like 5%25, but found 5%25%0A6%25",
  ],
  [
    { ...RUN, json: "shop.ts", baseline: "./shop.ts" },
    "baseline: ./shop.ts is also the file of the input json, which the run replaces",
  ],
];

testAction("an input that cannot be used ends the step with 2 before anything runs", async () => {
  await using job = await newJob();
  for (const [inputs, message] of INVALID) {
    const { code, stdout, stderr } = await job.use(ACTION, inputs);
    assert.equal(code, 2, stdout + stderr);
    assert.deepEqual(commandsIn(stdout), [`error title=aiotest::${message}`]);
  }
});

/** A release page with some files, which counts downloads. */
class ReleasePage implements AsyncDisposable {
  readonly url: string;
  readonly requested: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(files: Readonly<Record<string, string>>) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      const name = decodeURI(new URL(request.url).pathname).slice(1);
      this.requested.push(name);
      const text = files[name];
      return new Response(text ?? "not found", { status: text === undefined ? 404 : 200 });
    });
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}

const NAME = `aiotest-${VERSION}-linux-x64`;

testAction(
  "the executable of the action's version is downloaded, verified and put on the PATH",
  async () => {
    await using target = new CountingTarget();
    const sums = `${await sha256("other")}  ${NAME}.txt\n${await sha256(PROGRAM)}  ${NAME}\n`;
    await using page = new ReleasePage({ SHA256SUMS: sums, [NAME]: PROGRAM });
    await using job = await newJob();
    const { executable: _, ...run } = { ...RUN, host: target.url, "release-url": `${page.url}/` };
    const { code, stdout, stderr, outputs } = await job.use(ACTION, run);
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(page.requested, ["SHA256SUMS", NAME]);
    assert.equal(outputs.get("requests"), String(target.total));
    const later = await job.run({ run: "command -v aiotest" }, new Map());
    assert.equal(later.stdout, `${outputs.get("executable")}\n`);
  },
);

testAction(
  "an executable with a wrong checksum, or without one, is removed and not run",
  async () => {
    const bad = `#!/bin/sh\ntouch ran\n`;
    const wrong = await sha256("what was released");
    for (const sums of [`${wrong}  ${NAME}\n`, `${wrong}  ${NAME}.exe\n`, ""]) {
      await using page = new ReleasePage({ SHA256SUMS: sums, [NAME]: bad });
      await using job = await newJob();
      const { code, stdout, outputs } = await job.use(ACTION, { "release-url": page.url });
      assert.equal(code, 2);
      const expected = sums.includes(`${NAME}\n`) ? wrong : "none";
      assert.deepEqual(commandsIn(stdout), [
        `error title=aiotest::The checksum of ${NAME} is ${await sha256(
          bad,
        )}, but SHA256SUMS has ${expected}.`,
      ]);
      assert.equal(outputs.get("executable"), "");
      assert.ok(![...Deno.readDirSync(job.workspace)].some(({ name }) => name === "ran"));
      assert.deepEqual([...Deno.readDirSync(`${job.workspace}/../temp`)], []);
    }
  },
);

testAction(
  "each runner gets the executable of its platform, by the version that is asked for",
  async () => {
    const platforms = [
      ["Linux", "ARM64", "linux-arm64"],
      ["macOS", "X64", "macos-x64"],
      ["macOS", "ARM64", "macos-arm64"],
      ["Windows", "X64", "windows-x64.exe"],
      ["Windows", "ARM64", "windows-x64.exe"],
    ] as const;
    for (const [os, arch, end] of platforms) {
      await using page = new ReleasePage({ SHA256SUMS: "" });
      await using job = await RunnerJob.start({ RUNNER_OS: os, RUNNER_ARCH: arch });
      const inputs = { "release-url": page.url, version: "v9.8.7-rc.1" };
      const { code, stdout } = await job.use(ACTION, inputs);
      assert.equal(code, 2);
      assert.deepEqual(page.requested, ["SHA256SUMS", `aiotest-9.8.7-rc.1-${end}`]);
      assert.deepEqual(commandsIn(stdout), [
        `error title=aiotest::Cannot download aiotest-9.8.7-rc.1-${end} from ${page.url}`,
      ]);
    }
    await using job = await RunnerJob.start({ RUNNER_ARCH: "ARM" });
    assert.match((await job.use(ACTION, {})).stdout, /There is no executable for this runner/);
  },
);

testAction(
  "without a release URL, the release is that of the repository which the action is from",
  async () => {
    const curl = `#!/bin/sh\nfor last; do :; done\nprintf '%s\\n' "$last" >>"$ASKED"\nexit 22\n`;
    const paths = [
      ["/runner/_actions/them/tool/v1/", "them/tool"],
      ["C:\\runner\\_actions\\them\\tool\\v1", "them/tool"],
      [projectPath("."), "owner/shop"],
    ] as const;
    for (const [path, repository] of paths) {
      await using job = await RunnerJob.start();
      const [bin, asked] = [`${job.workspace}/bin`, `${job.workspace}/asked`];
      await Deno.mkdir(bin);
      await Deno.writeTextFile(`${bin}/curl`, curl, { mode: 0o755 });
      const [get] = ACTION.runs.steps;
      const env = {
        ...{ INPUT_EXECUTABLE: "", INPUT_RELEASE_URL: "", INPUT_WORKING_DIRECTORY: "." },
        ...{ INPUT_VERSION: "1.2.3", GITHUB_ACTION_PATH: path, ASKED: asked },
        PATH: `${bin}:${Deno.env.get("PATH")}`,
      };
      const script = projectPath(".github/action/get.sh");
      const { code } = await job.run({ ...get, env, run: `bash "${script}"` }, new Map());
      assert.equal(code, 2);
      assert.equal(
        await Deno.readTextFile(asked),
        `https://github.example/${repository}/releases/download/v1.2.3/SHA256SUMS\n`,
      );
    }
  },
);
