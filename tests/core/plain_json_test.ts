import assert from "node:assert/strict";
import fc from "fast-check";
import { frozenJson, plainJson } from "../../src/core/plain_json.ts";

const MAX = 1_000;

Deno.test("plain data is encoded as JSON does it, and comes back frozen", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
    const text = plainJson(value, 1e9);
    assert.equal(text, JSON.stringify(value));
    assert.deepEqual(frozenJson(text), JSON.parse(text));
  }));
  const data = frozenJson('{"users":[{"id":1}]}') as { users: { id: number }[] };
  assert.throws(() => data.users[0]!.id = 2, TypeError);
  assert.throws(() => data.users.push({ id: 2 }), TypeError);
});

Deno.test("nothing counts as null, dates as text, and undefined properties are left out", () => {
  assert.equal(plainJson(undefined, MAX), "null");
  assert.equal(
    plainJson({ at: new Date(0), gone: undefined }, MAX),
    '{"at":"1970-01-01T00:00:00.000Z"}',
  );
  class Account {
    readonly id = 7;
  }
  assert.equal(plainJson([new Account(), Object.create(null)], MAX), '[{"id":7},{}]');
  const shared = { id: 1 };
  assert.equal(plainJson([shared, shared], MAX), '[{"id":1},{"id":1}]');
});

Deno.test("what is not JSON is named with its place", () => {
  const cycle: { self?: unknown[] } = {};
  cycle.self = [cycle];
  class Empty {
    readonly #secret = 1;
    get secret(): number {
      return this.#secret;
    }
  }
  const cases: readonly (readonly [value: unknown, problem: string])[] = [
    [() => {}, "it is a function"],
    [{ users: [{}, { token: () => {} }] }, "users[1].token is a function"],
    [{ "a b": Symbol("s") }, '["a b"] is a symbol'],
    [{ count: 10n }, "count is a BigInt: 10n"],
    [cycle, "self[0] refers to an object that contains it (a cycle)"],
    [{ mean: NaN }, "mean is NaN"],
    [[1, undefined], "[1] is undefined"],
    [{ rows: new Map() }, "rows is of the type Map, not plain data"],
    [{ bytes: new Uint8Array(2) }, "bytes is of the type Uint8Array, not plain data"],
    [{ token: Promise.resolve("t") }, "token is a Promise: await it"],
    [{ login: new Empty() }, "login is a Empty without fields, not plain data"],
    ["x".repeat(MAX), "it has more than 1000 bytes as JSON; at most 1000 are allowed"],
    ["é".repeat(600), "it has 1202 bytes as JSON; at most 1000 are allowed"],
    [new Array(1e9), "it has more than 1000 bytes as JSON; at most 1000 are allowed"],
    [
      Object.defineProperty({}, "x", {
        enumerable: true,
        get: () => {
          throw new Error("no x");
        },
      }),
      "it cannot be read: no x",
    ],
  ];
  for (const [value, message] of cases) {
    assert.throws(() => plainJson(value, MAX), { message }, message);
  }
});

Deno.test("a value that is too deep, or has too many references to one object, is refused at once", () => {
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  assert.throws(() => plainJson(deep, 1e9), /is nested more than 500 levels deep$/);
  let wide: unknown = 1;
  for (let level = 0; level < 100; level++) wide = [wide, wide];
  assert.throws(() => plainJson(wide, 1e6), /it has more than 1000000 bytes/);
});
