import assert from "node:assert/strict";
import { filesOfPattern } from "../../src/cli/test_bundle.ts";
import { UsageError } from "../../src/core/errors.ts";
import { FakeHost } from "../support/fake_host.ts";

const FOLDER = "/home/me/load";

const host = new FakeHost({
  files: Object.fromEntries(
    [
      ...["shop.ts", "accounts.csv", "a+b.txt", ".env", "data/a.json", "data/b.json", "data/c.csv"],
      ...["data/deep/d.json", "data/deep/er/e.json", "data/.git/f.json", "../outside.csv"],
    ].map((name) => [`${FOLDER}/${name}`, ""]),
  ),
});

async function found(pattern: string): Promise<string[]> {
  const paths = await filesOfPattern(host, FOLDER, pattern);
  return paths.map((path) => path.slice(FOLDER.length + 1)).sort();
}

Deno.test("names stand for themselves, and stars and question marks for others", async () => {
  assert.deepEqual(await found("accounts.csv"), ["accounts.csv"]);
  assert.deepEqual(await found("./data/a.json"), ["data/a.json"]);
  assert.deepEqual(await found("data/*.json"), ["data/a.json", "data/b.json"]);
  assert.deepEqual(await found("data/?.*"), ["data/a.json", "data/b.json", "data/c.csv"]);
  assert.deepEqual(await found("*/c.csv"), ["data/c.csv"]);
  assert.deepEqual(await found("a+?.txt"), ["a+b.txt"]);
});

Deno.test("two stars stand for folders, however many", async () => {
  assert.deepEqual(await found("**/*.json"), [
    "data/a.json",
    "data/b.json",
    "data/deep/d.json",
    "data/deep/er/e.json",
  ]);
  assert.deepEqual(await found("data/**/e.json"), ["data/deep/er/e.json"]);
  assert.deepEqual(await found("data/deep/**"), ["data/deep/d.json", "data/deep/er/e.json"]);
});

Deno.test("a hidden file is found only by who names it", async () => {
  assert.deepEqual(await found(".env"), [".env"]);
  assert.deepEqual(await found(".e*"), [".env"]);
  assert.equal((await found("*")).includes(".env"), false);
});

Deno.test("a name that leads out of the folder is refused", async () => {
  const outside = ["../outside.csv", "data/../../outside.csv", "/etc/passwd", "", "data//a.json"];
  for (const pattern of [...outside, "C:/a.csv", "data\\a.json", "*/../../x"]) {
    await assert.rejects(found(pattern), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /^files: ".*" is no name of a file in the test file's folder$/);
      return true;
    });
  }
});

Deno.test("a name without a file is a mistake", async () => {
  for (const pattern of ["none.csv", "data/*.txt", "data", "none/**"]) {
    await assert.rejects(
      found(pattern),
      new RegExp(`^UsageError: files: there is no file .* in ${FOLDER}$`),
    );
  }
});
