import assert from "node:assert/strict";
import { unreadFiles } from "../../build/unread_files.ts";

Deno.test("what only editors, debuggers and browsers read is found, and no code or licence", async () => {
  const folder = await Deno.makeTempDir();
  const kept = [
    "LICENSE",
    "package.json",
    "dist/index.js",
    "dist/index.cjs",
    "dist/map.js",
    "a.ts",
  ];
  const unread = [
    "dist/index.js.map",
    "dist/index.d.ts",
    "dist/index.d.cts",
    "dist/umd/index.js",
    "dist/index.umd.min.js",
  ];
  for (const path of [...kept, ...unread]) {
    await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]+$/, ""), { recursive: true });
    await Deno.writeTextFile(`${folder}/${path}`, "");
  }
  const found = await unreadFiles(folder);
  await Deno.remove(folder, { recursive: true });
  assert.deepEqual(found.map((path) => path.slice(folder.length + 1)).sort(), unread.sort());
});
