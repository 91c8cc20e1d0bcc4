import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import hpack from "hpack.js";
import type { HeaderPairs } from "../../src/http/transport.ts";
import {
  DEFAULT_TABLE_SIZE,
  HeaderListError,
  HpackDecoder,
  HpackEncoder,
  HpackError,
} from "../../src/http2/hpack.ts";
import { huffmanDecode, huffmanEncode, huffmanLength } from "../../src/http2/huffman.ts";

const MAX_LIST = 65_536;

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ""), "hex"));
}

function decoded(decoder: HpackDecoder, block: Uint8Array): HeaderPairs {
  return decoder.decode(block, 0, block.length);
}

/** Each character is one byte. */
const byteText = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 })
  .map((bytes) => String.fromCharCode(...bytes));

const headerName = fc.oneof(
  fc.constantFrom(":path", ":authority", "cookie", "authorization", "content-length", "x-a", "x-b"),
  fc.stringMatching(/^[a-z0-9-]{1,12}$/),
);

/** Values that repeat, so that tables are used. */
const headerValue = fc.oneof(
  fc.constantFrom("", "a", "b", "gzip, deflate", "x".repeat(700)),
  fc.stringMatching(/^[ -~]{0,30}$/),
);

/** The reference takes the names of an object's own methods for entries of its static table. */
function isPlain(text: string): boolean {
  return !(text in {});
}

const headerList = fc.array(
  fc.tuple(headerName.filter(isPlain), headerValue.filter(isPlain)),
  { maxLength: 8 },
);

// RFC 7541, appendix C: requests without and with the Huffman code, and responses that evict entries.

Deno.test("the requests of RFC 7541, C.3 are decoded one after another", () => {
  const decoder = new HpackDecoder(DEFAULT_TABLE_SIZE, MAX_LIST);
  const host = "www.example.com";
  const start = [[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", host]];
  assert.deepEqual(
    decoded(decoder, bytesOf("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d")),
    start,
  );
  assert.deepEqual(decoded(decoder, bytesOf("8286 84be 5808 6e6f 2d63 6163 6865")), [
    ...start,
    ["cache-control", "no-cache"],
  ]);
  assert.deepEqual(
    decoded(
      decoder,
      bytesOf("8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65"),
    ),
    [
      [":method", "GET"],
      [":scheme", "https"],
      [":path", "/index.html"],
      [":authority", host],
      ["custom-key", "custom-value"],
    ],
  );
});

Deno.test("the requests of RFC 7541, C.4 are decoded with the Huffman code", () => {
  const decoder = new HpackDecoder(DEFAULT_TABLE_SIZE, MAX_LIST);
  const first = decoded(decoder, bytesOf("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"));
  assert.deepEqual(first.at(-1), [":authority", "www.example.com"]);
  const second = decoded(decoder, bytesOf("8286 84be 5886 a8eb 1064 9cbf"));
  assert.deepEqual(second.at(-1), ["cache-control", "no-cache"]);
  const third = decoded(
    decoder,
    bytesOf("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"),
  );
  assert.deepEqual(third.at(-1), ["custom-key", "custom-value"]);
});

Deno.test("the encoder sends a list of headers in fewer bytes the second time, and then in the same", () => {
  const encoder = new HpackEncoder();
  const headers: HeaderPairs = [
    [":method", "GET"],
    [":path", "/articles/17?page=2"],
    ["user-agent", "aiotest"],
    ["authorization", "Bearer secret"],
  ];
  const first = encoder.encode(headers);
  const added = encoder.changes;
  const second = encoder.encode(headers);
  assert.ok(second.length < first.length);
  assert.deepEqual(encoder.encode(headers), second);
  assert.equal(encoder.changes, added, "nothing new was added");
  const decoder = new HpackDecoder(DEFAULT_TABLE_SIZE, MAX_LIST);
  for (const block of [first, second, second]) assert.deepEqual(decoded(decoder, block), headers);
});

Deno.test("credentials are never put into a table", () => {
  const encoder = new HpackEncoder();
  encoder.encode([["authorization", "Bearer secret"], ["proxy-authorization", "Basic secret"]]);
  assert.equal(encoder.changes, 0);
});

Deno.test("what the encoder writes, a reference reads", () => {
  fc.assert(fc.property(fc.array(headerList, { maxLength: 6 }), (lists) => {
    const encoder = new HpackEncoder();
    const reference = hpack.decompressor.create({ table: { maxSize: DEFAULT_TABLE_SIZE } });
    for (const list of lists) {
      reference.write(Buffer.from(encoder.encode(list)));
      reference.execute();
      const seen: [string, string][] = [];
      for (let one = reference.read(); one !== null; one = reference.read()) {
        seen.push([one.name, one.value]);
      }
      assert.deepEqual(seen, list);
    }
  }));
});

Deno.test("what a reference writes, the decoder reads", () => {
  fc.assert(fc.property(fc.array(headerList, { maxLength: 6 }), (lists) => {
    // The reference counts strings as long as they are with the Huffman code, so it must not evict entries.
    const sizes = lists.flat().map(([name, value]) => name.length + value.length + 32);
    fc.pre(sizes.reduce((sum, size) => sum + size, 0) <= DEFAULT_TABLE_SIZE);
    const reference = hpack.compressor.create({ table: { maxSize: DEFAULT_TABLE_SIZE } });
    const decoder = new HpackDecoder(DEFAULT_TABLE_SIZE, MAX_LIST);
    for (const list of lists) {
      reference.write(list.map(([name, value]) => ({ name, value })));
      const parts: Uint8Array[] = [];
      for (let one = reference.read(); one !== null; one = reference.read()) parts.push(one);
      assert.deepEqual(decoded(decoder, Uint8Array.from(Buffer.concat(parts))), list);
    }
  }));
});

Deno.test("the decoder reads what the encoder writes while the size of the table changes", () => {
  const step = fc.oneof(headerList, fc.constantFrom(0, 40, 200, 1000, 4096, 70_000));
  fc.assert(fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(DEFAULT_TABLE_SIZE, MAX_LIST);
    for (const one of steps) {
      if (typeof one === "number") encoder.allow(one);
      else assert.deepEqual(decoded(decoder, encoder.encode(one)), one);
    }
  }));
});

Deno.test("any text survives the Huffman code", () => {
  fc.assert(fc.property(byteText, (text) => {
    const bytes = new Uint8Array(huffmanLength(text) + 2);
    const end = huffmanEncode(text, bytes, 1);
    assert.equal(end - 1, huffmanLength(text));
    assert.equal(huffmanDecode(bytes, 1, end), text);
  }));
});

Deno.test("invalid strings of the Huffman code are refused", () => {
  const invalid: Readonly<Record<string, string>> = {
    "a whole byte of padding": "1fff",
    "padding with zeros": "18",
    "the end of the string inside it": "fffffffc",
  };
  for (const [title, hex] of Object.entries(invalid)) {
    const bytes = bytesOf(hex);
    assert.throws(() => huffmanDecode(bytes, 0, bytes.length), RangeError, title);
  }
});

Deno.test("invalid blocks are refused", () => {
  const invalid: Readonly<Record<string, string>> = {
    "index 0": "80",
    "an index beyond both tables": "be",
    "a name beyond both tables": "7e0161",
    "a string that is cut off": "400a6375",
    "an integer that is cut off": "ff",
    "an integer that is too large": "ffffffffffff0f",
    "an integer of endless zeros": "ff80808080808000",
    "a table that is larger than allowed": "3fe21f",
    "a change of the table's size after a header": "8220",
    "a Huffman code that is invalid": "0085fffffffffc00",
  };
  for (const [title, hex] of Object.entries(invalid)) {
    const decoder = new HpackDecoder(DEFAULT_TABLE_SIZE, MAX_LIST);
    assert.throws(() => decoded(decoder, bytesOf(hex)), HpackError, title);
  }
});

Deno.test("any bytes are either headers or an error of HPACK", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
    const decoder = new HpackDecoder(DEFAULT_TABLE_SIZE, 200);
    try {
      decoder.decode(bytes, 0, bytes.length);
    } catch (error) {
      assert.ok(error instanceof HpackError || error instanceof HeaderListError, String(error));
    }
  }));
});

Deno.test("a list that is too large is refused, and later blocks can still be read", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(DEFAULT_TABLE_SIZE, 300);
  const large = encoder.encode([["x-a", "1"], ["x-b", "2".repeat(300)], ["x-c", "3"]]);
  assert.throws(() => decoded(decoder, large), HeaderListError);
  assert.deepEqual(decoded(decoder, encoder.encode([["x-a", "1"], ["x-c", "3"]])), [
    ["x-a", "1"],
    ["x-c", "3"],
  ]);
});
