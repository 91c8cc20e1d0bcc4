import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import type { Summary } from "../../src/report/summary.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { steadyPort } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, startAiotest, type Started } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const SAMPLED = projectPath("tests/e2e/fixtures/sampled.ts");

const test = sideBySide("samples are written by real processes", 2);

/** A run in a folder of its own, and its target. */
class Scene implements AsyncDisposable {
  readonly folder: string;
  readonly target = new CountingTarget();

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<Scene> {
    return new Scene(await Deno.makeTempDir());
  }

  start(...args: string[]): Started {
    const load = ["-H", this.target.url, "-u", "6", "-r", "100", "--json", "out.json"];
    return startAiotest(["-f", SAMPLED, ...load, ...args], { cwd: this.folder });
  }

  get summary(): Summary {
    return JSON.parse(Deno.readTextFileSync(`${this.folder}/out.json`));
  }

  /** The names of the files of samples. */
  get files(): string[] {
    return Array.from(Deno.readDirSync(this.folder), ({ name }) => name)
      .filter((name) => name.startsWith("run.")).sort();
  }

  text(name: string): string {
    const bytes = Deno.readFileSync(`${this.folder}/${name}`);
    return new TextDecoder().decode(name.endsWith(".gz") ? gunzipSync(bytes) : bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.target[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

interface Line {
  readonly time: string;
  readonly node: string;
  readonly userClass: string;
  readonly userId: number;
  readonly name: string;
  readonly url: string | null;
  readonly status: number;
  readonly error: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly group: string | null;
}

function jsonLines(text: string): Line[] {
  const lines = text.split("\n");
  assert.equal(lines.pop(), "");
  return lines.map((line) => JSON.parse(line));
}

/** What is counted by name, from lines. */
function byName(lines: readonly Pick<Line, "name" | "error">[]): Map<string, [number, number]> {
  const counts = new Map<string, [requests: number, failures: number]>();
  for (const { name, error } of lines) {
    const [requests, failures] = counts.get(name) ?? [0, 0];
    counts.set(name, [requests + 1, failures + (error === null ? 0 : 1)]);
  }
  return counts;
}

/** The same, from the summary. */
function reported({ requests }: Summary): Map<string, [number, number]> {
  return new Map(requests.map(({ name, requests, failures }) => [name, [requests, failures]]));
}

function assertSame(lines: readonly Pick<Line, "name" | "error">[], summary: Summary): void {
  const sorted = (counts: Map<string, unknown>): unknown[] => [...counts].sort();
  assert.deepEqual(sorted(byName(lines)), sorted(reported(summary)));
  assert.equal(lines.length, summary.totals.requests);
}

function assertPlain({ stdout, stderr }: Finished): void {
  assert.doesNotMatch(stdout + stderr, /^\s+at |internal error|os error/m);
}

test("each request of a report is a line, with all that is known of it", async () => {
  await using scene = await Scene.create();
  const finished = await scene.start("-t", "2", "--samples", "run.jsonl").finished;
  assertPlain(finished);
  const lines = jsonLines(scene.text("run.jsonl"));
  assertSame(lines, scene.summary);
  const requests = lines.filter(({ userClass }) => userClass === "VisitTest");
  assert.equal(requests.length, scene.target.total - scene.summary.totals.unfinished.count);
  const odd = lines.find(({ name }) => name.startsWith("odd"))!;
  assert.deepEqual(
    [odd.name, odd.url, odd.status, odd.error, odd.tags, odd.group, odd.node],
    [
      'odd, "name"\nof two lines',
      `${scene.target.url}/plain`,
      200,
      null,
      { cache: "hit" },
      "check, out",
      "local",
    ],
  );
  const users = new Set(requests.map(({ userId }) => String(userId)));
  assert.deepEqual(users, new Set(scene.target.visits.map(({ user }) => user)));
  const { startedAt, endedAt } = scene.summary;
  for (const { time } of lines) {
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    const at = Date.parse(time);
    assert.ok(at >= Date.parse(startedAt!) - 1 && at <= Date.parse(endedAt!) + 1, time);
  }
});

test("Ctrl-C loses no line of a compressed table, which replaces an earlier one", async () => {
  await using scene = await Scene.create();
  await Deno.writeTextFile(`${scene.folder}/run.csv.gz`, "old");
  const run = scene.start("--samples", "run.csv.gz");
  await scene.target.reached(200);
  run.kill("SIGINT");
  assertPlain(await run.finished);
  const text = scene.text("run.csv.gz");
  const rows = parse<Record<string, string>>(text, { columns: true });
  assertSame(
    rows.map((row) => ({
      name: row.name!.replace("␊", "\n"),
      error: row.error === "" ? null : row.error!,
    })),
    scene.summary,
  );
  // A row is a line.
  assert.equal(text.split("\n").length - 2, rows.length);
});

test("each worker has a file of its own, and what --reset-stats discards is in none", async () => {
  await using scene = await Scene.create();
  const finished = await scene.start(
    ...["--processes", "2", "-r", "4", "-t", "4", "--reset-stats"],
    ...["--samples", "run.jsonl.gz"],
  ).finished;
  assertPlain(finished);
  assert.match(finished.stderr, /--samples: each worker writes run\.\*\.jsonl\.gz/);
  const { summary } = scene;
  assert.deepEqual(
    scene.files,
    summary.workers.map(({ id }) => `run.${id}.jsonl.gz`).sort(),
  );
  const lines = scene.files.flatMap((name) => {
    const own = jsonLines(scene.text(name));
    assert.deepEqual(new Set(own.map(({ node }) => `run.${node}.jsonl.gz`)), new Set([name]));
    return own;
  });
  assertSame(lines, summary);
  assert.ok(scene.target.total > lines.filter(({ userClass }) => userClass === "VisitTest").length);
});

test("a worker writes where its own option says, and its master cannot choose any directory", async () => {
  await using scene = await Scene.create();
  const port = String(steadyPort());
  const elsewhere = await Deno.makeTempDir();
  try {
    const master = scene.start(
      ...["--master", "--processes", "1", "--master-bind-host", "127.0.0.1"],
      ...["--master-bind-port", port, "--token", "secret", "-t", "2"],
      ...["--samples", `${elsewhere}/run.csv`],
    );
    await master.says("Waiting for workers");
    const joins = ["--worker", "--master-port", port, "--token", "secret", "--worker-name"];
    const refusing = await startAiotest(["-f", SAMPLED, ...joins, "refusing"], { cwd: elsewhere })
      .finished;
    assertPlain(refusing);
    assert.equal(refusing.code, 2, refusing.stderr);
    assert.match(refusing.stderr, /asks for samples in .*, which is not below this worker's/);
    assertPlain(await master.finished);
    const { workers } = scene.summary;
    assert.deepEqual(scene.files, []);
    const names = Array.from(Deno.readDirSync(elsewhere), ({ name }) => name);
    assert.deepEqual(names, [`run.${workers[0]!.id}.csv`]);
  } finally {
    await Deno.remove(elsewhere, { recursive: true });
  }
});

test("after kill -9, a file is complete up to its last full line", async () => {
  for (const name of ["run.jsonl", "run.jsonl.gz"]) {
    await using scene = await Scene.create();
    const run = scene.start("--samples", name);
    const path = `${scene.folder}/${name}`;
    while (!((await Deno.stat(path).catch(() => null))?.size ?? 0)) {
      await scene.target.reached(scene.target.total + 1);
    }
    run.kill("SIGKILL");
    await run.finished;
    const lines = scene.text(name).split("\n").slice(0, -1);
    assert.ok(lines.length > 0);
    for (const line of lines) JSON.parse(line);
  }
});

test("only what failed or was slow is written if that is asked for", async () => {
  await using scene = await Scene.create();
  await scene.start("-t", "1", "--samples", "run.jsonl", "--samples-only", "failed").finished;
  const lines = jsonLines(scene.text("run.jsonl"));
  assert.equal(lines.length, scene.summary.totals.failures);
  assert.deepEqual(
    [...new Set(lines.map(({ error }) => error))].sort(),
    ["HTTP 500", 'not "good", at all'],
  );
});

test("a full disk is said once, the run goes on, and the exit code is 1", async () => {
  await using scene = await Scene.create();
  await Deno.symlink("/dev/full", `${scene.folder}/run.csv`);
  const finished = await scene.start(
    ...["-t", "2", "--user-classes", "StepTest", "--samples", "run.csv"],
  ).finished;
  assertPlain(finished);
  assert.equal(finished.code, 1);
  assert.match(finished.stdout, /^PASSED/m);
  assert.deepEqual(finished.stderr.match(/run\.csv: cannot write the file:.*/g), [
    "run.csv: cannot write the file: no space left on the device. Samples are missing in it.",
  ]);
  const { summary } = scene;
  const all = summary.totals.requests.toLocaleString("en");
  assert.ok(
    summary.warnings.includes(
      `${all} of ${all} samples are missing in run.csv: no space left on the device.`,
    ),
    summary.warnings.join("\n"),
  );
  assert.equal(summary.exitCode, 1);
}, { ignore: Deno.build.os !== "linux" });

test("what cannot be a file of samples is refused before anything is sent", async () => {
  await using scene = await Scene.create();
  for (
    const [args, message] of [
      [
        ["--samples", "run.json"],
        "--samples run.json: expected a file name that ends in .jsonl, .csv, .jsonl.gz or .csv.gz",
      ],
      [
        ["--samples", "run.csv", "--samples-only", "slow:500"],
        "--samples-only slow:500: expected failed, slow:500ms (took at least 500 ms; slow:2s), or " +
        "both as failed,slow:500ms",
      ],
      [["--samples-only", "failed"], "--samples-only failed needs --samples"],
      [
        ["--samples", "nowhere/run.csv"],
        `--samples nowhere/run.csv: cannot write the file: the directory ${scene.folder}/nowhere ` +
        "does not exist",
      ],
      [
        ["--samples", "run.csv", "--logfile", "run.csv"],
        "--samples run.csv: this is the log file, which would be overwritten",
      ],
      [
        ["--samples", "run.csv", "--junit", "run.csv"],
        "--junit run.csv: this is the file of --samples, which would be overwritten",
      ],
    ] as const
  ) {
    const finished = await scene.start(...args).finished;
    assertPlain(finished);
    assert.equal(finished.code, 2, finished.stderr);
    assert.ok(finished.stderr.includes(message), finished.stderr);
  }
  assert.equal(scene.target.total, 0);
});
