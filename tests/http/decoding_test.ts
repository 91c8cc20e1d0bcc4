import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { decodeBody } from "../../src/http/decoding.ts";

const LIMIT = 10_000;
const TEXT = new TextEncoder().encode("hello ".repeat(100));

Deno.test("codings are decoded from the last to the first, in any case", () => {
  const wire = new Uint8Array(gzipSync(deflateSync(gzipSync(TEXT))));
  assert.deepEqual(decodeBody(wire, "gzip,  Deflate , X-GZIP", LIMIT), TEXT);
  assert.deepEqual(decodeBody(TEXT, "identity", LIMIT), TEXT);
});

Deno.test("deflate is decoded with and without the zlib header", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 2000 }),
      fc.integer({ min: 0, max: 9 }),
      (bytes, level) => {
        const plain = new Uint8Array(bytes);
        assert.deepEqual(
          decodeBody(new Uint8Array(deflateSync(plain, { level })), "deflate", LIMIT),
          plain,
        );
        assert.deepEqual(
          decodeBody(new Uint8Array(deflateRawSync(plain, { level })), "deflate", LIMIT),
          plain,
        );
      },
    ),
  );
});

Deno.test("an unknown coding leaves the body unchanged", () => {
  const wire = new Uint8Array(gzipSync(TEXT));
  assert.equal(decodeBody(wire, "zstd-of-tomorrow, gzip", LIMIT), wire);
});

Deno.test("more than five codings are refused", () => {
  assert.throws(
    () => decodeBody(TEXT, Array(6).fill("identity").join(","), LIMIT),
    /6 content codings/,
  );
});

Deno.test("truncated bodies are refused", () => {
  for (const [coding, compress] of [["gzip", gzipSync], ["br", brotliCompressSync]] as const) {
    const wire = new Uint8Array(compress(TEXT));
    for (let length = 1; length < wire.length; length++) {
      const rejected = { code: "BAD_ENCODING" };
      assert.throws(() => decodeBody(wire.slice(0, length), coding, LIMIT), rejected, coding);
    }
  }
});

Deno.test("brotli is decoded if it is complete, and refused if other bytes follow", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 2000 }),
      fc.uint8Array({ minLength: 1, maxLength: 20 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (plain, surplus, share) => {
        const wire = brotliCompressSync(plain);
        assert.deepEqual([...decodeBody(new Uint8Array(wire), "br", LIMIT)], [...plain]);
        for (
          const bad of [[...wire, ...surplus], [...wire.subarray(0, 1 + share * (wire.length - 1))]]
        ) {
          if (bad.length === wire.length) continue;
          assert.throws(() => decodeBody(new Uint8Array(bad), "br", LIMIT), {
            code: "BAD_ENCODING",
          });
        }
      },
    ),
  );
});

Deno.test("a body that is too large when decoded is refused, whatever its coding", () => {
  const huge = new Uint8Array(LIMIT + 1);
  const codings: [name: string, wire: Uint8Array][] = [
    ["gzip", gzipSync(huge)],
    ["deflate", deflateSync(huge)],
    ["deflate", deflateRawSync(huge)],
    ["br", brotliCompressSync(huge)],
    ["gzip, br", brotliCompressSync(gzipSync(huge))],
    ["br, gzip", gzipSync(brotliCompressSync(huge))],
    ["gzip", Buffer.concat([gzipSync(huge.subarray(1)), gzipSync(huge.subarray(0, 1))])],
  ];
  for (const [name, wire] of codings) {
    assert.throws(() => decodeBody(new Uint8Array(wire), name, LIMIT), { code: "TOO_LARGE" }, name);
    assert.equal((decodeBody(new Uint8Array(wire), name, LIMIT + 1)).length, LIMIT + 1, name);
  }
});
