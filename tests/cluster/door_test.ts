import fc from "fast-check";
import assert from "node:assert/strict";
import { ConnectionLimiter } from "../../src/cluster/listener.ts";

Deno.test("the 11th of an address has to stay outside, until one of the ten leaves", () => {
  const door = new ConnectionLimiter(10);
  for (let count = 0; count < 10; count++) assert.equal(door.enter("10.0.0.1"), true);
  assert.equal(door.enter("10.0.0.1"), false);
  assert.equal(door.enter("10.0.0.2"), true);
  door.leave("10.0.0.1");
  assert.equal(door.enter("10.0.0.1"), true);
  assert.equal(door.enter("10.0.0.1"), false);
});

Deno.test("nobody gets in by leaving more often than entering", () => {
  const door = new ConnectionLimiter(1);
  door.leave("10.0.0.1");
  door.leave("10.0.0.1");
  assert.equal(door.enter("10.0.0.1"), true);
  assert.equal(door.enter("10.0.0.1"), false);
});

Deno.test("at any moment as many of an address are inside as have entered and not left", () => {
  const steps = fc.array(
    fc.record({ address: fc.constantFrom("a", "b", "c"), enter: fc.boolean() }),
  );
  fc.assert(fc.property(steps, fc.integer({ min: 1, max: 4 }), (steps, limit) => {
    const door = new ConnectionLimiter(limit);
    const inside: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (const { address, enter } of steps) {
      const before = inside[address]!;
      if (enter) {
        assert.equal(door.enter(address), before < limit);
        inside[address] = Math.min(limit, before + 1);
      } else if (before > 0) {
        door.leave(address);
        inside[address] = before - 1;
      }
    }
  }));
});
