import assert from "node:assert/strict";
import { fileFacts, listFolder } from "../../src/core/files.ts";

async function inFolder(use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.mkdir(`${path}/data`);
    await Deno.writeTextFile(`${path}/data/b.csv`, "1,2,3");
    await Deno.symlink(`${path}/data/b.csv`, `${path}/a.csv`);
    await Deno.symlink(`${path}/data`, `${path}/circle`);
    await use(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

Deno.test("a file's size is known, and where it lies when links are followed", async () => {
  await inFolder(async (path) => {
    const facts = { size: 5, realPath: `${path}/data/b.csv` };
    assert.deepEqual(await fileFacts(`${path}/data/b.csv`), facts);
    assert.deepEqual(await fileFacts(`${path}/a.csv`), facts);
  });
});

Deno.test("of folders, and of what is not there, nothing is known", async () => {
  await inFolder(async (path) => {
    for (const name of ["data", "none", "data/b.csv/c"]) {
      assert.equal(await fileFacts(`${path}/${name}`), null, name);
    }
  });
});

Deno.test("a folder is listed by name, and a link in it is nothing to go into", async () => {
  await inFolder(async (path) => {
    assert.deepEqual(await listFolder(path), [
      { name: "a.csv", kind: "file" },
      { name: "circle", kind: "file" },
      { name: "data", kind: "folder" },
    ]);
    assert.deepEqual(await listFolder(`${path}/none`), []);
    assert.deepEqual(await listFolder(`${path}/a.csv`), []);
  });
});
