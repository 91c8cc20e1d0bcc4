import assert from "node:assert/strict";
import {
  findTarget,
  HEADER_BYTES,
  targetOfProgram,
  TARGETS,
} from "../../build/executable_target.ts";
import config from "../../deno.json" with { type: "json" };
import { projectPath } from "../support/paths.ts";

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

Deno.test("a release is for five kinds of machine, and only Windows has a suffix", () => {
  assert.deepEqual(TARGETS.map(({ name, suffix }) => name + suffix), [
    "linux-x64",
    "linux-arm64",
    "macos-x64",
    "macos-arm64",
    "windows-x64.exe",
  ]);
});

Deno.test("a program's first bytes say what it runs on", () => {
  const target = (bytes: Parameters<typeof header>[0]): string | undefined =>
    targetOfProgram(header(bytes))?.name;
  assert.equal(target({ 0: ELF, 18: [0x3e, 0] }), "linux-x64");
  assert.equal(target({ 0: ELF, 18: [0xb7, 0] }), "linux-arm64");
  assert.equal(target({ 0: MACH_O, 4: [7, 0, 0, 1] }), "macos-x64");
  assert.equal(target({ 0: MACH_O, 4: [0xc, 0, 0, 1] }), "macos-arm64");
  assert.equal(target({ 0: [0x4d, 0x5a] }), "windows-x64");
});

Deno.test("what is none of these runs on none of them", () => {
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
