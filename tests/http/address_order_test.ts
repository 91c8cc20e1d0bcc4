import assert from "node:assert/strict";
import { AddressOrder, type DnsOrder } from "../../src/http/address_order.ts";
import { FakeClock } from "../support/fake_clock.ts";

const SHOP = { hostname: "shop.test", port: 80 };
const [A, B, C] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"] as const;

function orderFrom(random = 0, clock = new FakeClock()): AddressOrder {
  return new AddressOrder(clock, () => random);
}

/** The addresses that `count` connections begin with. */
function firsts(
  order: AddressOrder,
  addresses: readonly string[],
  count: number,
  kind: DnsOrder = "rotate",
): string[] {
  return Array.from({ length: count }, () => order.arrange(SHOP, addresses, kind)[0]!);
}

function counts(addresses: readonly string[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const address of addresses) all[address] = (all[address] ?? 0) + 1;
  return all;
}

Deno.test("first: always the order of the answer, with the families alternating", () => {
  const order = orderFrom();
  order.avoid(C, 80);
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(order.arrange(SHOP, [C, A, B], "first"), [C, A, B]);
    assert.deepEqual(order.arrange(SHOP, ["::1", "::2", A, B], "first"), ["::1", A, "::2", B]);
    assert.deepEqual(order.arrange(SHOP, [A, "::1", B, C], "first"), [A, "::1", B, C]);
  }
});

Deno.test("rotate: each round has each address once, and begins one address later", () => {
  const order = orderFrom();
  assert.deepEqual(firsts(order, [A, B, C], 9), [A, B, C, B, C, A, C, A, B]);
  assert.deepEqual(order.arrange(SHOP, [A, B, C], "rotate"), [A, B, C]);
  assert.deepEqual(order.arrange(SHOP, [A, B, C], "rotate"), [B, C, A]);
});

Deno.test("rotate: the order of the answer makes no difference", () => {
  const order = orderFrom();
  const got = [[A, B, C], [C, B, A], [B, A, C], [A, C, B], [C, A, B], [B, C, A]]
    .map((answer) => order.arrange(SHOP, answer, "rotate")[0]!);
  assert.deepEqual(counts(got), { [A]: 2, [B]: 2, [C]: 2 });
});

Deno.test("rotate: nodes begin elsewhere, and names have turns of their own", () => {
  const begins = Array.from(
    { length: 300 },
    (_, i) => firsts(orderFrom(i / 300), [A, B, C], 1)[0]!,
  );
  for (const count of Object.values(counts(begins))) assert.ok(count > 60, String(count));
  const order = orderFrom();
  assert.deepEqual(firsts(order, [A, B, C], 2), [A, B]);
  const other = { hostname: "other.test", port: 80 };
  assert.equal(order.arrange(other, [A, B, C], "rotate")[0], A);
});

Deno.test("rotate: the other family only follows, each in its turn", () => {
  const order = orderFrom();
  assert.deepEqual(order.arrange(SHOP, ["::1", "::2", A, B], "rotate"), ["::1", A, "::2", B]);
  assert.deepEqual(order.arrange(SHOP, ["::1", "::2", A, B], "rotate"), ["::2", B, "::1", A]);
  assert.deepEqual(order.arrange(SHOP, ["::1", A], "rotate"), ["::1", A]);
});

Deno.test("random: every address comes first about as often", () => {
  let seed = 7;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const order = new AddressOrder(new FakeClock(), random);
  const all = counts(firsts(order, [A, B, C], 900, "random"));
  for (const address of [A, B, C]) assert.ok(Math.abs(all[address]! - 300) < 60, `${all[address]}`);
  assert.deepEqual(order.arrange(SHOP, [A, B, C], "random").toSorted(), [A, B, C]);
});

Deno.test("an address that did not accept comes last for 10 s, and the others share its connections", async () => {
  const clock = new FakeClock();
  const order = orderFrom(0, clock);
  order.avoid(B, 80);
  assert.deepEqual(counts(firsts(order, [A, B, C], 10)), { [A]: 5, [C]: 5 });
  assert.equal(order.arrange(SHOP, [A, B, C], "rotate").at(-1), B);
  // Another port is another server.
  assert.ok(
    Array.from({ length: 3 }, () => {
      return order.arrange({ ...SHOP, port: 81 }, [A, B, C], "rotate")[0];
    }).includes(B),
  );
  await clock.advance(9_999);
  assert.equal(order.arrange(SHOP, [A, B, C], "rotate").at(-1), B);
  await clock.advance(1);
  const later = counts(firsts(order, [A, B, C], 30));
  for (const address of [A, B, C]) assert.ok(Math.abs(later[address]! - 10) <= 1, address);
});

Deno.test("an address that accepts again is no longer avoided, and if all are avoided, all are tried", () => {
  const order = orderFrom();
  for (const address of [A, B]) order.avoid(address, 80);
  assert.deepEqual(order.arrange(SHOP, [A, B], "rotate").toSorted(), [A, B]);
  order.accept(B, 80);
  assert.deepEqual(firsts(order, [A, B], 3), [B, B, B]);
  order.accept(A, 80);
  assert.deepEqual(counts(firsts(order, [A, B], 4)), { [A]: 2, [B]: 2 });
  // A whole family that is out of reach leaves its place to the other one.
  order.avoid("::1", 80);
  assert.deepEqual(order.arrange(SHOP, ["::1", A], "rotate"), [A, "::1"]);
});
