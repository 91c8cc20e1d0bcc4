import assert from "node:assert/strict";
import { openFile } from "../../src/core/files.ts";

/** Calls `test` with the path of a file that is not there yet. */
async function withPath(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/file`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a file is read from its beginning, and grows at its end", () =>
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

Deno.test("a file is made only where that is asked for", () =>
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

Deno.test("a file that is open is not opened again before it is closed", () =>
  withPath(async (path) => {
    const file = openFile(path, { create: true });
    assert.throws(() => openFile(path, { create: true }), Deno.errors.Busy);
    file.close();
    const again = openFile(path, { create: false });
    assert.equal(await again.read(new Uint8Array(1)), null);
    again.close();
  }));
