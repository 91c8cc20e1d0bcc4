import assert from "node:assert/strict";
import { type CompileOrder, readArguments } from "../../build/compile_arguments.ts";
import { findTarget } from "../../build/executable_target.ts";

function order(...args: readonly string[]): CompileOrder {
  const read = readArguments(args, findTarget("linux-x64")!);
  if (typeof read === "string") throw new Error(read);
  return read;
}

function refusal(...args: readonly string[]): string {
  const read = readArguments(args, findTarget("linux-x64")!);
  assert.equal(typeof read, "string");
  return read as string;
}

Deno.test("without an argument, it is one executable for this machine", () => {
  const { targets, output, all } = order();
  assert.deepEqual(targets.map(({ name }) => name), ["linux-x64"]);
  assert.equal(output, "dist/aiotest");
  assert.equal(all, false);
});

Deno.test("on Windows its name ends as programs' names do there", () => {
  const windows = findTarget("windows-x64")!;
  const output = (...args: readonly string[]): string | null =>
    (readArguments(args, windows) as CompileOrder).output;
  assert.equal(output(), "dist/aiotest.exe");
  assert.equal(output("--output", "a"), "a.exe");
  assert.equal(output("--output", "a.EXE"), "a.EXE");
});

Deno.test("--all is every target, under names of their own", () => {
  const { targets, output, all } = order("--all");
  assert.equal(targets.length, 5);
  assert.equal(output, null);
  assert.equal(all, true);
});

Deno.test("--target is one of them, with or without an equals sign", () => {
  for (const args of [["--target", "macos-arm64"], ["--target=aarch64-apple-darwin"]]) {
    const { targets, output, all } = order(...args);
    assert.deepEqual(targets.map(({ name }) => name), ["macos-arm64"]);
    assert.equal(output, null);
    assert.equal(all, false);
  }
});

Deno.test("what nobody knows is named, with what there is instead", () => {
  assert.match(
    refusal("--target", "beos"),
    /^--target beos: there is no such target\n.*Targets: linux-x64/s,
  );
  assert.match(refusal("--target"), /^--target needs a value\n/);
  assert.match(refusal("--output"), /^--output needs a value\n/);
  assert.match(refusal("--fast"), /^--fast: there is no such option\nUsage: deno task compile/);
  assert.match(refusal("linux-x64"), /^linux-x64: there is no such option/);
  assert.match(refusal("--all", "now"), /^now: there is nothing to make of this/);
  assert.match(refusal("--target", "linux-x64", "--all"), /^--all: there is nothing/);
});
