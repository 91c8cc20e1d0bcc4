import assert from "node:assert/strict";
import { writeAll } from "../../src/core/network.ts";

Deno.test("all bytes are written in their order, however few are taken at once", async () => {
  const written: number[] = [];
  const takes = [1, 0, 3, 2, 9];
  await writeAll({
    write: (bytes) => {
      const count = Math.min(takes.shift()!, bytes.length);
      written.push(...bytes.subarray(0, count));
      return Promise.resolve(count);
    },
  }, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  assert.deepEqual(written, [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(takes.length, 0);
});

Deno.test("nothing is written of nothing", async () => {
  await writeAll({ write: () => Promise.reject(new Error("it was written")) }, new Uint8Array());
});

Deno.test("a stream that breaks is the writer's error", async () => {
  let writes = 0;
  const broken = {
    write: (): Promise<number> =>
      ++writes === 1 ? Promise.resolve(1) : Promise.reject(new Error("broken pipe")),
  };
  await assert.rejects(writeAll(broken, Uint8Array.of(1, 2)), /broken pipe/);
});
