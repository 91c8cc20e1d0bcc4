import assert from "node:assert/strict";
import fc from "fast-check";
import { framedMessage, MessageReader } from "../../src/grpc/message_frames.ts";
import { WireError } from "../../src/http/request_error.ts";

type Seen = readonly [content: readonly number[], isCompressed: boolean];

function read(
  pieces: readonly Uint8Array[],
  maxSize = 1000,
): { seen: Seen[]; isComplete: boolean } {
  const seen: Seen[] = [];
  const reader = new MessageReader(maxSize, (message, isCompressed) => {
    seen.push([[...message], isCompressed]);
  });
  for (const piece of pieces) reader.feed(piece);
  return { seen, isComplete: reader.isComplete };
}

Deno.test("messages are found however their bytes are cut", () => {
  const message = fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.boolean());
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.nat(20)), (messages, cuts) => {
      const body = messages.flatMap(([bytes, isCompressed]) => [
        ...framedMessage(bytes, isCompressed),
      ]);
      const pieces: Uint8Array[] = [];
      let at = 0;
      for (const cut of cuts) {
        pieces.push(Uint8Array.from(body.slice(at, at + cut)));
        at += cut;
      }
      pieces.push(Uint8Array.from(body.slice(at)));
      const expected = messages.map(([bytes, isCompressed]): Seen => [[...bytes], isCompressed]);
      assert.deepEqual(read(pieces), { seen: expected, isComplete: true });
      const bytes = body.map((byte) => Uint8Array.of(byte));
      assert.deepEqual(read(bytes), { seen: expected, isComplete: true });
    }),
  );
});

Deno.test("a message that was cut off is noticed, wherever that was", () => {
  const body = framedMessage(new Uint8Array(3), false);
  for (let length = 1; length < body.length; length++) {
    assert.deepEqual(read([body.subarray(0, length)]), { seen: [], isComplete: false });
  }
});

Deno.test("the length is written in four bytes", () => {
  assert.deepEqual([...framedMessage(new Uint8Array(0x010203), true).subarray(0, 5)], [
    1,
    0,
    1,
    2,
    3,
  ]);
});

Deno.test("invalid prefixes and large messages are refused before memory is taken for them", () => {
  const refused = (code: string, text: RegExp) => (error: unknown): boolean => {
    assert.ok(error instanceof WireError);
    assert.equal(error.code, code);
    assert.match(error.message, text);
    return true;
  };
  assert.throws(
    () => read([Uint8Array.of(2, 0, 0, 0, 0)]),
    refused("BAD_RESPONSE", /begins with the byte 2/),
  );
  assert.throws(
    () => read([Uint8Array.of(0, 255, 255, 255, 255)]),
    refused("TOO_LARGE", /^a message of 4294967295 bytes; maxMessageSize is 1000$/),
  );
});
