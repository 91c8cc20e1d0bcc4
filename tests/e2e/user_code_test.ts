import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { CountingTarget, sentIn } from "../support/counting_target.ts";
import { type Finished, runAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("what test files hand in and throw", 2);

// Test files in JavaScript, as users write them: nothing checks the types of what they pass.

/** A run that has ended, and the text of its files by name. */
interface Ended extends Finished {
  /** `null` if the run has not started. */
  readonly summary: Summary | null;
  readonly files: Readonly<Record<string, string>>;
}

/** Runs a test file in JavaScript, with all reports that are files. */
async function run(target: CountingTarget, text: string, args: readonly string[]): Promise<Ended> {
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${cwd}/test.js`, text);
    const finished = await runAiotest([
      ...["-f", "test.js", "-H", target.url, "--stop-timeout", "1", ...args],
      ...["--json", "run.json", "--html", "run.html", "--junit", "run.xml"],
    ], { cwd });
    const files: Record<string, string> = {};
    for (const { name } of Deno.readDirSync(cwd)) {
      files[name] = await Deno.readTextFile(`${cwd}/${name}`);
    }
    const json = files["run.json"] ?? "";
    return { ...finished, files, summary: json === "" ? null : JSON.parse(json) };
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

/** Where the users run, for the names of tests, and the arguments for it. */
const PLACES: readonly (readonly [where: string, args: readonly string[]])[] = [
  ["in one process", []],
  ["with --processes 2", ["--processes", "2"]],
];

const NAMES = `
import { FastHttpUser } from "aiotest";
const NAMES = [
  17, 5n, { id: 5 }, Object.create(null), Symbol("s"), ["a", 1], "", "x".repeat(5000), "lone \\ud800",
];
export class NameTest extends FastHttpUser {
  static waitTime = 0;
  async testNames() {
    for (const name of NAMES) await this.session.get("/plain", { name });
    await this.measure(18, () => {}, { method: null });
    this.record({ name: null, method: 7, latencyMs: 1, error: Object.create(null) });
  }
}
`;

/** The names in the summary, as far as they can be predicted. */
const NAMES_IN_SUMMARY = [
  "17",
  "5",
  "{ id: 5 }",
  "[Object: null prototype] {}",
  "Symbol(s)",
  "a,1",
];

for (const [where, args] of PLACES) {
  test(`names of any type are counted completely ${where}`, async () => {
    await using target = new CountingTarget();
    const { code, summary, stderr } = await run(target, NAMES, [
      ...args,
      ...["-u", "4", "-r", "100", "--iterations", "40", "--exit-code-on-error", "7"],
    ]);
    assert.equal(code, 7, stderr);
    const { complete, requests, userErrors, warnings } = summary!;
    assert.deepEqual([complete, userErrors, warnings], [true, [], []]);
    assert.equal(target.total, 40 * 9);
    const sent = requests.filter(({ method }) => method === "GET");
    assert.equal(sent.reduce((sum, row) => sum + sentIn(row), 0), target.total);
    assert.deepEqual(sent.map((row) => row.requests), new Array(9).fill(40));
    for (const name of NAMES_IN_SUMMARY) assert.ok(sent.some((row) => row.name === name), name);
    const others = requests.filter(({ method }) => method !== "GET");
    assert.deepEqual(
      others.map((row) => [row.method, row.name, row.requests, row.failures]).sort(),
      [["7", "null", 40, 40], ["TASK", "18", 40, 0]],
    );
  });

  test(`values without a text that are thrown are counted, and all iterations end ${where}`, async () => {
    await using target = new CountingTarget();
    const { code, summary, stderr } = await run(target, THROWN, [
      ...args,
      ...["-u", "4", "-r", "100", "--iterations", "40", "-t", "2m"],
    ]);
    assert.equal(code, 1, stderr);
    const { complete, userErrors, iterations } = summary!;
    assert.equal(complete, true);
    assert.deepEqual([iterations!.started, iterations!.completed], [40, 40]);
    assert.equal(userErrors.reduce((sum, { count }) => sum + count, 0), 40);
    assert.deepEqual(
      userErrors.map(({ error }) => error).filter((error) => !THROWN_TEXTS.includes(error)),
      [],
    );
    assert.equal(target.total, 40);
  });

  for (const event of ["init", "testStart"]) {
    test(`a handler of ${event} that throws: exit code 2, and no request ${where}`, async () => {
      await using target = new CountingTarget();
      const { code, stderr } = await run(target, handlers(event), [...args, "-t", "5s"]);
      assert.equal(code, 2, stderr);
      assert.match(
        stderr,
        new RegExp(
          `^aiotest: .*event ${event} threw: cannot prepare \\(test\\.js:\\d+:\\d+\\)$`,
          "m",
        ),
      );
      assert.doesNotMatch(stderr, /internal error/);
      assert.equal(target.total, 0);
    });
  }

  test(`a handler of testStop that throws: the run fails in every report ${where}`, async () => {
    await using target = new CountingTarget();
    const { code, summary, stdout, stderr, files } = await run(target, handlers("testStop"), [
      ...args,
      ...["-u", "2", "-r", "100", "-t", "1s"],
    ]);
    assert.equal(code, 1, stderr);
    // The master of two workers is a node, too.
    const count = args.length === 0 ? 1 : 3;
    assert.deepEqual(summary!.userErrors, [
      { user: "(event testStop)", error: "cannot prepare", place: null, count },
    ]);
    assert.equal(summary!.complete, true);
    assert.equal(sentIn(summary!.totals), target.total);
    assert.match(stdout, /^FAILED .*user error/m);
    for (const text of [stdout, files["run.html"], files["run.xml"]]) {
      assert.ok(text!.includes("cannot prepare"));
    }
  });
}

const THROWN = `
import { FastHttpUser } from "aiotest";
const revocable = Proxy.revocable({}, {});
revocable.revoke();
const unreadable = new Error();
Object.defineProperty(unreadable, "message", { get() { throw new Error("no"); } });
const THROWN = [Object.create(null), revocable.proxy, unreadable, Symbol("s"), undefined];
export class ThrowTest extends FastHttpUser {
  static waitTime = 0;
  #turn = 0;
  async testThrow() {
    await this.session.get("/plain");
    throw THROWN[this.#turn++ % THROWN.length];
  }
}
`;

const THROWN_TEXTS = [
  "[Object: null prototype] {}",
  "(object that cannot be shown)",
  "an error whose message cannot be read",
  "Symbol(s)",
  "undefined",
];

/** A test file whose handler of an event throws on each node. */
function handlers(event: string): string {
  return `
import { events, FastHttpUser } from "aiotest";
events.on("${event}", async () => {
  await Promise.resolve();
  throw new Error("cannot prepare");
});
export class PlainTest extends FastHttpUser {
  static waitTime = 0.1;
  async testGet() { await this.session.get("/plain"); }
}
`;
}

test("handlers of testStart that throw on workers only end the run, and no request is sent", async () => {
  await using target = new CountingTarget();
  const text = handlers("testStart")
    .replace("async () => {", 'async ({ run }) => { if (run.node === "master") return;');
  const { code, stderr } = await run(target, text, ["--processes", "2", "-t", "5s"]);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /^aiotest: Worker \S+: A handler of the event testStart threw: cannot pre/m);
  assert.equal(target.total, 0);
});

test("stray rejections and handlers that throw per request do not flood the log", async () => {
  await using target = new CountingTarget();
  const { code, summary, stderr } = await run(target, FLOOD, ["-u", "5", "-r", "100", "-t", "2s"]);
  assert.equal(code, 1, stderr);
  const [{ user, error, count } = assert.fail(), ...others] = summary!.userErrors;
  assert.deepEqual([user, error, others], ["(not awaited)", "reconnect failed", []]);
  assert.ok(count > 20);
  assert.equal(sentIn(summary!.totals), target.total);
  const lines = stderr.split("\n");
  const about = (text: string): number => lines.filter((line) => line.includes(text)).length;
  // At most once a second each, and what was held back at the end.
  for (const text of ["Uncaught error: reconnect failed", "of the event request threw: no"]) {
    assert.ok(about(text) >= 2 && about(text) <= 20, `${about(text)} lines with ${text}`);
  }
  assert.match(stderr, /Uncaught error: reconnect failed \(\S+\) \(\d+ times\)/);
});

const FLOOD = `
import { events, FastHttpUser } from "aiotest";
events.on("testStart", () => {
  setInterval(() => { for (let i = 0; i < 10; i++) void Promise.reject(new Error("reconnect failed")); }, 20);
});
events.on("request", () => { throw new Error("no"); });
export class FloodTest extends FastHttpUser {
  static waitTime = 0;
  async testGet() { await this.session.get("/plain"); }
}
`;

test("a wait of weeks is waited and warned of, and an infinite one is not a busy loop", async () => {
  await using target = new CountingTarget();
  const { code, summary, stderr } = await run(target, WAITS, ["-u", "2", "-r", "100", "-t", "2s"]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(summary!.warnings, [
    "WeeksTest.waitTime is longer than the run: 3600000 s of 2 s. Waits are in seconds.",
  ]);
  assert.equal(target.total, 2);
});

const WAITS = `
import { FastHttpUser } from "aiotest";
export class WeeksTest extends FastHttpUser {
  static waitTime = 3_600_000;
  async testGet() { await this.session.get("/plain"); }
}
export class SleepTest extends FastHttpUser {
  async testGet() {
    await this.session.get("/plain");
    await this.sleep(Infinity);
  }
}
`;
