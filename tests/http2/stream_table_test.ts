import assert from "node:assert/strict";
import fc from "fast-check";
import { Http2Stream, type PoolRequest, type StreamOwner } from "../../src/http2/http2_stream.ts";
import { StreamTable } from "../../src/http2/stream_table.ts";

const OWNER: StreamOwner = { cancel: () => {}, steered: () => {} };

Deno.test("a table of streams is like a map, whichever of them stay long", () => {
  const steps = fc.array(fc.record({ starts: fc.nat(5), ends: fc.array(fc.nat(20)) }));
  fc.assert(fc.property(steps, (all) => {
    const table = new StreamTable();
    const map = new Map<number, Http2Stream>();
    let id = 1;
    for (const { starts, ends } of all) {
      for (let i = 0; i < starts; i++, id += 2) {
        const stream = new Http2Stream(OWNER, id, {} as PoolRequest, 0, 0, false);
        table.add(stream);
        map.set(id, stream);
      }
      for (const end of ends) {
        const stream = [...map.values()][end];
        if (stream === undefined) continue;
        assert.equal(table.delete(stream), true);
        assert.equal(table.delete(stream), false);
        assert.equal(stream.next, null, "what is gone refers to no other");
        map.delete(stream.id);
      }
      assert.equal(table.size, map.size);
      assert.deepEqual(table.all().map((one) => one.id), [...map.keys()]);
      for (let known = 1; known < id + 4; known += 2) {
        assert.equal(table.get(known), map.get(known) ?? null);
      }
    }
  }));
});
