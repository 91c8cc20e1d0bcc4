import { encode } from "@msgpack/msgpack";
import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { decodeRecord, encodeRecord, RECORD_HEAD } from "../../src/cluster/journal.ts";
import { anyRecord } from "../support/journals.ts";

/** A record as msgpack of any values. */
function decodedFrom(values: unknown): unknown {
  return decodeRecord(encode(values));
}

Deno.test("every record comes back as it was", () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      assert.deepEqual(decodeRecord(encodeRecord(record).subarray(RECORD_HEAD)), record);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a record is its payload's length and CRC, and the payload", () => {
  assert.deepEqual(
    [...encodeRecord({ type: "ended" })],
    [0, 0, 0, 7, 0x0a, 0xa2, 0x03, 0xf9, 0x91, 0xa5, ...Buffer.from("ended")],
  );
});

Deno.test("what has another shape than a record is none", () => {
  assert.deepEqual(decodedFrom(["epoch", 2]), { type: "epoch", epoch: 2 });
  for (
    const values of [
      "epoch",
      null,
      [],
      ["epoch"],
      ["epoch", 2, 3],
      ["epoch", "2"],
      ["epoch", 2.5],
      ["epoch", -1],
      ["toString", 2],
      ["begin", Infinity],
      ["report", "i1", "text"],
      ["report", "i1", new Uint8Array()],
      ["assigned", "i1", [1]],
      ["assigned", "i1", { A: "1" }],
      ["membership", "i1", "gone"],
      ["steered", 1, "half-open", 5, 1],
      ["steered", 1, "open", 0.5, 1],
      ["steered", 1, "open", 5, Infinity],
      ["worker", "x".repeat(257), "i1", 0, "box"],
    ]
  ) {
    assert.equal(decodedFrom(values), null, JSON.stringify(values));
  }
});

Deno.test("bytes that are no msgpack, or too much of it, are no record", () => {
  const ended = encodeRecord({ type: "ended" }).subarray(RECORD_HEAD);
  assert.equal(decodeRecord(ended.subarray(0, 5)), null);
  assert.equal(decodeRecord(new Uint8Array([...ended, 0])), null);
  assert.equal(decodeRecord(new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff, 1])), null);
  const proto = encode(["assigned", "i1", { xxproto__: 1 }]);
  proto.set([0x5f, 0x5f], proto.length - 10);
  assert.equal(new TextDecoder().decode(proto.subarray(-10, -1)), "__proto__");
  assert.equal(decodeRecord(proto), null);
});
