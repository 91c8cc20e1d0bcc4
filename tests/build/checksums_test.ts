import assert from "node:assert/strict";
import { checksums } from "../../build/checksums.ts";
import { runCommand } from "../../build/command.ts";

Deno.test("sha256sum agrees with the sums", async () => {
  const folder = await Deno.makeTempDir();
  const paths = ["one", "two"].map((name) => `${folder}/${name}`);
  for (const path of paths) await Deno.writeTextFile(path, path);
  await Deno.writeTextFile(`${folder}/SHA256SUMS`, await checksums(paths));
  const { code, stdout } = await runCommand("sha256sum", ["--check", "--strict", "SHA256SUMS"], {
    cwd: folder,
  });
  await Deno.remove(folder, { recursive: true });
  assert.equal(stdout, "one: OK\ntwo: OK\n");
  assert.equal(code, 0);
});
