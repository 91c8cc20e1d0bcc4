import assert from "node:assert/strict";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { decodeBody } from "../../src/http/decoding.ts";

const TEXT = new TextEncoder().encode("hello ".repeat(100));

Deno.test("codings are undone from the last to the first, in any case", () => {
  const wire = new Uint8Array(gzipSync(deflateSync(gzipSync(TEXT))));
  assert.deepEqual(decodeBody(wire, "gzip,  Deflate , X-GZIP"), TEXT);
  assert.deepEqual(decodeBody(TEXT, "identity"), TEXT);
});

Deno.test("deflate is understood with and without zlib's header", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 2000 }),
      fc.integer({ min: 0, max: 9 }),
      (bytes, level) => {
        const plain = new Uint8Array(bytes);
        assert.deepEqual(
          decodeBody(new Uint8Array(deflateSync(plain, { level })), "deflate"),
          plain,
        );
        assert.deepEqual(
          decodeBody(new Uint8Array(deflateRawSync(plain, { level })), "deflate"),
          plain,
        );
      },
    ),
  );
});

Deno.test("a coding that is not known leaves everything as it came", () => {
  const wire = new Uint8Array(gzipSync(TEXT));
  assert.equal(decodeBody(wire, "zstd-of-tomorrow, gzip"), wire);
});

Deno.test("over five codings are refused", () => {
  assert.throws(() => decodeBody(TEXT, Array(6).fill("identity").join(",")), /6 content codings/);
});

Deno.test("what is cut off is refused", () => {
  const wire = new Uint8Array(gzipSync(TEXT));
  for (let length = 1; length < wire.length; length++) {
    assert.throws(() => decodeBody(wire.slice(0, length), "gzip"), `${length} bytes`);
  }
});
