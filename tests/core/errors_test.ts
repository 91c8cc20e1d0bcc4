import { AssertionError } from "node:assert";
import assert from "node:assert/strict";
import {
  asError,
  errorText,
  isInstance,
  messageText,
  stackText,
  UsageError,
} from "../../src/core/errors.ts";

/** A revoked proxy: everything that is done with it throws. */
function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function errorWith(fields: PropertyDescriptorMap): Error {
  return Object.defineProperties(new Error("unused"), fields);
}

function thrower(): never {
  throw new Error("do not read this");
}

const CYCLIC = new Error("unused");
Object.assign(CYCLIC, { message: CYCLIC });

const TEXTS: [thrown: unknown, text: string][] = [
  [new Error("no token"), "no token"],
  [new Error("first\nsecond"), "first"],
  [new Error(""), "Error"],
  [new TypeError("x is undefined"), "TypeError: x is undefined"],
  [new AssertionError({ message: "nothing found" }), "nothing found"],
  ["a string", "a string"],
  [undefined, "undefined"],
  [new Error("x".repeat(300)), `${"x".repeat(199)}…`],
  [new Error("x".repeat(100_000_000)), `${"x".repeat(199)}…`],
  [new Error(`${"x".repeat(198)}😀😀`), `${"x".repeat(198)}\ufffd…`],
  [new Error("\n\n  after blank lines \nmore"), "after blank lines"],
  [new UsageError("no such file"), "no such file"],
  ["", "(no message)"],
  [null, "null"],
  [5n, "5"],
  [Symbol("why"), "Symbol(why)"],
  [{ code: 5 }, "{ code: 5 }"],
  [Object.create(null), "[Object: null prototype] {}"],
  [{ toString: thrower }, "{ toString: [Function: thrower] }"],
  [{ toString: () => ({}) }, "{ toString: [Function: toString] }"],
  ["lone \ud800 surrogate", "lone \ufffd surrogate"],
  [revoked({}), "(object that cannot be shown)"],
  [revoked(thrower), "(function that cannot be shown)"],
  [errorWith({ message: { value: { code: 5 } } }), "{ code: 5 }"],
  [errorWith({ message: { value: null }, name: { value: 7 } }), "7: null"],
  [errorWith({ message: { get: thrower } }), "an error whose message cannot be read"],
  [CYCLIC, "Error"],
];

for (const [thrown, text] of TEXTS) {
  Deno.test(`the text of what was thrown: ${text.slice(0, 40)}`, () => {
    assert.equal(errorText(thrown), text);
  });
}

Deno.test("a usage error has exit code 2", () => {
  assert.equal(new UsageError("no such file").exitCode, 2);
});

Deno.test("errors stay as they are, and other values become errors with their text", () => {
  const error = new TypeError("x is undefined");
  assert.equal(asError(error), error);
  assert.equal(asError({ code: 5 }).message, "{ code: 5 }");
  assert.equal(asError(revoked({})).message, "(object that cannot be shown)");
});

Deno.test("a stack that cannot be read is replaced by the text", () => {
  assert.match(stackText(new Error("no token")), /^Error: no token\n +at /);
  assert.equal(stackText(errorWith({ stack: { get: thrower } })), "unused");
  assert.equal(stackText(errorWith({ stack: { value: null } })), "unused");
  assert.equal(stackText("a string"), "a string");
});

Deno.test("whether a value is an instance can be asked of any value", () => {
  assert.equal(isInstance(new TypeError(""), Error), true);
  assert.equal(isInstance(revoked({}), Error), false);
  assert.equal(isInstance(null, Error), false);
});

Deno.test("the message of an error is read without its stack", () => {
  const error = new Error("refused");
  Object.defineProperty(error, "stack", { get: () => assert.fail("it was read") });
  assert.equal(messageText(error), "refused");
  assert.equal(errorText(error), "refused");
});
