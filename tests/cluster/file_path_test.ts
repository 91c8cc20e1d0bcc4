import fc from "fast-check";
import assert from "node:assert/strict";
import { join, normalize } from "node:path/posix";
import { MAX_PATH, pathProblem } from "../../src/cluster/protocol.ts";

Deno.test("paths that lead down from a folder are taken", () => {
  for (
    const path of ["shop.ts", "a/b/c.csv", ".env", "a b.ts", "ä/日本.json", "..a/b..c", "commons"]
  ) {
    assert.equal(pathProblem(path), null, path);
  }
  assert.equal(pathProblem("a".repeat(MAX_PATH)), null);
});

Deno.test("what leads elsewhere, or is no name everywhere, is not taken", () => {
  const problems: Readonly<Record<string, string>> = {
    "../a": "leads out of its folder",
    "a/../../b": "leads out of its folder",
    "": "is not the path of a file inside a folder",
    "/etc/passwd": "is not the path of a file inside a folder",
    "a//b": "is not the path of a file inside a folder",
    "a/": "is not the path of a file inside a folder",
    "./a": "is not the path of a file inside a folder",
    "C:a": "has a character that some systems do not take",
    "C:\\a": "has a character that some systems do not take",
    "..\\a": "has a character that some systems do not take",
    "a\0.ts": "has a character that some systems do not take",
    "a\n.ts": "has a character that some systems do not take",
    "\ud800": "has a character that some systems do not take",
    "file.ts:stream": "has a character that some systems do not take",
    "a./b": "has a name that some systems do not take",
    "... /b": "has a name that some systems do not take",
    "NUL": "has a name that some systems do not take",
    "data/com1.txt": "has a name that some systems do not take",
  };
  for (const [path, problem] of Object.entries(problems)) {
    assert.equal(pathProblem(path), problem, JSON.stringify(path));
  }
  assert.equal(pathProblem("a".repeat(MAX_PATH + 1)), "has more than 240 characters");
});

Deno.test("a path that is taken never leaves its folder", () => {
  const part = fc.oneof(fc.constantFrom("..", ".", "", "a", "c:", "\\", "..\\.."), fc.string());
  fc.assert(fc.property(fc.array(part, { minLength: 1 }), (parts) => {
    const path = parts.join("/");
    if (pathProblem(path) !== null) return;
    assert.equal(join("/root", path), `/root/${path}`);
    assert.equal(normalize(path), path);
  }));
});
