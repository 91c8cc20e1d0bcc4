import { AssertionError } from "node:assert";
import assert from "node:assert/strict";
import { errorText, UsageError } from "../../src/core/errors.ts";

const TEXTS: [thrown: unknown, text: string][] = [
  [new Error("no token"), "no token"],
  [new Error("first\nsecond"), "first"],
  [new Error(""), "Error"],
  [new TypeError("x is undefined"), "TypeError: x is undefined"],
  [new AssertionError({ message: "nothing found" }), "nothing found"],
  ["a string", "a string"],
  [undefined, "undefined"],
  [new Error("x".repeat(300)), `${"x".repeat(199)}…`],
];

for (const [thrown, text] of TEXTS) {
  Deno.test(`the text of what was thrown: ${text.slice(0, 40)}`, () => {
    assert.equal(errorText(thrown), text);
  });
}

Deno.test("a usage error has exit code 2", () => {
  assert.equal(new UsageError("no such file").exitCode, 2);
});
