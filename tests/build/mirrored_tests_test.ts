import assert from "node:assert/strict";
import { checkMirroredTests } from "../../build/mirrored_tests.ts";
import { inventedFile } from "./invented_file.ts";

Deno.test("a test lies where its source does", () => {
  const files = [
    "mod.ts",
    "src/core/clock.ts",
    "src/cli/flags/table.ts",
    "src/web/page/table.js",
    "tests/mod_test.ts",
    "tests/core/clock_test.ts",
    "tests/cli/flags/table_test.ts",
    "tests/web/page/table_test.ts",
  ];
  assert.deepEqual(checkMirroredTests(files.map((path) => inventedFile(path))), []);
});

Deno.test("a test of a file that does not exist is a violation", () => {
  const files = ["src/core/clock.ts", "tests/stats/clock_test.ts", "tests/clock_test.ts"];
  assert.deepEqual(checkMirroredTests(files.map((path) => inventedFile(path))), [
    { file: "tests/stats/clock_test.ts", reason: "tests no file: no src/stats/clock.ts" },
    { file: "tests/clock_test.ts", reason: "tests no file: no clock.ts" },
  ]);
});

Deno.test("tests of the whole, and files that are no tests, need no source", () => {
  const files = ["e2e/run", "build/rooms", "examples/shop", "support/fake_clock"];
  const paths = [...files.map((file) => `tests/${file}_test.ts`), "tests/stats/samples.ts"];
  assert.deepEqual(checkMirroredTests(paths.map((path) => inventedFile(path))), []);
});
