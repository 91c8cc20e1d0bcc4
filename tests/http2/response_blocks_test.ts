import assert from "node:assert/strict";
import fc from "fast-check";
import type { HeaderPairs } from "../../src/http/transport.ts";
import { HpackDecoder, HpackEncoder } from "../../src/http2/hpack.ts";
import { ResponseBlocks } from "../../src/http2/response_blocks.ts";

const TABLE = 256;
const MAX_LIST = 400;

/** A string without the Huffman code. */
function textBytes(text: string): number[] {
  return [text.length, ...text].map((part) => typeof part === "number" ? part : part.charCodeAt(0));
}

const text = fc.constantFrom("", "a", "bc", "x".repeat(60), "y".repeat(250));

/** Representations of headers (RFC 7541, section 6), with indices into both tables and beyond them. */
const representation = fc.oneof(
  fc.constantFrom([0x88], [0x8d], [0xbe], [0xbf], [0xc0], [0xc3]),
  // With and without being added to the table: names of the static table, of the dynamic one, and new ones.
  fc.tuple(fc.constantFrom(0x5c, 0x76, 0x7e, 0x7f, 0x0d), text)
    .map(([first, value]) =>
      first === 0x7f ? [0x7f, 0x00, ...textBytes(value)] : [first, ...textBytes(value)]
    ),
  fc.tuple(fc.constantFrom(0x40, 0x00, 0x10), text, text)
    .map(([first, name, value]) => [first, ...textBytes(name), ...textBytes(value)]),
);

const sizeChange = fc.constantFrom([0x20], [0x3f, 0x21], [0x3f, 0xe1, 0x01]);

const headerBlock = fc.tuple(
  fc.array(sizeChange, { maxLength: 1 }),
  fc.array(representation, { maxLength: 5 }),
).map(([sizes, headers]) => Uint8Array.from([...sizes.flat(), ...headers.flat()]));

/** Few blocks in any order, so that most come again while the table changes. */
const sequence = fc.tuple(
  fc.array(headerBlock, { minLength: 1, maxLength: 4 }),
  fc.array(fc.nat(3), { maxLength: 40 }),
).map(([blocks, order]) => order.map((index) => blocks[index % blocks.length]!));

function outcome(read: () => HeaderPairs): unknown {
  try {
    return read();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

Deno.test("blocks that are remembered mean the same, and do the same to the table, as decoded ones", () => {
  let remembered = 0;
  fc.assert(
    fc.property(sequence, (blocks) => {
      const decoder = new HpackDecoder(TABLE, MAX_LIST);
      const known = new ResponseBlocks(TABLE, MAX_LIST);
      const seen = new Set<unknown>();
      for (const block of blocks) {
        const expected = outcome(() => decoder.decode(block, 0, block.length));
        const read = outcome(() => {
          const { headers } = known.read(Uint8Array.of(7, ...block, 7), 1, block.length + 1);
          if (seen.has(headers)) remembered++;
          seen.add(headers);
          return headers;
        });
        assert.deepEqual(read, expected);
        // The connection ends; only a list that is too large leaves the table as it must be.
        if (typeof expected === "string" && !expected.startsWith("HeaderListError")) return;
      }
    }),
    { numRuns: 2_000 },
  );
  assert.ok(remembered > 100, `${remembered} blocks were remembered`);
});

function bytesOf(...lists: HeaderPairs[]): Uint8Array[] {
  const encoder = new HpackEncoder();
  return lists.map((list) => encoder.encode(list));
}

Deno.test("the head of a block is read once as long as the block means the same", () => {
  const list = [[":status", "200"], ["content-length", "3"], ["x-a", "1"]] as const;
  const [first, second, other] = bytesOf(list, list, [[":status", "404"], ["x-b", "1"]]);
  const blocks = new ResponseBlocks(4096, MAX_LIST);
  const read = (bytes: Uint8Array) => blocks.read(bytes, 0, bytes.length);
  assert.equal(read(first!).head.status, 200);
  const { head } = read(second!);
  assert.deepEqual(head.headers, [["content-length", "3"], ["x-a", "1"]]);
  assert.equal(read(second!).head, head);
  // It uses the table, which the other block changes.
  assert.equal(read(other!).head.status, 404);
  assert.deepEqual(read(second!).headers.at(-1), ["x-b", "1"]);
});

Deno.test("a malformed head stays malformed", () => {
  const [bytes] = bytesOf([[":status", "20"]]);
  const blocks = new ResponseBlocks(4096, MAX_LIST);
  for (let i = 0; i < 3; i++) {
    const block = blocks.read(bytes!, 0, bytes!.length);
    assert.throws(() => block.head, /the status "20"/);
  }
});

Deno.test("heads and trailers of the same length modulo eight are both remembered", () => {
  const [head, trailers] = bytesOf(
    [[":status", "200"], ["authorization", "1234567"]],
    [["authorization", "12345678"]],
  );
  assert.equal(head!.length % 8, trailers!.length % 8);
  const blocks = new ResponseBlocks(4096, MAX_LIST);
  const read = (bytes: Uint8Array) => blocks.read(bytes, 0, bytes.length);
  const first = [read(head!), read(trailers!)];
  for (let i = 0; i < 3; i++) {
    assert.equal(read(head!), first[0]);
    assert.equal(read(trailers!), first[1]);
  }
});
