import assert from "node:assert/strict";
import { checkCycles } from "../../build/cycles.ts";
import { inventedFile } from "./invented_file.ts";

Deno.test("imports that only lead downwards are no circle, even where they meet again", () => {
  const files = [
    inventedFile("a.ts", { imports: ["b.ts", "c.ts"] }),
    inventedFile("b.ts", { imports: ["d.ts"] }),
    inventedFile("c.ts", { imports: ["d.ts"] }),
    inventedFile("d.ts"),
  ];
  assert.deepEqual(checkCycles(files), []);
});

Deno.test("a circle is told once, with the whole way round", () => {
  const files = [
    inventedFile("a.ts", { imports: ["b.ts"] }),
    inventedFile("b.ts", { imports: ["c.ts"] }),
    inventedFile("c.ts", { imports: ["b.ts"] }),
  ];
  assert.deepEqual(checkCycles(files), [
    { file: "b.ts", reason: "imports itself: b.ts → c.ts → b.ts" },
  ]);
});

Deno.test("two circles through one file are both told", () => {
  const files = [
    inventedFile("a.ts", { imports: ["b.ts", "c.ts"] }),
    inventedFile("b.ts", { imports: ["a.ts"] }),
    inventedFile("c.ts", { imports: ["a.ts"] }),
  ];
  assert.deepEqual(checkCycles(files).map(({ reason }) => reason), [
    "imports itself: a.ts → b.ts → a.ts",
    "imports itself: a.ts → c.ts → a.ts",
  ]);
});
