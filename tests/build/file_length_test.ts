import assert from "node:assert/strict";
import { checkLength, MAX_LINES } from "../../build/file_length.ts";
import { inventedFile } from "./invented_file.ts";

Deno.test("300 lines are allowed and 301 are not, in the product and its build", () => {
  const full = { text: "x;\n".repeat(MAX_LINES) };
  const over = { text: "x;\n".repeat(MAX_LINES + 1) };
  const files = [
    inventedFile("src/core/full.ts", full),
    inventedFile("src/core/over.ts", over),
    inventedFile("cli.ts", over),
    inventedFile("build/over.ts", { text: "x;\n".repeat(MAX_LINES) + "no newline at the end" }),
    inventedFile("tests/core/over_test.ts", over),
  ];
  assert.deepEqual(checkLength(files), [
    { file: "src/core/over.ts", reason: "has 301 lines, over 300" },
    { file: "cli.ts", reason: "has 301 lines, over 300" },
    { file: "build/over.ts", reason: "has 301 lines, over 300" },
  ]);
});
