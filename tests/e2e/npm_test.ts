// The npm package as people use it: installed with npm into their own project, from tarballs, without a network.
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { makePackages, packFolders } from "../../build/npm.ts";
import { runCommand, RUNTIME_FLAGS } from "../../build/project.ts";
import { findTarget } from "../../build/compile.ts";
import config from "../../deno.json" with { type: "json" };
import type { Summary } from "../../src/report/summary.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import { denoDir } from "../support/doc_page.ts";
import { compiledExecutable } from "../support/executable.ts";
import { childrenOf, isMissing } from "../support/machine.ts";
import { PROJECT_ROOT } from "../support/paths.ts";
import { type Finished, runAiotest, startAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const EXECUTABLE = await compiledExecutable();
const OWN = findTarget(Deno.build.target);
const NO_TOOLS = ["node", "npm", "tar"].some(isMissing);

/** A project of someone who has Node.js, a home folder of their own, and no network. */
class NodeProject implements AsyncDisposable {
  readonly folder: string;
  readonly #home: string;

  private constructor(folder: string, home: string) {
    this.folder = folder;
    this.#home = home;
  }

  static async create(): Promise<NodeProject> {
    return new NodeProject(await Deno.makeTempDir(), await Deno.makeTempDir());
  }

  get env(): Record<string, string> {
    return {
      PATH: Deno.env.get("PATH")!,
      HOME: this.#home,
      TMPDIR: this.#home,
      npm_config_offline: "true",
      npm_config_update_notifier: "false",
      AIOTEST_NO_WEB: "1",
      AIOTEST_NO_HISTORY: "1",
    };
  }

  get launcher(): string {
    return `${this.folder}/node_modules/.bin/aiotest`;
  }

  get executable(): string {
    return `${this.folder}/node_modules/@aiotest/${OWN!.name}/bin/aiotest`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
    await Deno.remove(this.#home, { recursive: true });
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      const path = `${this.folder}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
  }

  async run(program: string, ...args: readonly string[]): Promise<Finished> {
    return await runCommand(program, args, { cwd: this.folder, env: this.env, clearEnv: true });
  }

  async install(...args: readonly string[]): Promise<void> {
    const { code, stdout, stderr } = await this.run("npm", "install", ...args);
    assert.equal(code, 0, stdout + stderr);
  }

  aiotest(...args: readonly string[]): Promise<Finished> {
    return runAiotest(args, this.options);
  }

  get options(): { cwd: string; env: Record<string, string>; executable: string } {
    return { cwd: this.folder, env: this.env, executable: this.launcher };
  }

  async summary(name: string): Promise<Summary> {
    return JSON.parse(await Deno.readTextFile(`${this.folder}/${name}`));
  }
}

/** The tarballs of `aiotest` and of the package with the executable, in a folder of their own. */
async function makeTarballs(
  folder: string,
  executable: string,
): Promise<[main: string, platform: string]> {
  const executables = [{ target: OWN!, path: executable }];
  const { version, license } = config;
  const release = { version, license, repository: null };
  const folders = await makePackages(PROJECT_ROOT, `${folder}/npm`, executables, release);
  const [main] = await packFolders(folders.slice(-1), folder);
  // npm would compress it for ten seconds; tests/build/npm_test.ts tests what npm packs.
  const platform = `${folder}/platform.tar`;
  const args = ["-cf", platform, "--transform", "s,^[.],package,", "-C", folders[0]!, "."];
  const { code, stderr } = await runCommand("tar", args);
  assert.equal(code, 0, stderr);
  return [main!, platform];
}

const VISITS = `
import { FastHttpUser } from "aiotest";
export class VisitTest extends FastHttpUser {
  static waitTime = 0.05;
  async testTick() { await this.session.get("/tick"); }
}
`;

/** Runs the launcher of a project in Node.js after some code, such as one that makes the platform another. */
function launchAfter(project: NodeProject, code: string): Promise<Finished> {
  return project.run("node", "-e", `${code}; require("./node_modules/aiotest/bin/aiotest")`);
}

const ON_MUSL = "process.report.getReport = () => ({ header: {} })";

const READY = EXECUTABLE !== null && !NO_TOOLS && Deno.build.os === "linux";

/** The project that most tests share: it has the real executable. */
let shared: Promise<NodeProject> | null = null;

function installed(): Promise<NodeProject> {
  return shared ??= installFrom(EXECUTABLE!);
}

Deno.test.afterAll(async () => await (await shared)?.[Symbol.asyncDispose]());

/** A project with both packages. */
async function installFrom(executable: string): Promise<NodeProject> {
  const tarballs = await Deno.makeTempDir();
  const project = await NodeProject.create();
  await project.install(...await makeTarballs(tarballs, executable));
  await project.write({ "visits.js": VISITS });
  await Deno.remove(tarballs, { recursive: true });
  return project;
}

const steps = sideBySide("aiotest from npm", 3);

function test(name: string, fn: () => Promise<void>): void {
  steps(name, fn, { ignore: !READY });
}

test("the demo runs, and its summary has the counts that it has printed", async () => {
  const project = await installed();
  const { code, stdout, stderr } = await project.run("npx", "aiotest", "demo", "-t", "2s");
  assert.equal(code, 0, stderr);
  const { totals } = await project.summary("aiotest-demo.json");
  assert.ok(totals.requests > 10, String(totals.requests));
  const printed = /^PASSED .*?([\d,]+) requests/m.exec(stdout)?.[1];
  assert.equal(printed, totals.requests.toLocaleString("en-US"), stdout);
});

test("the test of the package's page runs", async () => {
  const project = await installed();
  await using target = new CountingTarget();
  const page = await Deno.readTextFile(`${PROJECT_ROOT}/build/npm/README.md`);
  const [, test] = /^```js\n(.+?)^```$/ms.exec(page)!;
  await project.write({
    "aiotestfile.js": test!.replace("http://127.0.0.1:8000", target.url),
  });
  const load = ["-f", "aiotestfile.js", "-u", "10", "-r", "10", "-t", "1s"];
  const { code, stderr } = await project.run("npx", "aiotest", ...load, "--json", "page.json");
  assert.equal(code, 0, stderr);
  assertEqualCounts(await project.summary("page.json"), target);
});

test("the exit code is that of the executable", async () => {
  const project = await installed();
  await using target = new CountingTarget();
  const run = ["-f", "visits.js", "--iterations", "5"];
  const codes = await Promise.all([
    project.aiotest(...run, "-H", target.url),
    project.aiotest(...run, "-H", "http://127.0.0.1:1"),
    project.aiotest(...run, "--colour"),
    project.aiotest(...run, "-H", target.url, "--threshold", "requests<1"),
  ]);
  assert.deepEqual(codes.map(({ code }) => code), [0, 1, 2, 3], codes[3]!.stderr);
  assert.equal(target.total, 10);
});

// The launcher passes SIGTERM on, so it can reach the executable twice.
const ends = [["SIGINT", "group"], ["SIGTERM", "launcher"], ["SIGTERM", "group"]] as const;
for (const [signal, receiver] of ends) {
  test(`${signal} to the ${receiver} ends a run with its report`, async () => {
    const project = await installed();
    await using target = new CountingTarget();
    const file = `${signal}_${receiver}.json`;
    const args = ["-f", "visits.js", "-H", target.url, "--json", file];
    const run = startAiotest(args, { ...project.options, detached: true });
    await target.reached(3);
    Deno.kill(receiver === "group" ? -run.pid : run.pid, signal);
    const { code, stdout, stderr } = await run.finished;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /PASSED/);
    assertEqualCounts(await project.summary(file), target);
  });
}

test(
  "SIGTERM to npx ends a run with its report, although npm ends before",
  async () => {
    const project = await installed();
    await using target = new CountingTarget();
    const args = ["aiotest", "-f", "visits.js", "-H", target.url, "--json", "npx.json"];
    const run = startAiotest(args, { ...project.options, executable: "npx" });
    await target.reached(3);
    run.kill("SIGTERM");
    // Standard output is closed when the last of the processes has ended.
    const { stdout, stderr } = await run.finished;
    assert.match(stdout, /PASSED/, stderr);
    assertEqualCounts(await project.summary("npx.json"), target);
  },
);

test("the launcher dies by the signal that has ended the executable", async () => {
  const project = await installed();
  await using target = new CountingTarget();
  const { folder, env, launcher } = project;
  const args = ["-f", "visits.js", "-H", target.url];
  const silent = { stdin: "null", stdout: "null", stderr: "null" } as const;
  const options = { args, cwd: folder, env, clearEnv: true, ...silent };
  const run = new Deno.Command(launcher, options).spawn();
  await target.reached(1);
  const [executable] = childrenOf(run.pid);
  Deno.kill(executable!, "SIGKILL");
  assert.equal((await run.status).signal, "SIGKILL");
});

// The package.json that npm has written has no type.
for (const type of ["module", "commonjs"]) {
  test(`with type ${type}, a test imports aiotest from the executable`, async () => {
    const project = await installed();
    await project.write({
      [`${type}/package.json`]: JSON.stringify({ type }),
      [`${type}/visits.js`]: VISITS,
    });
    const { code, stdout, stderr } = await project.aiotest("check", `${type}/visits.js`);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /VisitTest/);
  });
}

test(
  "a package of node_modules is refused, and the error says what to do",
  async () => {
    const project = await installed();
    await project.write({
      "node_modules/pad/package.json": `{ "name": "pad", "version": "1.0.0" }`,
      "node_modules/pad/index.js": "export default 1;",
      "padded.js": `import pad from "pad"; pad;`,
      "versioned.js": `import pad from "npm:pad@1.0.0"; pad;`,
    });
    const files = ["padded.js", "versioned.js"];
    const checks = await Promise.all(files.map((file) => project.aiotest("check", file)));
    for (const { code, stderr } of checks) {
      assert.equal(code, 2);
      assert.match(stderr, /import failed: pad.*deno bundle --external aiotest/s);
      assert.doesNotMatch(stderr, /write "npm:pad"/);
    }
  },
);

test("in Node.js, an import of aiotest says how a test is run", async () => {
  const project = await installed();
  await project.write({
    "visits.mjs": VISITS,
    "visits.cjs": `const { FastHttpUser } = require("aiotest"); FastHttpUser;`,
  });
  for (const file of ["visits.mjs", "visits.cjs"]) {
    const { code, stderr } = await project.run("node", file);
    assert.equal(code, 1);
    assert.match(stderr, /^Error: Node\.js cannot run a test file.*npx aiotest -f FILE$/m);
  }
});

Deno.test({
  name: "the launcher says why it cannot start the executable",
  ignore: NO_TOOLS || OWN === null || Deno.build.os !== "linux",
  async fn(t): Promise<void> {
    await using project = await NodeProject.create();
    await project.write({ "program": "#!/bin/sh\necho started" });
    const [main, platform] = await makeTarballs(project.folder, `${project.folder}/program`);
    const name = `@aiotest/${OWN!.name}`;
    const dependencies = { aiotest: `file:${main}` };
    const overrides = { [name]: `file:${platform}` };
    await project.write({ "package.json": JSON.stringify({ dependencies, overrides }) });
    await project.install("--omit=optional");

    await t.step("the package with it is left out", async () => {
      const { code, stderr } = await project.aiotest();
      assert.equal(code, 127);
      const start = `aiotest: ${name} ${config.version}, the package with the executable, is not `;
      assert.ok(stderr.startsWith(`${start}installed.\n`), stderr);
      assert.match(stderr, /To install it:\n {2}npm install --include=optional\n/);
      assertNeedsGlibc(await launchAfter(project, ON_MUSL), 127);
      // As the error says.
      await project.install("--include=optional");
      assert.equal((await project.aiotest()).stdout, "started\n");
    });

    await t.step("the platform has none", async () => {
      const set = `Object.defineProperty(process, "platform", { value: "sunos" })`;
      const { code, stderr } = await launchAfter(project, set);
      assert.equal(code, 127);
      const platform = `sunos-${OWN!.name.slice("linux-".length)}`;
      assert.equal(
        stderr,
        `aiotest: there is no executable for ${platform}.\nThere is one for: ${OWN!.name}\n`,
      );
    });

    await t.step("it may not be executed", async () => {
      await Deno.chmod(project.executable, 0o644);
      const { code, stderr } = await project.aiotest();
      assert.equal(code, 126);
      const path = await Deno.realPath(project.executable);
      assert.equal(
        stderr,
        `aiotest: ${path} may not be executed.\nTo allow it: chmod +x '${path}'\n`,
      );
    });

    await t.step("its loader is missing, as on a system with musl", async () => {
      await Deno.writeFile(project.executable, await withOtherLoader(Deno.execPath()));
      await Deno.chmod(project.executable, 0o755);
      assertNeedsGlibc(await launchAfter(project, ON_MUSL), 126);
    });
  },
});

function assertNeedsGlibc({ code, stderr }: Finished, exitCode: number): void {
  assert.match(stderr, /^aiotest: The executable for Linux needs glibc, .*musl on Alpine/);
  assert.equal(code, exitCode);
}

/** The start of a program for Linux, but with a loader that no system has. */
async function withOtherLoader(program: string): Promise<Uint8Array<ArrayBuffer>> {
  using file = await Deno.open(program);
  const bytes = new Uint8Array(4096);
  await file.read(bytes);
  const at = new TextDecoder("latin1").decode(bytes).indexOf("/ld-linux");
  assert.ok(at > 0);
  bytes.set(new TextEncoder().encode("/ld-none!"), at);
  return bytes;
}

Deno.test("deno install makes a command of the sources, which runs in every folder", async () => {
  const page = await Deno.readTextFile(`${PROJECT_ROOT}/docs/installation.md`);
  const command = /^deno (install .+?)\n(?! )/ms.exec(page)![1]!.replaceAll("\\\n", "");
  assert.ok(command.includes(RUNTIME_FLAGS.join(" ")), command);
  const root = await Deno.makeTempDir();
  const installed = await runCommand(Deno.execPath(), command.split(/\s+/), {
    cwd: PROJECT_ROOT,
    env: { DENO_INSTALL_ROOT: root },
  });
  assert.equal(installed.code, 0, installed.stderr);

  await using target = new CountingTarget();
  await using project = await NodeProject.create();
  await project.write({
    "package.json": `{ "type": "module", "dependencies": { "aiotest": "0.1.0" } }`,
    "node_modules/aiotest/package.json": `{ "name": "aiotest", "version": "0.1.0" }`,
    "node_modules/aiotest/index.js": "throw new Error();",
    // Types, which no executable of Deno 2.7 takes.
    "visits.ts": VISITS.replace("testTick()", "testTick(): Promise<void>"),
  });
  const load = ["-u", "4", "-r", "40", "-t", "1s", "--processes", "2", "--json", "run.json"];
  const { code, stderr } = await runAiotest(["-f", "visits.ts", "-H", target.url, ...load], {
    cwd: project.folder,
    executable: `${root}/bin/aiotest`,
    env: {
      ...project.env,
      PATH: `${dirname(Deno.execPath())}:${project.env.PATH}`,
      DENO_DIR: await denoDir(),
    },
  });
  assert.equal(code, 0, stderr);
  assertEqualCounts(await project.summary("run.json"), target);
  await Deno.remove(root, { recursive: true });
});
