import fc from "fast-check";
import assert from "node:assert/strict";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { decodeBody } from "../../src/http/decoding.ts";

const LIMIT = 10_000;
const TEXT = new TextEncoder().encode("hello ".repeat(100));

Deno.test("codings are decoded from the last to the first, in any case", async () => {
  const wire = new Uint8Array(gzipSync(deflateSync(gzipSync(TEXT))));
  assert.deepEqual(await decodeBody(wire, "gzip,  Deflate , X-GZIP", LIMIT), TEXT);
  assert.deepEqual(await decodeBody(TEXT, "identity", LIMIT), TEXT);
});

Deno.test("deflate is decoded with and without the zlib header", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 2000 }),
      fc.integer({ min: 0, max: 9 }),
      async (bytes, level) => {
        const plain = new Uint8Array(bytes);
        assert.deepEqual(
          await decodeBody(new Uint8Array(deflateSync(plain, { level })), "deflate", LIMIT),
          plain,
        );
        assert.deepEqual(
          await decodeBody(new Uint8Array(deflateRawSync(plain, { level })), "deflate", LIMIT),
          plain,
        );
      },
    ),
  );
});

Deno.test("an unknown coding leaves the body unchanged", async () => {
  const wire = new Uint8Array(gzipSync(TEXT));
  assert.equal(await decodeBody(wire, "zstd-of-tomorrow, gzip", LIMIT), wire);
});

Deno.test("more than five codings are refused", async () => {
  await assert.rejects(
    decodeBody(TEXT, Array(6).fill("identity").join(","), LIMIT),
    /6 content codings/,
  );
});

Deno.test("truncated bodies are refused", async () => {
  const wire = new Uint8Array(gzipSync(TEXT));
  for (let length = 1; length < wire.length; length++) {
    await assert.rejects(decodeBody(wire.slice(0, length), "gzip", LIMIT), `${length} bytes`);
  }
});

Deno.test("a body that is too large when decoded is refused, whatever its coding", async () => {
  const huge = new Uint8Array(LIMIT + 1);
  const codings: [name: string, wire: Uint8Array][] = [
    ["gzip", gzipSync(huge)],
    ["deflate", deflateSync(huge)],
    ["deflate", deflateRawSync(huge)],
    ["br", brotliCompressSync(huge)],
  ];
  for (const [name, wire] of codings) {
    await assert.rejects(
      decodeBody(new Uint8Array(wire), name, LIMIT),
      { code: "TOO_LARGE" },
      name,
    );
    assert.equal((await decodeBody(new Uint8Array(wire), name, LIMIT + 1)).length, LIMIT + 1, name);
  }
});
