import assert from "node:assert/strict";
import {
  askCompiler,
  checksums,
  compileEnvironment,
  type CompileOptions,
  compileProblem,
  findTarget,
  HEADER_BYTES,
  parseArguments,
  readStub,
  type Stub,
  targetOfProgram,
  TARGETS,
  unreadFiles,
} from "../../build/compile.ts";
import { RUNTIME_FLAGS } from "../../build/project.ts";
import config from "../../deno.json" with { type: "json" };
import { projectPath } from "../support/paths.ts";

function options(...args: readonly string[]): CompileOptions {
  const read = parseArguments(args, findTarget("linux-x64")!);
  if (typeof read === "string") throw new Error(read);
  return read;
}

function refusal(...args: readonly string[]): string {
  const read = parseArguments(args, findTarget("linux-x64")!);
  assert.equal(typeof read, "string");
  return read as string;
}

Deno.test("without an argument, it is one executable for this machine", () => {
  const { targets, output, all } = options();
  assert.deepEqual(targets.map(({ name }) => name), ["linux-x64"]);
  assert.equal(output, "dist/aiotest");
  assert.equal(all, false);
});

Deno.test("on Windows the name ends with .exe", () => {
  const windows = findTarget("windows-x64")!;
  const output = (...args: readonly string[]): string | null =>
    (parseArguments(args, windows) as CompileOptions).output;
  assert.equal(output(), "dist/aiotest.exe");
  assert.equal(output("--output", "a"), "a.exe");
  assert.equal(output("--output", "a.EXE"), "a.EXE");
});

Deno.test("--all is every target, each with its own name", () => {
  const { targets, output, all } = options("--all");
  assert.equal(targets.length, 5);
  assert.equal(output, null);
  assert.equal(all, true);
});

Deno.test("--target is one target, with or without an equals sign", () => {
  for (const args of [["--target", "macos-arm64"], ["--target=aarch64-apple-darwin"]]) {
    const { targets, output, all } = options(...args);
    assert.deepEqual(targets.map(({ name }) => name), ["macos-arm64"]);
    assert.equal(output, null);
    assert.equal(all, false);
  }
});

Deno.test("unknown arguments are named, with the usage", () => {
  assert.match(
    refusal("--target", "beos"),
    /^--target beos: unknown target\n.*Targets: linux-x64/s,
  );
  assert.match(refusal("--target"), /^--target needs a value\n/);
  assert.match(refusal("--output"), /^--output needs a value\n/);
  assert.match(refusal("--fast"), /^--fast: unknown option\nUsage: deno task compile/);
  assert.match(refusal("linux-x64"), /^linux-x64: unknown option/);
  assert.match(refusal("--all", "now"), /^now: unexpected argument/);
  assert.match(refusal("--target", "linux-x64", "--all"), /^--all: unexpected argument/);
});

/** The start of a program: bytes by where they are. */
function header(bytes: Readonly<Record<number, readonly number[]>>): Uint8Array {
  const all = new Uint8Array(HEADER_BYTES);
  for (const [at, part] of Object.entries(bytes)) all.set(part, Number(at));
  return all;
}

const ELF = [0x7f, 0x45, 0x4c, 0x46];
const MACH_O = [0xcf, 0xfa, 0xed, 0xfe];

Deno.test("a target is found by its name and by its triple", () => {
  assert.equal(findTarget("macos-arm64")?.triple, "aarch64-apple-darwin");
  assert.equal(findTarget("x86_64-pc-windows-msvc")?.name, "windows-x64");
  assert.equal(findTarget("linux"), null);
});

Deno.test("a release has five targets, and only Windows has a suffix", () => {
  assert.deepEqual(TARGETS.map(({ name, suffix }) => name + suffix), [
    "linux-x64",
    "linux-arm64",
    "macos-x64",
    "macos-arm64",
    "windows-x64.exe",
  ]);
});

Deno.test("the first bytes of a program give its target", () => {
  const target = (bytes: Parameters<typeof header>[0]): string | undefined =>
    targetOfProgram(header(bytes))?.name;
  assert.equal(target({ 0: ELF, 18: [0x3e, 0] }), "linux-x64");
  assert.equal(target({ 0: ELF, 18: [0xb7, 0] }), "linux-arm64");
  assert.equal(target({ 0: MACH_O, 4: [7, 0, 0, 1] }), "macos-x64");
  assert.equal(target({ 0: MACH_O, 4: [0xc, 0, 0, 1] }), "macos-arm64");
  assert.equal(target({ 0: [0x4d, 0x5a] }), "windows-x64");
});

Deno.test("other bytes give no target", () => {
  assert.equal(targetOfProgram(header({ 0: ELF, 18: [0x28, 0] })), null);
  assert.equal(targetOfProgram(header({ 0: [...new TextEncoder().encode("#!/bin/sh\n")] })), null);
  assert.equal(targetOfProgram(new Uint8Array(ELF)), null);
});

Deno.test("the Deno that runs this is for this machine", async () => {
  using file = await Deno.open(Deno.execPath());
  const bytes = new Uint8Array(HEADER_BYTES);
  await file.read(bytes);
  assert.equal(targetOfProgram(bytes)?.triple, Deno.build.target);
});

Deno.test("the page on installation has the files of a release", async () => {
  const page = await Deno.readTextFile(projectPath("docs/installation.md"));
  const table = page.match(/(?<=^\|.+\| `)aiotest-[^`]+/gm);
  assert.deepEqual(
    table,
    TARGETS.map(({ name, suffix }) => `aiotest-${config.version}-${name}${suffix}`),
  );
});

const LINUX = findTarget("linux-x64")!;
const WINDOWS = findTarget("windows-x64")!;
const COMPILER = { program: "deno", version: "2.9.6", cache: "/cache" };

Deno.test("a compiler is asked for its version and its cache", async () => {
  const { program, version, cache } = await askCompiler(Deno.execPath());
  assert.equal(program, Deno.execPath());
  assert.equal(version, Deno.version.deno);
  assert.ok(cache.length > 1, cache);
});

Deno.test("the first bytes of a stub give its target", async () => {
  const { path, target } = await readStub(Deno.execPath()) as Stub;
  assert.equal(path, Deno.execPath());
  assert.equal(target.triple, Deno.build.target);
});

Deno.test("a file that is no stub is an error", async () => {
  assert.match(
    String(await readStub("/no/such/file")),
    /^DENORT_BIN=\/no\/such\/file cannot be read/,
  );
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "hello");
  assert.equal(await readStub(path), `DENORT_BIN=${path} is no runtime stub of Deno`);
  await Deno.remove(path);
});

Deno.test("the stub is used for its own target alone", () => {
  const env = { HOME: "/home/me", DENORT_BIN: "denort" };
  const stub = { path: "/full/denort", target: LINUX };
  assert.deepEqual(compileEnvironment(env, stub, LINUX), {
    HOME: "/home/me",
    DENORT_BIN: "/full/denort",
  });
  assert.deepEqual(compileEnvironment(env, stub, WINDOWS), { HOME: "/home/me" });
  assert.deepEqual(compileEnvironment(env, null, LINUX), { HOME: "/home/me" });
});

Deno.test("if the stub cannot be downloaded, the message says which one is needed and where it belongs", () => {
  const stderr = "\x1b[31merror\x1b[0m: Writing deno compile executable to temporary file 'a'\n\n" +
    "Caused by:\n    0: Setting up base binary.\n    1: error sending request\n" +
    "Stack backtrace:\n   0: <unknown>\n";
  assert.equal(
    compileProblem({ stdout: "", stderr }, WINDOWS, COMPILER),
    "The executable for windows-x64 could not be made: Deno's runtime stub could not be " +
      "downloaded. Get denort-x86_64-pc-windows-msvc.zip from Deno's release v2.9.6 and put it into " +
      "/cache/dl/release/v2.9.6/, or unpack it and set DENORT_BIN to the file in it.",
  );
});

Deno.test("other problems are given in the compiler's own words, without a stack trace", () => {
  const stderr = "Check a.ts\nerror: The lockfile is out of date.\n    at a.ts:1:1\n";
  assert.equal(
    compileProblem({ stdout: "", stderr }, LINUX, COMPILER),
    "The executable for linux-x64 could not be made: The lockfile is out of date.",
  );
  assert.match(
    compileProblem({ stdout: "", stderr: "" }, LINUX, COMPILER),
    /the compiler printed no reason$/,
  );
});

Deno.test("files for editors, debuggers and browsers are left out; code and licences are not", async () => {
  const folder = await Deno.makeTempDir();
  const kept = [
    "LICENSE",
    "package.json",
    "dist/index.js",
    "dist/index.cjs",
    "dist/map.js",
    "a.ts",
  ];
  const unread = [
    "dist/index.js.map",
    "dist/index.d.ts",
    "dist/index.d.cts",
    "dist/umd/index.js",
    "dist/index.umd.min.js",
  ];
  for (const path of [...kept, ...unread]) {
    await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]+$/, ""), { recursive: true });
    await Deno.writeTextFile(`${folder}/${path}`, "");
  }
  const found = await unreadFiles(folder);
  await Deno.remove(folder, { recursive: true });
  assert.deepEqual(found.map((path) => path.slice(folder.length + 1)).sort(), unread.sort());
});

Deno.test("each file has a line that sha256sum --check reads", async () => {
  const folder = await Deno.makeTempDir();
  const paths = ["one", "two"].map((name) => `${folder}/${name}`);
  for (const path of paths) await Deno.writeTextFile(path, path.slice(-3));
  const text = await checksums(paths);
  await Deno.remove(folder, { recursive: true });
  assert.equal(
    text,
    "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed  one\n" +
      "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3  two\n",
  );
});

Deno.test("the tasks that run aiotest use the flags of the executable", () => {
  const flags = RUNTIME_FLAGS.join(" ");
  assert.equal(config.tasks.aiotest, `deno run -A --no-lock ${flags} cli.ts`);
  assert.equal(config.tasks.demo, `deno run -A ${flags} cli.ts demo`);
});
