import assert from "node:assert/strict";
import {
  createPrivateFolder,
  fileInfo,
  filesIn,
  listFolder,
  openFile,
  readWholeFile,
  removeFile,
} from "../../src/core/files.ts";

/** Calls `test` with the path of a file that does not exist yet. */
async function withPath(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/file`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a file is read from its start and grows at its end", () =>
  withPath(async (path) => {
    await Deno.writeTextFile(path, "abcdef");
    const file = openFile(path, { create: false });
    assert.equal(file.size(), 6);
    const into = new Uint8Array(4);
    assert.equal(await file.read(into), 4);
    assert.equal(new TextDecoder().decode(into), "abcd");
    file.truncate(5);
    file.append(new TextEncoder().encode("xyz"));
    assert.equal(await Deno.readTextFile(path), "abcdexyz");
    assert.equal(file.size(), 8);
    file.close();
  }));

Deno.test("a file is created only on request", () =>
  withPath(async (path) => {
    assert.throws(() => openFile(path, { create: false }), Deno.errors.NotFound);
    const file = openFile(path, { create: true });
    assert.equal(file.size(), 0);
    assert.equal(await file.read(new Uint8Array(4)), null);
    file.append(new TextEncoder().encode("a"));
    file.close();
    openFile(path, { create: true }).close();
    assert.equal(await Deno.readTextFile(path), "a");
  }));

Deno.test("an open file cannot be opened again until it is closed", () =>
  withPath(async (path) => {
    const file = openFile(path, { create: true });
    assert.throws(() => openFile(path, { create: true }), Deno.errors.Busy);
    file.close();
    const again = openFile(path, { create: false });
    assert.equal(await again.read(new Uint8Array(1)), null);
    again.close();
  }));

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

Deno.test("the information about a file is its size, its path without links and its identity", async () => {
  await inFolder(async (path) => {
    const facts = await fileInfo(`${path}/data/b.csv`);
    assert.deepEqual([facts?.size, facts?.realPath], [5, `${path}/data/b.csv`]);
    assert.deepEqual(await fileInfo(`${path}/a.csv`), facts);
    await Deno.link(`${path}/data/b.csv`, `${path}/data/c.csv`);
    assert.equal((await fileInfo(`${path}/data/c.csv`))?.identity, facts?.identity);
    await Deno.writeTextFile(`${path}/d.csv`, "1,2,3");
    assert.notEqual((await fileInfo(`${path}/d.csv`))?.identity, facts?.identity);
  });
});

Deno.test("there is no information about folders and missing files", async () => {
  await inFolder(async (path) => {
    for (const name of ["data", "none", "data/b.csv/c"]) {
      assert.equal(await fileInfo(`${path}/${name}`), null, name);
    }
  });
});

Deno.test("a folder is listed by name, and links in it count as files", async () => {
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

function modeOf(path: string): number {
  return Deno.statSync(path).mode! & 0o777;
}

Deno.test("a private folder and its files are accessible to this user only, until it is removed", async () => {
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

Deno.test("an existing file of a private folder is not overwritten", async () => {
  const folder = createPrivateFolder();
  try {
    await folder.write("a", new Uint8Array(1));
    await assert.rejects(folder.write("a", new Uint8Array(2)), Deno.errors.AlreadyExists);
  } finally {
    folder.remove();
  }
});

Deno.test("each private folder is a new one", () => {
  const [one, other] = [createPrivateFolder(), createPrivateFolder()];
  one.remove();
  other.remove();
  assert.notEqual(one.path, other.path);
});

Deno.test("a pipe, a device and a directory are not read as files", async () => {
  await withPath(async (path) => {
    await new Deno.Command("mkfifo", { args: [path] }).output();
    await assert.rejects(readWholeFile(path), { message: "it is a named pipe, not a file" });
  });
  await assert.rejects(readWholeFile("/dev/zero"), { message: "it is a device, not a file" });
  await assert.rejects(readWholeFile("/tmp"), { code: "EISDIR" });
  await assert.rejects(readWholeFile("/tmp/no/such/file"), Deno.errors.NotFound);
});

Deno.test("the files of a folder have sizes and times; links and folders are left out", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/b.txt`, "12345");
    await Deno.writeTextFile(`${folder}/a.txt`, "1");
    await Deno.mkdir(`${folder}/c`);
    await Deno.symlink(`${folder}/a.txt`, `${folder}/d.txt`);
    const at = new Date("2026-01-02T03:04:05.000Z");
    await Deno.utime(`${folder}/b.txt`, at, at);
    const files = await filesIn(folder);
    assert.deepEqual(files.map(({ name, size }) => [name, size]), [["a.txt", 1], ["b.txt", 5]]);
    assert.equal(files[1]!.modifiedAt, at.getTime());
    assert.deepEqual(await filesIn(`${folder}/none`), []);
    await removeFile(`${folder}/a.txt`);
    await removeFile(`${folder}/a.txt`);
    assert.deepEqual((await filesIn(folder)).map(({ name }) => name), ["b.txt"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
