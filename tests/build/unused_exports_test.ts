import assert from "node:assert/strict";
import type { DeclaredSymbol, ImportedName } from "../../build/source_file.ts";
import { checkUnusedExports } from "../../build/unused_exports.ts";
import { inventedFile } from "./invented_file.ts";

function exported(name: string, ...mentions: string[]): DeclaredSymbol {
  return { name, exported: true, mentions };
}

function importing(from: string, ...names: string[]): {
  imports: string[];
  importedNames: ImportedName[];
} {
  return { imports: [from], importedNames: names.map((name) => ({ local: name, name, from })) };
}

const CLOCK = "src/core/clock.ts";

Deno.test("an export that nothing imports is a violation, and a private symbol is none", () => {
  const symbols = [exported("sleep"), { name: "limit", exported: false, mentions: [] }];
  assert.deepEqual(checkUnusedExports([inventedFile(CLOCK, { symbols })]), [
    { file: CLOCK, reason: "exports sleep, which nothing uses" },
  ]);
});

Deno.test("an import by the product, an example or a benchmark is a use", () => {
  const files = [inventedFile(CLOCK, { symbols: [exported("sleep")] })];
  for (const path of ["src/user/loop.ts", "mod.ts", "cli.ts", "examples/a.ts", "bench/a.ts"]) {
    const user = inventedFile(path, importing(CLOCK, "sleep"));
    assert.deepEqual(checkUnusedExports([...files, user]), [], path);
  }
});

Deno.test("an import by a test alone is not a use", () => {
  const files = [
    inventedFile(CLOCK, { symbols: [exported("sleep")] }),
    inventedFile("tests/core/clock_test.ts", importing(CLOCK, "sleep")),
  ];
  assert.deepEqual(checkUnusedExports(files), [
    { file: CLOCK, reason: "exports sleep, which only tests use" },
  ]);
});

Deno.test("what the signature of a used symbol mentions is used, across files", () => {
  const files = [
    inventedFile(CLOCK, { symbols: [exported("Clock", "Timer"), exported("Timer")] }),
    inventedFile("src/user/user.ts", {
      symbols: [exported("User", "Private"), { name: "Private", exported: false, mentions: ["C"] }],
      imports: [CLOCK],
      importedNames: [{ local: "C", name: "Clock", from: CLOCK }],
    }),
    inventedFile("mod.ts", importing("src/user/user.ts", "User")),
  ];
  assert.deepEqual(checkUnusedExports(files), []);
});

Deno.test("the signature of an unused symbol uses nothing", () => {
  const symbols = [exported("Clock", "Timer"), exported("Timer")];
  assert.deepEqual(
    checkUnusedExports([inventedFile(CLOCK, { symbols })]).map(({ reason }) => reason),
    ["exports Clock, which nothing uses", "exports Timer, which nothing uses"],
  );
});

Deno.test("an import that gives no names uses every export of the file", () => {
  const files = [
    inventedFile(CLOCK, { symbols: [exported("sleep"), exported("now")] }),
    inventedFile("src/cli/main.ts", { imports: [CLOCK] }),
  ];
  assert.deepEqual(checkUnusedExports(files), []);
});
