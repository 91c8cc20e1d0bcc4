import assert from "node:assert/strict";
import { ErrorPlaces } from "../../src/user/error_places.ts";

const HEAD = "TypeError: no basket";
const IN_RUNTIME = "    at JSON.parse (<anonymous>)\n    at node:assert:12:3";
const IN_PACKAGE =
  "    at check (file:///root/.cache/deno/npm/packages.example/chai/5.1.0/chai.js:1:2)\n" +
  "    at check (file:///home/me/shop/node_modules/chai/chai.js:1:2)";
const IN_AIOTEST = `    at User.measure (${new URL(
  "../../src/user/user.ts",
  import.meta.url,
)}:12:3)`;
const IN_TEST = "    at async ShopTest.testBuy (file:///home/me/shop/a%20b/shop.ts:12:7)";

function thrownAt(...frames: string[]): Error {
  return Object.assign(new TypeError("no basket"), { stack: [HEAD, ...frames].join("\n") });
}

function placeOf(thrown: unknown, folder = "/home/me/shop/a b"): string {
  return new ErrorPlaces(folder).placeOf(thrown, "no basket", 0);
}

Deno.test("the place of an error is the innermost frame of the user's own code", () => {
  assert.equal(placeOf(thrownAt(IN_RUNTIME, IN_PACKAGE, IN_AIOTEST, IN_TEST)), "shop.ts:12:7");
  assert.equal(placeOf(thrownAt("    at file:///home/me/shop/lib.ts:3:4")), "../lib.ts:3:4");
  assert.equal(placeOf(thrownAt(IN_RUNTIME, IN_PACKAGE, IN_AIOTEST)), "");
  // A folder of this name is not the cache of a runtime.
  assert.equal(placeOf(thrownAt("    at f (file:///npm/shop/a.ts:3:4)"), "/npm/shop"), "a.ts:3:4");
});

Deno.test("the place of a real error is in its TypeScript file", () => {
  const folder = new URL(".", import.meta.url).pathname;
  assert.match(placeOf(new Error("no basket"), folder), /^error_places_test\.ts:\d+:\d+$/);
});

Deno.test("values without a readable stack have no place", () => {
  assert.equal(placeOf(thrownAt("    at f (file://[:1:2)")), "");
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  for (const thrown of ["x", null, undefined, { stack: IN_TEST }, proxy]) {
    assert.equal(placeOf(thrown), "");
  }
  const unreadable = Object.defineProperty(new Error("x"), "stack", { get: assert.fail });
  assert.equal(placeOf(unreadable), "");
  assert.equal(placeOf(Object.assign(new Error("x"), { stack: { at: 5 } })), "");
});

Deno.test("long messages and stacks are read in part", () => {
  assert.equal(placeOf(thrownAt("x".repeat(1_000_000), IN_TEST)), "shop.ts:12:7");
  const deep = Array(100_000).fill("    at f (node:fs:1:2)").join("\n");
  assert.equal(placeOf(thrownAt(deep, IN_TEST)), "");
  const long = `    at f (file:///home/me/shop/a%20b/${"x".repeat(500)}.ts:12:7)`;
  assert.equal(placeOf(thrownAt(long)).length, 180);
});

Deno.test("of many errors, only 100 stacks a second are read", () => {
  const places = new ErrorPlaces("/home/me/shop");
  let read = 0;
  const thrown = (line: number): Error =>
    Object.defineProperty(new Error("x"), "stack", {
      get: () => (read++, `Error: x\n    at f (file:///home/me/shop/a.ts:${line}:1)`),
    });
  for (let i = 0; i < 1_000; i++) assert.equal(places.placeOf(thrown(1), "one", 500), "a.ts:1:1");
  assert.equal(read, 100);
  assert.equal(places.placeOf(thrown(2), "another", 999), "");
  assert.equal(places.placeOf(thrown(2), "another", 1000), "a.ts:2:1");
  // An error of several places has none unless its own stack is read.
  for (let i = 0; i < 50; i++) places.placeOf(thrown(3), "another", 1001);
  for (let i = 0; i < 50; i++) places.placeOf(thrown(1), "one", 1001);
  assert.equal(places.placeOf(thrown(3), "another", 1002), "");
  assert.equal(places.placeOf(thrown(1), "one", 1002), "a.ts:1:1");
});
