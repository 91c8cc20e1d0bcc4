import assert from "node:assert/strict";
import { createPrivateFolder } from "../../src/core/files.ts";

function modeOf(path: string): number {
  return Deno.statSync(path).mode! & 0o777;
}

Deno.test("a folder is for this user alone, with all that is written into it, until it is removed", async () => {
  const folder = createPrivateFolder();
  try {
    assert.equal(modeOf(folder.path), 0o700);
    await folder.write("lib/deep/a.txt", new TextEncoder().encode("hello"));
    assert.equal(await Deno.readTextFile(`${folder.path}/lib/deep/a.txt`), "hello");
    assert.equal(modeOf(`${folder.path}/lib`), 0o700);
    assert.equal(modeOf(`${folder.path}/lib/deep/a.txt`), 0o600);
  } finally {
    folder.remove();
  }
  await assert.rejects(Deno.stat(folder.path), Deno.errors.NotFound);
  folder.remove();
});

Deno.test("a file that is there is not written again", async () => {
  const folder = createPrivateFolder();
  try {
    await folder.write("a", new Uint8Array(1));
    await assert.rejects(folder.write("a", new Uint8Array(2)), Deno.errors.AlreadyExists);
  } finally {
    folder.remove();
  }
});

Deno.test("no two folders are the same", () => {
  const [one, other] = [createPrivateFolder(), createPrivateFolder()];
  one.remove();
  other.remove();
  assert.notEqual(one.path, other.path);
});
