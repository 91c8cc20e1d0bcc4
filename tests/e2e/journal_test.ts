import assert from "node:assert/strict";
import { openFile } from "../../src/core/files.ts";
import { readJournal, RUN_RECORD } from "../support/journals.ts";
import { projectPath } from "../support/paths.ts";

Deno.test("all that a master wrote down before kill -9 is there, and no more than one record behind", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (let round = 0; round < 3; round++) {
      const path = `${folder}/${round}.journal`;
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", projectPath("tests/support/journal_child.ts"), path],
        stdin: "null",
        stdout: "piped",
      }).spawn();
      let said = "";
      let killed = false;
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        said += text;
        // Each round kills it at another moment of its writing.
        if (killed || said.length <= 2000 * (round + 1)) continue;
        killed = true;
        child.kill("SIGKILL");
      }
      await child.status;
      const announced = Number(said.slice(0, said.lastIndexOf("\n")).split("\n").at(-1));
      assert.ok(announced > 100);
      const file = openFile(path, { create: false });
      const { records, goodBytes, isBroken } = await readJournal(file);
      const left = file.size() - goodBytes;
      file.close();
      assert.ok(records.length === announced || records.length === announced + 1);
      assert.ok(left < 2100 && !isBroken);
      assert.deepEqual(records[0], RUN_RECORD);
      const payload = new Uint8Array(2000).fill(7);
      for (const [i, record] of records.slice(1).entries()) {
        assert.deepEqual(record, { type: "report", incarnation: `i${i + 2}`, payload });
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
