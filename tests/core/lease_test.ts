import assert from "node:assert/strict";
import fc from "fast-check";
import { Lease } from "../../src/core/lease.ts";

function watched(): { readonly lease: Lease; lapses: number } {
  const all = { lease: new Lease(() => void all.lapses++), lapses: 0 };
  return all;
}

Deno.test("a lease that was never granted is not valid and cannot expire", () => {
  const all = watched();
  assert.equal(all.lease.holds(0), false);
  assert.equal(all.lease.renew(1_000, 0), false);
  assert.equal(all.lease.holds(500), false);
  assert.equal(all.lapses, 0);
});

Deno.test("a lease is valid up to its last millisecond, and reports once that it has expired", () => {
  const all = watched();
  all.lease.grant(5_000);
  assert.equal(all.lease.holds(5_000), true);
  assert.equal(all.lapses, 0);
  assert.deepEqual([5_000.1, 9_000, 10_000].map((now) => all.lease.holds(now)), [
    false,
    false,
    false,
  ]);
  assert.equal(all.lapses, 1);
});

Deno.test("a lease can be extended, never shortened", () => {
  const { lease } = watched();
  lease.grant(5_000);
  assert.equal(lease.renew(7_000, 1_000), true);
  assert.equal(lease.renew(6_000, 2_000), true);
  assert.equal(lease.holds(7_000), true);
});

Deno.test("an expired lease cannot be renewed, only granted again", () => {
  const all = watched();
  all.lease.grant(5_000);
  assert.equal(all.lease.renew(9_000, 5_001), false);
  assert.equal(all.lapses, 1);
  // Neither with a later time, nor for a caller with an earlier one.
  assert.equal(all.lease.holds(4_000), false);
  all.lease.grant(12_000);
  assert.equal(all.lease.holds(6_000), true);
  assert.equal(all.lease.holds(12_001), false);
  assert.equal(all.lapses, 2);
});

Deno.test("an endless lease is always valid", () => {
  assert.equal(Lease.endless().holds(Number.MAX_SAFE_INTEGER), true);
});

Deno.test("the callback of an expired lease can grant it again", () => {
  const lease: Lease = new Lease(() => lease.grant(20_000));
  lease.grant(5_000);
  assert.equal(lease.holds(6_000), false);
  assert.equal(lease.holds(6_000), true);
});

Deno.test("a lease is never valid after the last time to which it was granted or renewed", () => {
  const steps = fc.array(
    fc.tuple(fc.constantFrom("grant", "renew", "ask"), fc.nat(3_000), fc.nat(6_000)),
  );
  fc.assert(
    fc.property(steps, (steps) => {
      const { lease } = watched();
      let now = 0;
      let latest = -Infinity;
      for (const [kind, passed, more] of steps) {
        now += passed;
        if (kind === "grant") {
          lease.grant(now + more);
          latest = now + more;
        } else if (kind === "renew") {
          const held = lease.renew(now + more, now);
          assert.equal(held, now <= latest);
          if (held) latest = Math.max(latest, now + more);
        } else assert.equal(lease.holds(now), now <= latest);
        if (now > latest) latest = -Infinity;
      }
    }),
  );
});
