import assert from "node:assert/strict";
import { fencedBlocks } from "../support/fenced_blocks.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { runAiotest, startAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("what the log shows", 2);

const TEST_FILE = `
import { events, FastHttpUser, logger } from "aiotest";
logger.info('logged at import: {"a":1} {name} {}');
logger.debug("a detail at import {x}");
console.log("printed at import {y}");
console.error("complained at import", "{z}");
events.on("init", () => logger.warn("logged in init {w}"));
export class ShopTest extends FastHttpUser {
  static override waitTime = 0.1;
  async testShop() { await this.session.get("/"); }
}
`;

/** What the test file says in each process that imports it, braces included. */
const SAID = [
  / INFO +logged at import: {"a":1} {name} {}$/m,
  / DEBUG +a detail at import {x}$/m,
  /(^|\] )printed at import {y}$/m,
  /(^|\] )complained at import {z}$/m,
  / WARNING +logged in init {w}$/m,
];

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/aiotestfile.ts`, TEST_FILE);
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function assertSaid(text: string, who: string): void {
  for (const pattern of SAID) assert.match(text, pattern, who);
}

test("a run logs connections, look-ups and users only with -L DEBUG", () =>
  inFolder(async (cwd) => {
    await using target = new CountingTarget();
    const host = target.url.replace("127.0.0.1", "localhost");
    const load = ["-H", host, "-u", "2", "-r", "10", "-t", "1"];
    const [debug, info] = await Promise.all([
      runAiotest([...load, "-L", "DEBUG"], { cwd }),
      runAiotest(load, { cwd }),
    ]);
    assert.equal(debug.code, 0, debug.stderr);
    assertSaid(debug.stderr + debug.stdout, "the run");
    for (
      const pattern of [
        /DEBUG +User 2 of ShopTest has started\.$/m,
        /DEBUG +Look-up of localhost: .*127\.0\.0\.1.* \(\d+\.\d ms\)\.$/m,
        /DEBUG +Connection 1 to http:\/\/localhost:\d+ at 127\.0\.0\.1:\d+ is open: look-up .* ms\.$/m,
        /DEBUG +Connection 1 to \S+ is closed after \d\.\d+ s: its user is done with it\.$/m,
        /DEBUG +User 2 of ShopTest has ended: it was stopped\.$/m,
      ]
    ) assert.match(debug.stderr, pattern);
    const page = (await fencedBlocks("docs/debugging.md")).map(({ text }) => text).join("");
    const ofUsers = page.match(/^DEBUG +User .+$/gm)!;
    assert.equal(ofUsers.length, 2);
    for (const line of ofUsers) assert.ok(debug.stderr.includes(`${line}\n`), line);
    assert.equal(info.code, 0, info.stderr);
    assert.doesNotMatch(info.stderr, /DEBUG|Connection|Look-up/);
  }));

test("aiotest check shows what a test file logs and prints", () =>
  inFolder(async (cwd) => {
    const args = ["check", "aiotestfile.ts", "-H", "http://127.0.0.1:9", "-L", "DEBUG"];
    const { code, stdout, stderr } = await runAiotest(args, { cwd });
    assert.equal(code, 0, stderr);
    assertSaid(stderr + stdout, "check");
  }));

test("with -L DEBUG, master and workers log assignments, states and reports", () =>
  inFolder(async (cwd) => {
    await using target = new CountingTarget();
    const load = ["-H", target.url, "-u", "2", "-r", "10", "-t", "2", "-L", "DEBUG"];
    const { code, stdout, stderr } = await runAiotest([...load, "--processes", "2"], { cwd });
    assert.equal(code, 0, stderr);
    const lines = (stderr + stdout).split("\n");
    const ofWorker = (number: number): string =>
      lines.filter((line) => new RegExp(`^\\[\\S+-${number}\\] `).test(line)).join("\n");
    const ofMaster = lines.filter((line) => !line.startsWith("[")).join("\n");
    for (const [who, text] of [["w1", ofWorker(1)], ["w2", ofWorker(2)]] as const) {
      assertSaid(text, who);
      assert.match(text, /Assignment \d+ from the master: 1 of ShopTest, 10 users per second\.$/m);
      assert.match(text, /A report of \d+ bytes is sent; the newest is number 1\.$/m);
      assert.match(text, /Report 1 is acknowledged\.$/m);
    }
    assertSaid(ofMaster, "the master");
    assert.match(ofMaster, /Assignment \d+ to \S+: 1 of ShopTest, 10 users per second\.$/m);
    assert.match(ofMaster, /Worker \S+ is running; users: 1\.$/m);
    assert.match(ofMaster, /Report 1 of \S+ is counted: seconds \d+ to \d+, entries: 1\.$/m);
  }));

test("a worker that gets its test file from the master shows what it logs and prints", () =>
  inFolder(async (cwd) => {
    await using target = new CountingTarget();
    const env = { AIOTEST_TOKEN: "secret" };
    const bind = ["--master-bind-host", "127.0.0.1", "--master-bind-port", "0"];
    const master = startAiotest(["--master", ...bind, "-H", target.url, "-t", "1"], { cwd, env });
    const port = await master.tells(/Waiting for workers at \S+:(\d+)\./);
    await Deno.mkdir(`${cwd}/empty`);
    const args = ["--worker", "--master-port", port, "-L", "DEBUG"];
    const worker = await runAiotest(args, { cwd: `${cwd}/empty`, env });
    assert.equal((await master.finished).code, 0);
    assert.equal(worker.code, 0, worker.stderr);
    assertSaid(worker.stderr + worker.stdout, "the worker");
  }));
