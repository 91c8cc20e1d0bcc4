import assert from "node:assert/strict";
import { runCommand } from "../../build/project.ts";
import type { Summary } from "../../src/report/summary.ts";
import { isMissing } from "../support/machine.ts";
import { lengthOf } from "../support/nightly.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, startAiotest } from "../support/process.ts";

/** Users who measure something without a target. */
const TEST = `
import { User } from "aiotest";
export class StepTest extends User {
  static waitTime = 0.05;
  onStart() { console.error("begun"); }
  testStep() { this.record({ name: "step", latencyMs: 5 }); }
}
`;

const REPORTS = ["--json", "a.json", "--html", "a.html", "--junit", "a.xml", "--csv", "a"];
const FILES = ["a.html", "a.json", "a.xml"]
  .concat(["exceptions", "failures", "stats", "stats_history"].map((name) => `a_${name}.csv`))
  .sort();

/** A working directory with a test file. */
class Folder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async with(test = TEST): Promise<Folder> {
    const folder = new Folder(await Deno.makeTempDir());
    await Deno.writeTextFile(`${folder.path}/aiotestfile.ts`, test);
    return folder;
  }

  /** The names of all files except the test file. */
  get names(): string[] {
    return Array.from(Deno.readDirSync(this.path), ({ name }) => name)
      .filter((name) => name !== "aiotestfile.ts")
      .sort();
  }

  text(name: string): string {
    return Deno.readTextFileSync(`${this.path}/${name}`);
  }

  get summary(): Summary {
    return JSON.parse(this.text("a.json"));
  }

  /**
   * Runs a script of bash.
   *
   * @param args the arguments of aiotest, which the script starts by `"$@"`.
   */
  async bash(script: string, ...args: string[]): Promise<Finished> {
    return await runCommand(
      "bash",
      ["-c", script, "bash", Deno.execPath(), "run", "-A", "--quiet", CLI, ...args],
      { cwd: this.path, env: { NO_COLOR: "1", AIOTEST_NO_WEB: "1", AIOTEST_NO_HISTORY: "1" } },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

const CLI = projectPath("cli.ts");

/** No line of a stack trace, and nothing that only aiotest's developers understand. */
function checkPlain(text: string): void {
  assert.doesNotMatch(text, /^\s+at |internal error|os error|\bfile:\/\//m);
}

const isLinux = Deno.build.os === "linux";

Deno.test({
  name: "an output on a full disk is named, all others are written, and old reports are gone",
  ignore: !isLinux,
  fn: async () => {
    await using here = await Folder.with();
    for (const name of FILES) await Deno.writeTextFile(`${here.path}/${name}`, "old");
    const { code, stdout, stderr } = await here.bash(
      '"$@"',
      ...["-t", "1", "--json", "a.json", "--html", "/dev/full", "--junit", "a.xml", "--csv", "a"],
    );
    assert.equal(code, 1, stderr);
    assert.match(stdout, /^PASSED/m);
    assert.match(
      stderr,
      /^aiotest: --html \/dev\/full: cannot write the file: no space left on the device\n/m,
    );
    checkPlain(stderr);
    assert.deepEqual(here.names, FILES);
    for (const name of FILES) assert.equal(here.text(name) === "old", name === "a.html", name);
    assert.equal(here.summary.exitCode, 1);
  },
});

Deno.test({
  name: "a full log file is named once, and the run continues to its reports",
  ignore: !isLinux,
  fn: async () => {
    await using here = await Folder.with(
      TEST.replace("testStep() {", 'testStep() { logger.info("a line");')
        .replace("{ User }", "{ logger, User }"),
    );
    const { code, stdout, stderr } = await here.bash(
      '"$@"',
      ...["-t", "1", "--logfile", "/dev/full", "--json", "a.json"],
    );
    assert.equal(code, 1, stderr);
    assert.match(stdout, /^PASSED/m);
    assert.deepEqual(stderr.match(/^.*\/dev\/full.*$/gm), [
      "aiotest: --logfile /dev/full: cannot write the log: no space left on the device. " +
      "Lines are missing in it.",
    ]);
    checkPlain(stderr);
    assert.equal(here.summary.exitCode, 1);
    assert.ok(here.summary.totals.requests > 0);
  },
});

/** A test that prints more than a pipe holds, and says on standard error when it has. */
const TALKATIVE = `
import { User } from "aiotest";
export class TalkTest extends User {
  static waitTime = 0.05;
  onStart() {
    for (let line = 0; line < 3000; line++) console.log(\`line \${line} \${"x".repeat(100)}\`);
    console.group("a group");
    console.log("inside");
    console.groupEnd();
    console.dir({ no: "error" });
    console.error("printed");
  }
  testStep() { this.record({ name: "step", latencyMs: 5 }); }
}
`;

Deno.test({
  name: "a run whose standard output is full goes on, and fails because it cannot be read",
  ignore: !isLinux,
  fn: async () => {
    await using here = await Folder.with(TALKATIVE);
    const { code, stderr } = await here.bash('"$@" > /dev/full', "-t", "1", "--json", "a.json");
    assert.equal(code, 1, stderr);
    assert.match(
      stderr,
      /^aiotest: cannot write to standard output: no space left on the device$/m,
    );
    checkPlain(stderr);
    // Printing to it is no error of the user's.
    assert.deepEqual(here.summary.userErrors, []);
    assert.equal(here.summary.exitCode, 1);
    assert.ok(here.summary.totals.requests > 0);
  },
});

Deno.test({
  name: "a run whose output is read by head goes on to its reports",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using here = await Folder.with(TALKATIVE);
    const { stdout, stderr } = await here.bash(
      '{ "$@"; echo "exit code $?" >&2; } | head -n 1',
      ...["-t", "1", "--json", "a.json"],
    );
    assert.match(stdout, /^line 0 x+\n$/);
    assert.match(
      stderr,
      /^aiotest: cannot write to standard output: the reader has closed the pipe\nexit code 1$/m,
    );
    checkPlain(stderr);
    assert.deepEqual(here.summary.userErrors, []);
    assert.ok(here.summary.totals.requests > 0);
  },
});

/** Gives its arguments a pipe in non-blocking mode, and reads it only once they have filled it. */
const SLOW_READER = `
import fcntl, os, subprocess, sys
read, write = os.pipe()
fcntl.fcntl(write, fcntl.F_SETFL, fcntl.fcntl(write, fcntl.F_GETFL) | os.O_NONBLOCK)
child = subprocess.Popen(sys.argv[1:], stdout=write, stderr=subprocess.PIPE)
os.close(write)
for line in child.stderr:
    if b"printed" in line: break
text = b""
while True:
    part = os.read(read, 1000)
    if not part: break
    text += part
sys.stdout.buffer.write(text)
sys.stderr.buffer.write(child.stderr.read())
sys.exit(child.wait())
`;

Deno.test({
  name: "a slow reader of a non-blocking pipe gets everything",
  ignore: Deno.build.os === "windows" || isMissing("python3"),
  fn: async () => {
    await using here = await Folder.with(TALKATIVE);
    const { code, stdout, stderr } = await here.bash(
      `exec python3 -c '${SLOW_READER}' "$@"`,
      ...["-t", "1", "--json", "a.json"],
    );
    assert.equal(code, 0, stderr);
    checkPlain(stderr);
    const lines = stdout.split("\n");
    for (let line = 0; line < 3000; line++) {
      assert.match(lines[line]!, new RegExp(`^line ${line} x`));
    }
    assert.match(stdout, /\na group\n {2}inside\n/);
    assert.match(stdout, /\nPASSED .*\n$/);
    assert.deepEqual(here.summary.userErrors, []);
  },
});

Deno.test({
  name: "a killed run leaves neither a report of another run nor temporary files",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using here = await Folder.with();
    for (const name of FILES) await Deno.writeTextFile(`${here.path}/${name}`, "old");
    const run = startAiotest(REPORTS, { cwd: here.path });
    await run.says("begun");
    assert.deepEqual(here.names, []);
    run.kill("SIGKILL");
    await run.finished;
    assert.deepEqual(here.names, []);
  },
});

Deno.test({
  name: "a run that is killed leaves a summary, from which every other report can be made",
  // It takes half a minute until the first one is written.
  ignore: Deno.build.os === "windows" || lengthOf({ short: 0, full: 1 }) === 0,
  fn: async () => {
    await using here = await Folder.with();
    const run = startAiotest(["--json", "a.json", "--csv", "a"], { cwd: here.path });
    for await (const event of Deno.watchFs(here.path)) {
      if (event.paths.some((path) => path.endsWith("/a_exceptions.csv"))) break;
    }
    run.kill("SIGKILL");
    await run.finished;
    assert.deepEqual(here.names, FILES.filter((name) => !/html|xml/.test(name)));
    const { state, elapsedSeconds, totals, exitCode } = here.summary;
    assert.deepEqual([state, exitCode], ["running", null]);
    assert.ok(elapsedSeconds >= 29 && totals.requests > 0);
    const made = await here.bash(
      '"$@"',
      "report",
      "a.json",
      "--html",
      "a.html",
      "--junit",
      "a.xml",
    );
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /^RUNNING .*the run was still going when this was written$/m);
    assert.match(here.text("a.xml"), /name="the run has ended"/);
  },
});

Deno.test("a run that cannot start leaves old reports as they are", async () => {
  await using here = await Folder.with();
  const before = here.text("aiotestfile.ts");
  for (const name of FILES) await Deno.writeTextFile(`${here.path}/${name}`, "old");
  const refusals: [args: string[], message: string][] = [
    [["--json", "no/such/a.json"], "--json no/such/a.json: cannot write the file: the directory"],
    [["--json", "a.xml/a.json"], "--json a.xml/a.json: cannot write the file: a part of the path"],
    [["--html", "."], "--html .: cannot write the file: it is a directory"],
    [["--json", "./aiotestfile.ts"], "--json ./aiotestfile.ts: this is the test file"],
    [["--html", "a.xml"], "--junit a.xml: this is the same file as --html a.xml"],
    [["--logfile", "aiotestfile.ts"], "--logfile aiotestfile.ts: this is the test file"],
    [["--threshold", "p95<1parsec"], "p95<1parsec"],
  ];
  await Promise.all(refusals.map(async ([args, message]) => {
    const { code, stdout, stderr } = await here.bash('"$@"', ...REPORTS, ...args);
    assert.equal(code, 2, stderr);
    assert.ok(stderr.includes(message), stderr);
    assert.equal(stdout, "");
    assert.doesNotMatch(stderr, /begun/);
    checkPlain(stderr);
  }));
  assert.deepEqual(here.names, FILES);
  for (const name of FILES) assert.equal(here.text(name), "old");
  assert.equal(here.text("aiotestfile.ts"), before);
});

/** Whether this user may mount file systems for one command. */
const canMount = isLinux && !isMissing("unshare") &&
  new Deno.Command("unshare", {
    args: ["-rm", "mount", "-t", "tmpfs", "none", "/mnt"],
    stderr: "null",
  }).outputSync().success;

Deno.test({
  name: "a read-only file system is noticed before the run, and a mounted file is written in place",
  ignore: !canMount,
  fn: async () => {
    await using here = await Folder.with();
    await Deno.mkdir(`${here.path}/sealed`);
    for (const name of ["a.json", "outside.json"]) {
      await Deno.writeTextFile(`${here.path}/${name}`, "old");
    }
    const mount = "mount -t tmpfs -o ro none sealed && mount --bind outside.json a.json";
    const script = `exec unshare -rm sh -c '${mount} && exec "$@"' sh "$@"`;
    const refused = await here.bash(script, "-t", "1", "--json", "sealed/a.json");
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(
      refused.stderr,
      /^aiotest: --json sealed\/a\.json: cannot write the file: the file system is read-only\n$/m,
    );
    const { code, stderr } = await here.bash(script, "-t", "1", "--json", "a.json");
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(here.text("outside.json")).exitCode, 0);
    assert.equal(here.text("a.json"), "old");
    assert.deepEqual(here.names, ["a.json", "outside.json", "sealed"]);
  },
});

/** Users of a thousand names, whose reports need more than the disk has. */
const MANY_NAMES = `
import { User } from "aiotest";
let count = 0;
export class StepTest extends User {
  static waitTime = 0.05;
  testStep() { for (let i = 0; i < 100; i++) this.record({ name: \`step \${count++ % 1000}\`, latencyMs: 5 }); }
}
`;

Deno.test({
  name: "a full disk is named before the run, and one that becomes full costs its own files only",
  ignore: !canMount,
  fn: async () => {
    await using here = await Folder.with(MANY_NAMES);
    await Deno.mkdir(`${here.path}/disk`);
    const mount = "mount -t tmpfs -o size=64k none disk";
    const script = (kilobytes: number): string =>
      `exec unshare -rm sh -c '${mount}; dd if=/dev/zero of=disk/fill bs=1k count=${kilobytes} 2> dd.txt; ` +
      `exec "$@"' sh "$@"`;
    for (const option of ["json", "html", "csv", "junit", "logfile"]) {
      const { code, stderr } = await here.bash(script(64), "-t", "1", `--${option}`, "disk/a");
      assert.equal(code, 2, stderr);
      assert.match(
        stderr,
        /^aiotest: --\w+ disk\/a(_stats\.csv)?: cannot write the file: no space left on the device\n$/,
      );
    }
    const { code, stdout, stderr } = await here.bash(
      script(52),
      ...["-t", "1", "--json", "a.json", "--html", "disk/a.html", "--csv", "disk/a"],
    );
    assert.equal(code, 1, stderr);
    assert.match(stdout, /^PASSED/m);
    assert.match(
      stderr,
      /^aiotest: --csv disk\/a_stats\.csv.*: cannot write the files?: no space left on the device$/m,
    );
    assert.match(stderr, /^aiotest: --html disk\/a\.html: cannot write the file: no space left/m);
    checkPlain(stderr);
    assert.equal(here.summary.exitCode, 1);
    assert.equal(here.summary.requests.length, 1000);
  },
});

Deno.test({
  name: "a closed terminal, which hangs up twice, ends master and workers gracefully",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using here = await Folder.with();
    const run = startAiotest([...REPORTS, "--processes", "2", "-u", "2", "-r", "2"], {
      cwd: here.path,
      detached: true,
    });
    await run.says("begun");
    for (let hangup = 0; hangup < 2; hangup++) Deno.kill(-run.pid, "SIGHUP");
    const { code, stdout, stderr } = await run.finished;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^PASSED/m);
    assert.equal(here.summary.complete, true);
    assert.deepEqual(here.names, FILES);
  },
});

Deno.test({
  name: "a run that nohup started survives its terminal",
  ignore: !isLinux || isMissing("nohup"),
  fn: async () => {
    await using here = await Folder.with();
    const { code, stderr } = await here.bash(
      'nohup "$@" > out.txt 2> err.txt & for i in $(seq 600); do grep -q begun err.txt && break; ' +
        "sleep 0.1; done; kill -HUP $!; wait $!",
      ...["-t", "2", "--json", "a.json"],
    );
    assert.equal(code, 0, stderr + here.text("err.txt"));
    assert.ok(here.summary.durationSeconds >= 2);
  },
});

Deno.test({
  name: "reports reach /dev/stdout and named pipes",
  ignore: Deno.build.os === "windows" || isMissing("mkfifo"),
  fn: async () => {
    await using here = await Folder.with();
    const { code, stdout, stderr } = await here.bash(
      'mkfifo pipe; cat pipe > a.xml & "$@" > out.txt; code=$?; wait; cat out.txt; exit $code',
      ...["-t", "1", "--json", "/dev/stdout", "--junit", "pipe"],
    );
    assert.equal(code, 0, stderr);
    assert.match(here.text("a.xml"), /^<\?xml[^]*<\/testsuites>\n$/);
    const [report, json] = stdout.split(/\n(?=\{\n)/);
    assert.match(report!, /^PASSED/m);
    assert.equal(JSON.parse(json!).exitCode, 0);
    assert.deepEqual(here.names, ["a.xml", "out.txt", "pipe"]);
  },
});
