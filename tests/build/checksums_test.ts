import assert from "node:assert/strict";
import { checksums } from "../../build/checksums.ts";

Deno.test("each file has a line that sha256sum --check reads", async () => {
  const folder = await Deno.makeTempDir();
  const paths = ["one", "two"].map((name) => `${folder}/${name}`);
  for (const path of paths) await Deno.writeTextFile(path, path.slice(-3));
  const text = await checksums(paths);
  await Deno.remove(folder, { recursive: true });
  assert.equal(
    text,
    "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed  one\n" +
      "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3  two\n",
  );
});
