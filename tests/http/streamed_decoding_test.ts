import assert from "node:assert/strict";
import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { decodeBody, joined } from "../../src/http/decoding.ts";
import type { WireError } from "../../src/http/request_error.ts";
import { type DecodedBody, streamedDecoder } from "../../src/http/streamed_decoding.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(400);
const BYTES = new TextEncoder().encode(TEXT);

function bytes(...buffers: Uint8Array[]): Bytes {
  const size = buffers.reduce((sum, { length }) => sum + length, 0);
  return joined(buffers.map((one) => new Uint8Array(one)), size);
}

/** What is decoded of a body that arrives in pieces of this size; the detail of its error. */
async function decoded(coding: string, body: Bytes, size: number): Promise<string> {
  const pieces: Bytes[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  const sink: DecodedBody = {
    decoded: (piece) => void pieces.push(piece),
    consumed: () => {},
    ended: () => resolve(new TextDecoder().decode(bytes(...pieces))),
    failed: ({ code, message }: WireError) => resolve(`${code} ${message}`),
  };
  const decoder = streamedDecoder(coding, sink)!;
  for (let at = 0; at < body.length; at += size) decoder.push(body.slice(at, at + size), at);
  decoder.end();
  return await promise;
}

const CODINGS: readonly (readonly [string, (body: Uint8Array) => Uint8Array])[] = [
  ["gzip", gzipSync],
  ["x-gzip", gzipSync],
  ["deflate", deflateSync],
  ["deflate", deflateRawSync],
  ["br", brotliCompressSync],
  ["zstd", zstdCompressSync],
  ["zstd", (body) => zstdCompressSync(body, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })],
  ["deflate, gzip", (body) => gzipSync(deflateSync(body))],
  ["br, identity, zstd", (body) => zstdCompressSync(brotliCompressSync(body))],
];

for (const [coding, encode] of CODINGS) {
  const body = bytes(encode(BYTES));

  Deno.test(`${coding} of ${body.length} bytes is decoded, wherever it is cut`, async () => {
    for (const size of [1, 2, 3, 7, 50, body.length - 1, body.length]) {
      assert.equal(await decoded(coding, body, size), TEXT, `pieces of ${size}`);
    }
  });

  Deno.test(`${coding} of ${body.length} bytes that is not complete is refused`, async () => {
    for (const left of [1, 2, 5, Math.ceil(body.length / 2)]) {
      const text = await decoded(coding, body.slice(0, -left), 20);
      assert.match(text, /^BAD_ENCODING ./, `without ${left} bytes: ${text.slice(0, 100)}`);
    }
  });
}

Deno.test("an empty body has no coding", async () => {
  for (const [coding] of CODINGS) assert.equal(await decoded(coding, bytes(), 1), "");
});

Deno.test("what follows the end is treated as in whole bodies, and ignored after gzip", async () => {
  for (const [coding, encode] of CODINGS.slice(0, 6)) {
    const first = bytes(encode(BYTES));
    const body = bytes(first, first);
    let whole: string;
    try {
      whole = new TextDecoder().decode(decodeBody(body, coding, 1e6));
    } catch {
      whole = "refused";
    }
    for (const size of [1, 10, first.length, body.length]) {
      const text = await decoded(coding, body, size);
      const comparable = text.startsWith("BAD_ENCODING") ? "refused" : text;
      assert.ok(
        comparable === whole,
        `${coding}, pieces of ${size}: ${text.length} and ${whole.length}`,
      );
    }
  }
  const more = bytes(gzipSync(BYTES), new Uint8Array(3));
  for (const size of [1, 10, more.length]) assert.ok(await decoded("gzip", more, size) === TEXT);
});

Deno.test("what is corrupt is refused", async () => {
  for (const [coding, encode] of CODINGS) {
    const body = bytes(encode(BYTES));
    body.fill(0xff, 0, 12);
    assert.match(await decoded(coding, body, 10), /^BAD_ENCODING ./, coding);
  }
});

Deno.test("unknown codings are named, and no coding needs no decoder", () => {
  const sink = {} as DecodedBody;
  assert.throws(() => streamedDecoder("gzip, rot13", sink), /"rot13"/);
  assert.throws(() => streamedDecoder("gzip,gzip,gzip,gzip,gzip,gzip", sink), /at most 5/);
  assert.equal(streamedDecoder("identity", sink), null);
});

for (const [name, create] of [["gzip", createGzip], ["br", createBrotliCompress]] as const) {
  Deno.test(`what a server has flushed of ${name} is decoded at once, with its time`, async () => {
    const encoder = create();
    const seen: string[] = [];
    let next = Promise.withResolvers<void>();
    const decoder = streamedDecoder(name, {
      decoded: (piece, at) => {
        seen.push(`${at} ${new TextDecoder().decode(piece)}`);
        next.resolve();
      },
      consumed: () => {},
      ended: () => next.resolve(),
      failed: (error) => next.reject(error),
    })!;
    let part: Uint8Array[] = [];
    encoder.on("data", (piece: Uint8Array) => part.push(piece));
    for (const [index, text] of ["first", "second", "third"].entries()) {
      encoder.write(text);
      await new Promise<void>((resolve) => encoder.flush(() => resolve()));
      decoder.push(bytes(...part), index * 100);
      part = [];
      await next.promise;
      next = Promise.withResolvers<void>();
    }
    await new Promise<void>((resolve) => encoder.end(resolve));
    decoder.push(bytes(...part), 300);
    decoder.end();
    await next.promise;
    assert.deepEqual(seen, ["0 first", "100 second", "200 third"]);
  });
}

Deno.test("while it is paused, little is decoded of what expands to much", async () => {
  const body = bytes(gzipSync(new Uint8Array(20_000_000)));
  let size = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const first = Promise.withResolvers<void>();
  const decoder = streamedDecoder("gzip", {
    decoded: (piece) => {
      size += piece.length;
      decoder.pause();
      first.resolve();
    },
    consumed: () => {},
    ended: resolve,
    failed: reject,
  })!;
  decoder.push(body, 0);
  decoder.end();
  await first.promise;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(size < 1_000_000, String(size));
  const timer = setInterval(() => decoder.resume(), 0);
  // Each piece pauses it again.
  await Promise.race([promise, new Promise((resolve) => setTimeout(resolve, 100))]);
  clearInterval(timer);
  assert.ok(size > 50_000, String(size));
  decoder.close();
});
