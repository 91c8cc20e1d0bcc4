import assert from "node:assert/strict";
import { testFileHash } from "../../src/cli/test_file.ts";
import { FakeHost } from "../support/fake_host.ts";

const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Deno.test("the hash is SHA-256 of the text, wherever the file is", async () => {
  const files = { "/home/me/a.ts": "abc", "/elsewhere/b.ts": "abc", "/home/me/empty.ts": "" };
  const host = new FakeHost({ files });
  assert.equal(await testFileHash(host, "a.ts"), ABC);
  assert.equal(await testFileHash(host, "/elsewhere/b.ts"), ABC);
  assert.equal(await testFileHash(host, "./empty.ts"), EMPTY);
});

Deno.test("a file that is not there is an error", async () => {
  await assert.rejects(testFileHash(new FakeHost(), "a.ts"), Deno.errors.NotFound);
});
