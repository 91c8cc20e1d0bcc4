import assert from "node:assert/strict";
import fc from "fast-check";
import { Slab } from "../../src/http/response_parser.ts";
import { Http2Response } from "../../src/http2/http2_response.ts";
import { Http2Stream, type PoolRequest, type StreamOwner } from "../../src/http2/http2_stream.ts";
import { bytesOf } from "../support/http2_peer.ts";

const OWNER: StreamOwner = { cancel: () => {}, steered: () => {} };
const ITEM = {
  request: { method: "GET", url: new URL("https://shop.example/") },
} as unknown as PoolRequest;

function newStream(): Http2Stream {
  const stream = new Http2Stream(OWNER, 1, ITEM, 0, 0, false);
  stream.head = { status: 200, headers: [], contentLength: -1, setCookies: [] };
  return stream;
}

Deno.test("a body is kept as it arrived, whatever is received after it", () => {
  // Around the largest piece that goes into a slab, and many slabs.
  const size = fc.oneof(
    fc.integer({ min: 1, max: 400 }),
    fc.constantFrom(8191, 8192, 8193, 16_384),
  );
  const bodies = fc.array(fc.array(size, { maxLength: 4 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(bodies, (all) => {
      const slab = new Slab();
      const read = new Uint8Array(16_384 + 9);
      let next = 0;
      const kept = all.map((sizes) => {
        const stream = newStream();
        const pieces = sizes.map((length) => {
          read.fill(0).subarray(9, 9 + length).fill(++next);
          stream.keep(slab, read, 9, 9 + length);
          return read.slice(9, 9 + length);
        });
        return {
          expected: bytesOf(...pieces),
          stream,
          response: new Http2Response(stream, 0, 1e6),
        };
      });
      for (const { expected, stream, response } of kept) {
        assert.deepEqual(bytesOf(...stream.body), expected);
        assert.equal(response.bytesReceived, expected.length);
        const bytes = response.bytes();
        assert.deepEqual(bytes, expected);
        assert.equal(bytes.buffer.byteLength, expected.length, "it has its own memory");
        assert.equal(response.bytes(), bytes);
      }
    }),
    { numRuns: 50 },
  );
});
