import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { endOf } from "../support/cluster.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import { FrameProxy } from "../support/frame_proxy.ts";
import { sleep } from "../support/timing.ts";
import { startAiotest, type Started } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("workers without a test file", 2);

const TOKEN = "correct horse battery staple";
const WAITING = /Waiting for workers at \S+:(\d+)\./;

/** A test that needs a module, a module's module, a data file and a flag. */
const FILES: Readonly<Record<string, string>> = {
  "shop_test.ts": `
    import { events, FastHttpUser } from "aiotest";
    import { pathOf } from "./lib/paths.ts";
    export const files = ["data/*.txt"];
    const name = (await Deno.readTextFile(new URL("data/name.txt", import.meta.url))).trim();
    let suffix = "";
    events.on("initCommandLineParser", ({ parser }) => {
      parser.option("--suffix <text>", "what paths end in");
    });
    events.on("init", ({ options }) => void (suffix = options.suffix ?? ""));
    export class ShopTest extends FastHttpUser {
      static override waitTime = 0.1;
      async testIt(): Promise<void> {
        await this.session.get(pathOf(name + suffix));
      }
    }
  `,
  "lib/paths.ts": `
    export async function nothing(): Promise<void> { await import("./deep/lazy.ts"); }
    export { pathOf } from "./deep/path_of.ts";
  `,
  "lib/deep/path_of.ts": "export const pathOf = (name: string): string => `/${name}`;",
  "lib/deep/lazy.ts": "export {};",
  "data/name.txt": "fred",
  "data/more.txt": "more",
};

/** Folders of one machine after another, with what runs there; all of it is gone at the end. */
class Site implements AsyncDisposable {
  readonly root = Deno.realPathSync(Deno.makeTempDirSync());
  readonly home = `${this.root}/home`;
  readonly json = `${this.root}/summary.json`;
  readonly #processes: Started[] = [];
  #workers = 0;

  constructor(files: Readonly<Record<string, string>> = {}) {
    this.write({ ...FILES, ...files });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended.
      }
    }
    await Promise.all(this.#processes.map(({ finished }) => finished));
    await Deno.remove(this.root, { recursive: true });
  }

  /** Writes files into the folder of the test file. */
  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      const path = `${this.home}/${name}`;
      Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      Deno.writeTextFileSync(path, text);
    }
  }

  /** Starts a master for the test file. */
  master(target: CountingTarget, ...args: readonly string[]): Started {
    return this.#start(this.home, [
      ...["-f", "shop_test.ts", "--master", "--master-bind-host", "127.0.0.1"],
      ...["--master-bind-port", "0", "-H", target.url, "--json", this.json, "-r", "50"],
      ...args,
    ], TOKEN);
  }

  /** Starts a worker in an empty folder, whose temporary files lie in {@link temporary}. */
  worker(port: number, args: readonly string[] = [], token: string | null = TOKEN): Started {
    const cwd = `${this.root}/worker${++this.#workers}`;
    Deno.mkdirSync(`${cwd}/tmp`, { recursive: true });
    const at = ["--master-host", "127.0.0.1", "--master-port", String(port)];
    return this.#start(cwd, ["--worker", ...at, ...args], token);
  }

  /** What lies among the temporary files of a worker, by its number, 1 and up. */
  temporary(worker = 1): string[] {
    const folder = `${this.root}/worker${worker}/tmp`;
    return [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`);
  }

  /** What the master has written. */
  summary(): Summary {
    return JSON.parse(Deno.readTextFileSync(this.json));
  }

  #start(cwd: string, args: readonly string[], token: string | null): Started {
    const env: Record<string, string> = { TMPDIR: `${cwd}/tmp`, AIOTEST_TOKEN: token ?? "" };
    const process = startAiotest(args, { cwd, env });
    this.#processes.push(process);
    return process;
  }
}

async function portOf(master: Started): Promise<number> {
  return Number(await master.tells(WAITING));
}

/** Asserts that a process has ended so; returns what it said. */
async function assertEnd(process: Started, code: number): Promise<string> {
  const { code: actual, stdout, stderr } = await endOf(process);
  assert.equal(actual, code, `${stdout}${stderr}`);
  return stderr;
}

/** Resolves when a condition holds, which is looked at often. */
async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 1_000; i++) {
    if (condition()) return;
    await sleep(10);
  }
  throw new Error(`${what}: not within 10 s`);
}

test("workers in empty folders get the test file with its imports, and count exactly", async () => {
  await using target = new CountingTarget();
  await using site = new Site();
  const master = site.master(target, "-u", "6", "-t", "3", "--expect-workers", "2");
  const port = await portOf(master);
  const workers = [
    site.worker(port, ["--worker-name", "w1"]),
    site.worker(port, ["--worker-name", "w2"]),
  ];
  await target.reached(10);
  for (const worker of [1, 2]) {
    const [folder, ...others] = site.temporary(worker);
    assert.deepEqual(others, []);
    assert.equal(Deno.statSync(folder!).mode! & 0o777, 0o700);
    assert.equal(Deno.readTextFileSync(`${folder}/data/more.txt`), "more");
  }
  const log = await assertEnd(master, 0);
  for (const name of ["w1", "w2"]) {
    assert.match(log, new RegExp(`Worker ${name} is downloading the test`));
  }
  for (const worker of workers) {
    assert.match(
      await assertEnd(worker, 0),
      /Got the test file shop_test\.ts .*: files: 6, bytes:/,
    );
  }
  const summary = site.summary();
  assert.deepEqual(summary.workers.map(({ id, state }) => `${id} ${state}`).sort(), [
    "w1 finished",
    "w2 finished",
  ]);
  assert.deepEqual([...target.seen.keys()], ["GET /fred"]);
  assertEqualCounts(summary, target);
  assert.deepEqual([...site.temporary(1), ...site.temporary(2)], []);
});

test("a worker accepts the flags that the test file adds, and no others", async () => {
  await using target = new CountingTarget();
  await using site = new Site();
  const master = site.master(target, "-u", "2", "-t", "2");
  const port = await portOf(master);
  const wrong = await assertEnd(site.worker(port, ["--sufix", "x"]), 2);
  assert.match(wrong, /^aiotest: .*--sufix/m);
  await master.says("cannot use the test file: ");
  assert.deepEqual(site.temporary(1), []);
  const right = site.worker(port, ["--suffix", "erick"]);
  await assertEnd(master, 0);
  await assertEnd(right, 0);
  assert.deepEqual([...target.seen.keys()], ["GET /frederick"]);
  assertEqualCounts(site.summary(), target);
});

test("local workers share the files that their parent received", async () => {
  await using target = new CountingTarget();
  await using site = new Site();
  const master = site.master(target, "-u", "4", "-t", "2", "--expect-workers", "2");
  const parent = site.worker(await portOf(master), ["--processes", "2"]);
  await target.reached(5);
  assert.equal(site.temporary().length, 1);
  await assertEnd(master, 0);
  await assertEnd(parent, 0);
  assert.equal(site.summary().workers.length, 2);
  assertEqualCounts(site.summary(), target);
  assert.deepEqual(site.temporary(), []);
});

test("without the right token, no test file is sent or accepted", async () => {
  await using target = new CountingTarget();
  await using site = new Site();
  const port = await portOf(site.master(target, "-u", "1", "-t", "1"));
  assert.match(
    await assertEnd(site.worker(port, [], null), 2),
    /aiotest: This worker has no test file.*\nName it with -f, or set the same token/,
  );
  assert.match(await assertEnd(site.worker(port, [], "guess"), 2), /the token is wrong or missing/);
  const open = startAiotest([
    ...["-f", `${site.home}/shop_test.ts`, "--master", "--master-bind-host", "127.0.0.1"],
    ...["--master-bind-port", "0"],
  ]);
  try {
    const worker = site.worker(await portOf(open));
    assert.match(await assertEnd(worker, 2), /the worker has a token, the master has none/);
  } finally {
    open.kill("SIGKILL");
    await open.finished;
  }
  for (const worker of [1, 2, 3]) assert.deepEqual(site.temporary(worker), []);
});

test("a test file that is too large to send is refused before waiting for workers", async () => {
  await using target = new CountingTarget();
  await using site = new Site();
  using file = Deno.openSync(`${site.home}/data/large.txt`, { create: true, write: true });
  file.truncateSync(100_000_000);
  const log = await assertEnd(site.master(target), 2);
  assert.match(
    log,
    /^aiotest: The test file cannot be sent to workers: \S+large\.txt \(100 MB\) brings the total to .*64 MiB/m,
  );
});

test("a download that is cut off starts again", async () => {
  await using target = new CountingTarget();
  const row = "all work and no play makes jack a dull boy\n";
  await using site = new Site({ "data/large.txt": row.repeat(200_000) });
  const master = site.master(target, "-u", "2", "-t", "2");
  await using proxy = new FrameProxy(await portOf(master));
  proxy.duplicating = true;
  let chunks = 0;
  proxy.onFrame = ({ message }) => {
    if (message.type === "CHUNK" && [5, 30].includes(++chunks)) proxy.cut();
  };
  const worker = site.worker(proxy.port);
  await assertEnd(master, 0);
  const log = await assertEnd(worker, 0);
  assert.ok(chunks > 60, String(chunks));
  assert.equal(log.match(/Lost the connection to the master at \S+/g)?.length, 2, log);
  assert.equal(log.match(/Got the test file/g)?.length, 1, log);
  assertEqualCounts(site.summary(), target);
});

test("SIGTERM removes the received files, whether or not the test runs", async () => {
  await using target = new CountingTarget();
  await using site = new Site({ "data/large.txt": "x".repeat(5_000_000) });
  const master = site.master(target, "-u", "2", "-t", "30");
  await using proxy = new FrameProxy(await portOf(master));
  proxy.limit("toWorker", 100_000);
  const early = site.worker(proxy.port);
  await until(() => proxy.count("NEED") > 1, "a first piece");
  early.kill("SIGTERM");
  await assertEnd(early, 0);
  assert.deepEqual(site.temporary(1), []);
  proxy.limit("toWorker", null);
  const late = site.worker(proxy.port);
  await target.reached(2);
  assert.equal(site.temporary(2).length, 1);
  late.kill("SIGTERM");
  await assertEnd(late, 0);
  assert.deepEqual(site.temporary(2), []);
});

test("a changed test file is sent again for the next run", async () => {
  await using site = new Site();
  for (const name of ["fred", "george"]) {
    await using target = new CountingTarget();
    site.write({ "data/name.txt": name });
    const master = site.master(target, "-u", "1", "-t", "1");
    const worker = site.worker(await portOf(master));
    await assertEnd(master, 0);
    await assertEnd(worker, 0);
    assert.deepEqual([...target.seen.keys()], [`GET /${name}`]);
  }
});

test("an error that only the worker finds is reported with the path on the master", async () => {
  await using target = new CountingTarget();
  await using site = new Site({
    "lib/deep/path_of.ts": `
      if (Deno.args.includes("--worker")) throw new Error("not here");
      export const pathOf = (name: string): string => name;
    `,
  });
  const master = site.master(target);
  const worker = site.worker(await portOf(master), ["--worker-name", "w1"]);
  const place = `${site.home}/lib/deep/path_of.ts:2:`;
  const log = await assertEnd(worker, 2);
  const said = log.split("\n").find((line) => line.startsWith("aiotest: ")) ?? "";
  assert.ok(said.startsWith(`aiotest: ${place}`), log);
  assert.match(said, /error during import: .*not here$/);
  await master.says(`Worker w1 cannot use the test file: ${place}`);
  assert.deepEqual(site.temporary(), []);
});
