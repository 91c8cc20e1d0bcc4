import fc from "fast-check";
import assert from "node:assert/strict";
import { PairMap } from "../../src/stats/request_stats.ts";

Deno.test("a pair map holds what a map of joined keys would", () => {
  const text = fc.constantFrom("", "a", "b", "ab", "__proto__");
  const writes = fc.array(fc.tuple(text, text, fc.nat()), { maxLength: 50 });
  fc.assert(fc.property(writes, (writes) => {
    const pairs = new PairMap<number>();
    const reference = new Map<string, number>();
    for (const [first, second, value] of writes) {
      pairs.set(first, second, value);
      reference.set(JSON.stringify([first, second]), value);
    }
    assert.equal(pairs.size, reference.size);
    const seen = Array.from(pairs, ([a, b, value]) => [JSON.stringify([a, b]), value] as const);
    assert.deepEqual(new Map(seen), reference);
    assert.equal(seen.length, reference.size);
    for (const [first, second] of writes) {
      assert.equal(pairs.get(first, second), reference.get(JSON.stringify([first, second])));
    }
  }));
});

Deno.test("a pair that was never set has no value, even where both texts are known", () => {
  const pairs = new PairMap<number>();
  pairs.set("GET", "search", 1);
  pairs.set("POST", "pay", 2);
  assert.equal(pairs.get("GET", "pay"), undefined);
  assert.equal(pairs.get("PUT", "search"), undefined);
});
