import assert from "node:assert/strict";
import {
  askCompiler,
  compileEnvironment,
  compileProblem,
  readStub,
  type Stub,
} from "../../build/compiler.ts";
import { findTarget } from "../../build/executable_target.ts";

const LINUX = findTarget("linux-x64")!;
const WINDOWS = findTarget("windows-x64")!;
const COMPILER = { program: "deno", version: "2.9.6", cache: "/cache" };

Deno.test("a compiler says who it is", async () => {
  const { program, version, cache } = await askCompiler(Deno.execPath());
  assert.equal(program, Deno.execPath());
  assert.equal(version, Deno.version.deno);
  assert.ok(cache.length > 1, cache);
});

Deno.test("a stub is known by its first bytes", async () => {
  const { path, target } = await readStub(Deno.execPath()) as Stub;
  assert.equal(path, Deno.execPath());
  assert.equal(target.triple, Deno.build.target);
});

Deno.test("what is no stub is named", async () => {
  assert.match(
    String(await readStub("/no/such/file")),
    /^DENORT_BIN=\/no\/such\/file cannot be read/,
  );
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "hello");
  assert.equal(await readStub(path), `DENORT_BIN=${path} is no runtime stub of Deno`);
  await Deno.remove(path);
});

Deno.test("the stub is used for its own target alone, whatever the environment says", () => {
  const env = { HOME: "/home/me", DENORT_BIN: "denort" };
  const stub = { path: "/full/denort", target: LINUX };
  assert.deepEqual(compileEnvironment(env, stub, LINUX), {
    HOME: "/home/me",
    DENORT_BIN: "/full/denort",
  });
  assert.deepEqual(compileEnvironment(env, stub, WINDOWS), { HOME: "/home/me" });
  assert.deepEqual(compileEnvironment(env, null, LINUX), { HOME: "/home/me" });
});

Deno.test("a stub that cannot be downloaded: which one is needed, and where it belongs", () => {
  const stderr = "\x1b[31merror\x1b[0m: Writing deno compile executable to temporary file 'a'\n\n" +
    "Caused by:\n    0: Setting up base binary.\n    1: error sending request\n" +
    "Stack backtrace:\n   0: <unknown>\n";
  assert.equal(
    compileProblem({ stdout: "", stderr }, WINDOWS, COMPILER),
    "The executable for windows-x64 could not be made, as Deno's runtime stub could not be " +
      "downloaded: get denort-x86_64-pc-windows-msvc.zip of Deno's release v2.9.6, and put it into " +
      "/cache/dl/release/v2.9.6/, or unpack it and set DENORT_BIN to the file in it.",
  );
});

Deno.test("anything else is told in the compiler's own words, without what follows", () => {
  const stderr = "Check a.ts\nerror: The lockfile is out of date.\n    at a.ts:1:1\n";
  assert.equal(
    compileProblem({ stdout: "", stderr }, LINUX, COMPILER),
    "The executable for linux-x64 could not be made: The lockfile is out of date.",
  );
  assert.match(compileProblem({ stdout: "", stderr: "" }, LINUX, COMPILER), /nobody says why$/);
});
