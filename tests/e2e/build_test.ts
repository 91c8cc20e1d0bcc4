import assert from "node:assert/strict";
import { type CommandResult, runCommand } from "../../build/project.ts";
import { isMissing } from "../support/machine.ts";
import { PROJECT_ROOT } from "../support/paths.ts";

const COPIED = ["cli.ts", "mod.ts", "src", "examples", "build", "deno.json", "deno.lock"];

/** A compiler that makes executables for Linux alone, and has no stub for other systems. */
const COMPILER = `#!/bin/sh
case "$1" in
  info) echo '{ "denoDir": "CACHE", "denoVersion": "9.8.7" }' ;;
  compile)
    for word; do
      [ "$last" = --output ] && output=$word
      [ "$last" = --target ] && target=$word
      last=$word
    done
    case "$target" in
      *linux*) echo "$target with \${DENORT_BIN:-a stub that is downloaded}" >"$output" ;;
      *) echo "Setting up base binary." >&2; exit 1 ;;
    esac ;;
esac
`;

/** A copy of the project, where executables can be made that are none. */
class Workbench implements AsyncDisposable {
  readonly folder: string;
  readonly #compiler: string;

  private constructor(folder: string) {
    this.folder = `${folder}/project`;
    this.#compiler = `${folder}/compiler`;
  }

  static async make(): Promise<Workbench> {
    const bench = new Workbench(await Deno.makeTempDir());
    const info = await runCommand(Deno.execPath(), ["info", "--json", "--no-config"]);
    const { denoDir } = JSON.parse(info.stdout);
    await Deno.writeTextFile(bench.#compiler, COMPILER.replace("CACHE", denoDir), { mode: 0o755 });
    await Deno.mkdir(bench.folder);
    const paths = COPIED.map((path) => `${PROJECT_ROOT}/${path}`);
    const { code, stderr } = await runCommand("cp", ["-r", ...paths, bench.folder]);
    assert.equal(code, 0, stderr);
    return bench;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#compiler.replace(/\/compiler$/, ""), { recursive: true });
  }

  compile(args: readonly string[], stub?: string): Promise<CommandResult> {
    return runCommand(Deno.execPath(), ["run", "-A", "build/compile.ts", ...args], {
      cwd: this.folder,
      env: { DENO_COMPILER: this.#compiler, DENORT_BIN: stub ?? Deno.execPath() },
    });
  }

  read(path: string): string {
    return Deno.readTextFileSync(`${this.folder}/${path}`);
  }
}

Deno.test("a release continues after an executable that cannot be made, and reports it", async () => {
  await using bench = await Workbench.make();
  const { code, stdout, stderr } = await bench.compile(["--all"]);
  assert.equal(code, 1, stderr);
  assert.deepEqual(
    stdout.match(/^dist\/\S+(?= {2}\d+\.\d MB$)/gm)?.map((name) =>
      name.replace(/-\d+\.\d+\.\d+-/, "-V-")
    ),
    ["dist/aiotest-V-linux-x64", "dist/aiotest-V-linux-arm64"],
  );
  const problems = stderr.trimEnd().split("\n");
  assert.equal(problems.length, 3, stderr);
  for (const [index, name] of ["macos-x64", "macos-arm64", "windows-x64"].entries()) {
    assert.ok(problems[index]!.startsWith(`The executable for ${name} could not be made`));
    assert.match(problems[index]!, /release v9\.8\.7/);
  }
  const sums = bench.read("dist/SHA256SUMS").trimEnd().split("\n");
  assert.deepEqual(sums.map((line) => line.replace(/^[0-9a-f]{64} {2}aiotest-[^-]+-/, "")), [
    "linux-x64",
    "linux-arm64",
  ]);
});

Deno.test("a runtime stub is used only for the target that it is made for", async () => {
  await using bench = await Workbench.make();
  // The Deno that runs this is as good a stub, as far as its first bytes go.
  const { version } = JSON.parse(bench.read("deno.json"));
  for (const [name, triple] of [["linux-x64", "x86_64"], ["linux-arm64", "aarch64"]] as const) {
    await bench.compile(["--target", name]);
    const expected = Deno.build.target === `${triple}-unknown-linux-gnu`
      ? Deno.execPath()
      : "a stub that is downloaded";
    assert.equal(
      bench.read(`dist/aiotest-${version}-${name}`),
      `${triple}-unknown-linux-gnu with ${expected}\n`,
    );
  }
});

Deno.test("invalid arguments are reported before anything is compiled", async () => {
  await using bench = await Workbench.make();
  const unknown = await bench.compile(["--everything"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /^--everything: unknown option\nUsage:/);
  const stub = await bench.compile([], `${bench.folder}/deno.json`);
  assert.equal(stub.code, 1);
  assert.match(stub.stderr, /^DENORT_BIN=\S+deno\.json is no runtime stub of Deno\n$/);
});

Deno.test("every package in the executable has a permissive licence", async () => {
  const { code, stdout, stderr } = await runCommand(
    Deno.execPath(),
    ["run", "-A", "build/licences.ts"],
    { cwd: PROJECT_ROOT },
  );
  assert.equal(code, 0, stdout + stderr);
  const [shipped, others] = stdout.split("Only for tests and benchmarks:");
  assert.match(shipped!, /^ {2}redis 6\.3\.1 +MIT$/m);
  assert.match(shipped!, /^ {2}tldts-core \S+ +MIT$/m);
  assert.match(others!, /^ {2}fast-check \S+ +MIT$/m);
});

const missing = isMissing("bun");

Deno.test({
  name: `the parts that need no Deno pass their tests under bun, with bun's types${
    missing ? " (skipped: there is no bun)" : ""
  }`,
  ignore: missing,
  fn: async () => {
    const { code, stdout, stderr } = await runCommand(
      Deno.execPath(),
      ["run", "-A", "build/bun.ts"],
      { cwd: PROJECT_ROOT },
    );
    assert.equal(code, 0, `${stdout}${stderr}`);
    const [, tests, files] = /^Ran (\d+) tests across (\d+) files/.exec(stdout) ?? [];
    assert.ok(Number(tests) > 450, stdout);
    assert.ok(Number(files) > 25, stdout);
  },
});
