import assert from "node:assert/strict";
import fc from "fast-check";
import { ProtocolError } from "../../src/cluster/protocol.ts";
import { MAX_SETUP_DATA, PartialSetupData, SetupData } from "../../src/cluster/setup_data.ts";

Deno.test("data of any size arrives part by part, whatever is repeated", () => {
  const size = fc.oneof(
    fc.integer({ min: 1, max: 200 }),
    fc.integer({ min: 65_530, max: 65_545 }),
    fc.constant(MAX_SETUP_DATA),
  );
  fc.assert(
    fc.property(size, fc.boolean(), (length, repeats) => {
      const json = "é".repeat(Math.floor(length / 2)) + "x".repeat(length % 2);
      const data = new SetupData(json);
      const partial = new PartialSetupData(data.announcement);
      for (let at = partial.missingFrom; at !== null; at = partial.missingFrom) {
        const chunk = data.chunk(at)!;
        partial.add(chunk.offset, chunk.data);
        if (repeats) partial.add(chunk.offset, chunk.data);
      }
      assert.equal(partial.json, json);
      assert.equal(data.chunk(length), null);
    }),
    { numRuns: 30 },
  );
});

Deno.test("data that is too long, or more than announced, is refused", () => {
  const first = new Uint8Array(2);
  assert.throws(
    () => new PartialSetupData({ type: "DATA", size: MAX_SETUP_DATA + 1, first }),
    ProtocolError,
  );
  assert.throws(() => new PartialSetupData({ type: "DATA", size: 1, first }), ProtocolError);
  const partial = new PartialSetupData({ type: "DATA", size: 3, first });
  assert.throws(() => partial.add(2, new Uint8Array(2)), ProtocolError);
});
