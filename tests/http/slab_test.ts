import assert from "node:assert/strict";
import { Slab } from "../../src/http/response_parser.ts";

Deno.test("copies stay as they are, however many follow", () => {
  const slab = new Slab();
  const source = new Uint8Array(2000);
  const copies = Array.from({ length: 200 }, (_, i) => {
    source.fill(i);
    const at = slab.copy(source, i, i + i * 5);
    return slab.bytes.subarray(at, at + i * 5);
  });
  source.fill(255);
  for (const [i, copy] of copies.entries()) assert.deepEqual(copy, new Uint8Array(i * 5).fill(i));
});

Deno.test("only what is small goes into a slab", () => {
  assert.deepEqual([0, 300, 1024, 1025, 100_000].map((size) => new Slab().takes(size)), [
    true,
    true,
    true,
    false,
    false,
  ]);
});
