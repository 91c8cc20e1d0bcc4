import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  brotliCompressSync,
  constants,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { decodeBody, decodeText } from "../../src/http/decoding.ts";

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

Deno.test("an unknown coding is refused, unless there is no body", () => {
  const wire = new Uint8Array(gzipSync(TEXT));
  assert.throws(() => decodeBody(wire, "zipp, gzip", LIMIT), {
    code: "BAD_ENCODING",
    message: 'unknown content coding "zipp": gzip, deflate, br and zstd are supported',
  });
  assert.equal(decodeBody(new Uint8Array(), "zipp", LIMIT).length, 0);
});

Deno.test("zstd is decoded frame by frame, and refused if it is not complete", () => {
  const skippable = [0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7];
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (plains, hasChecksum, share) => {
        const params = { [constants.ZSTD_c_checksumFlag]: Number(hasChecksum) };
        const frames = plains.map((plain) => [...zstdCompressSync(plain, { params })]);
        const wire = frames.flatMap((frame) => [...frame, ...skippable]);
        const decode = (bytes: number[]): number[] => [
          ...decodeBody(new Uint8Array(bytes), "zstd", LIMIT),
        ];
        assert.deepEqual(decode(wire), plains.flatMap((plain) => [...plain]));
        const [first] = frames;
        const cut = first!.slice(0, 1 + Math.floor(share * (first!.length - 1)));
        for (const bad of [cut, [...wire, ...cut], [...wire, 1, 2, 3]]) {
          assert.throws(() => decode(bad), { code: "BAD_ENCODING" });
        }
      },
    ),
  );
});

Deno.test("zstd that is cut anywhere is refused, also just after its header", () => {
  for (const plain of [new Uint8Array(), TEXT, new Uint8Array(300)]) {
    for (const checksum of [0, 1]) {
      const params = { [constants.ZSTD_c_checksumFlag]: checksum };
      const frame = new Uint8Array(zstdCompressSync(plain, { params }));
      for (let end = 1; end < frame.length; end++) {
        assert.throws(
          () => decodeBody(frame.slice(0, end), "zstd", LIMIT),
          { code: "BAD_ENCODING" },
          `${plain.length} bytes, cut at ${end} of ${frame.length}`,
        );
      }
    }
  }
});

Deno.test("a zstd body of many frames is refused: each of them blocks the process for a while", () => {
  const decode = (frames: number): number => {
    const frame = zstdCompressSync(new Uint8Array());
    return decodeBody(new Uint8Array(Buffer.concat(Array(frames).fill(frame))), "zstd", LIMIT)
      .length;
  };
  assert.equal(decode(1_000), 0);
  assert.throws(() => decode(1_001), {
    code: "BAD_ENCODING",
    message: "the zstd data has over 1000 frames",
  });
});

Deno.test("a byte order mark decides about the charset, then the content type, then UTF-8", () => {
  const bytes = (text: string): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(text, (byte) => byte.charCodeAt(0));
  const rows: [body: string, contentType: string | null, text: string][] = [
    ["J\xfcrgen", "text/html; charset=iso-8859-1", "Jürgen"],
    ["J\xfcrgen", 'text/html;a=b; CharSet = "Latin1"; c=d', "Jürgen"],
    ["\x93\xfa\x96{", 'text/html; charset="Shift_JIS"', "日本"],
    ["J\0\xfc\0", "text/plain;charset=utf-16le", "Jü"],
    ["\xfe\xff\0J\0\xfc", "text/plain; charset=utf-8", "Jü"],
    ["\xff\xfeJ\0\xfc\0", null, "Jü"],
    ["\xef\xbb\xbfJ\xc3\xbc", "text/plain; charset=latin1", "Jü"],
    ["J\xc3\xbc", "application/json", "Jü"],
    ["J\xc3\xbc", "application/json; charset=utf8", "Jü"],
    ["J\xc3\xbc", 'text/plain; charset=""', "Jü"],
    ["J\xc3\xbc", "text/plain; charset=, text/plain", "Jü"],
    ["J\xc3\xbc", "text/plain; x-charset=latin1", "Jü"],
    ["", "text/plain; charset=utf-16", ""],
  ];
  for (const [body, contentType, text] of rows) {
    assert.equal(decodeText(bytes(body), contentType), text, `${body} ${contentType}`);
  }
  for (const charset of ["klingon", "utf-7", "hz-gb-2312"]) {
    assert.throws(() => decodeText(bytes("x"), `text/plain; charset=${charset}`), {
      code: "BAD_ENCODING",
      message: `unknown charset "${charset}" in the content type`,
    });
  }
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
    ["zstd", zstdCompressSync(huge)],
    [
      "zstd",
      Buffer.concat([zstdCompressSync(huge.subarray(1)), zstdCompressSync(huge.subarray(0, 1))]),
    ],
    ["gzip, br", brotliCompressSync(gzipSync(huge))],
    ["br, gzip", gzipSync(brotliCompressSync(huge))],
    ["gzip", Buffer.concat([gzipSync(huge.subarray(1)), gzipSync(huge.subarray(0, 1))])],
  ];
  for (const [name, wire] of codings) {
    assert.throws(() => decodeBody(new Uint8Array(wire), name, LIMIT), { code: "TOO_LARGE" }, name);
    assert.equal((decodeBody(new Uint8Array(wire), name, LIMIT + 1)).length, LIMIT + 1, name);
  }
});
