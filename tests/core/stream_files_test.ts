import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { openStreamFile } from "../../src/core/stream_files.ts";

const encoder = new TextEncoder();

for (const gzip of [false, true]) {
  const kind = gzip ? "a compressed file" : "a file";
  const read = async (path: string): Promise<string> => {
    const bytes = await Deno.readFile(path);
    return new TextDecoder().decode(gzip ? gunzipSync(bytes) : bytes);
  };

  Deno.test(`${kind} is replaced, and can be read after each part`, async () => {
    const path = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(path, "old ".repeat(1000));
      const file = await openStreamFile(path, { gzip });
      await file.write(encoder.encode("one\n"));
      assert.equal(await read(path), "one\n");
      await file.write(encoder.encode("two\n"));
      assert.equal(await read(path), "one\ntwo\n");
      await file.clear();
      assert.equal(await Deno.readTextFile(path), "");
      await file.write(encoder.encode("three\n"));
      await file.close();
      assert.equal(await read(path), "three\n");
    } finally {
      await Deno.remove(path);
    }
  });

  Deno.test(`${kind} that cannot be opened is refused in plain words`, async () => {
    await assert.rejects(openStreamFile("/nowhere/at/all", { gzip }), {
      message: "no such file or directory",
    });
  });

  Deno.test({
    name: `${kind} on a full disk says so`,
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      const file = await openStreamFile("/dev/full", { gzip });
      await assert.rejects(file.write(encoder.encode("one\n")), {
        message: "no space left on the device",
      });
      await file.close();
    },
  });
}
