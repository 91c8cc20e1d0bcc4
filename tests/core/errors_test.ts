import loose, { AssertionError } from "node:assert";
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

function failureOf(check: () => void): unknown {
  try {
    check();
  } catch (error) {
    return error;
  }
  return "it has passed";
}

const TEXTS: [thrown: unknown, text: string][] = [
  [new Error("no token"), "no token"],
  [new Error("first\n\n  second\r\n\tthird\n"), "first second third"],
  [new Error("\x1b[31mred\x1b[39m"), "red"],
  [failureOf(() => loose.equal(3, 4)), "3 == 4"],
  [failureOf(() => assert.equal(3, 4)), "Expected values to be strictly equal: 3 !== 4"],
  [
    failureOf(() => assert.equal("a\nb\nc", "b\nc\nd")),
    "Expected values to be strictly equal: actual 'a\\nb\\nc', expected 'b\\nc\\nd'",
  ],
  [
    failureOf(() => assert.deepEqual({ a: 1, b: [1, 2] }, { a: 2, b: [1, 3] })),
    "Expected values to be strictly deep-equal: actual a: 1, 2, expected a: 2, 3",
  ],
  [
    failureOf(() => assert.deepEqual([1], [1, 2])),
    "Expected values to be strictly deep-equal: missing 2",
  ],
  [
    failureOf(() => assert.deepEqual({ a: 1, b: 2 }, { a: 1 })),
    "Expected values to be strictly deep-equal: not expected b: 2",
  ],
  [new Error("it threw Error: no\n    at login (file:///t.ts:1:2)"), "it threw Error: no"],
  [
    failureOf(() => assert.equal("a".repeat(300), "b".repeat(300))),
    `Expected values to be strictly equal: actual '${"a".repeat(68)}…, expected '${
      "b".repeat(68)
    }…`,
  ],
  [
    failureOf(() => assert.match("abc", /x/)),
    "The input did not match the regular expression /x/. Input: 'abc'",
  ],
  [
    failureOf(() => assert.throws(() => assert.fail("no"), /y/)),
    "The input did not match the regular expression /y/. Input: 'AssertionError [ERR_ASSERTION]: no'",
  ],
  [failureOf(() => loose.equal(1, 2, "no basket\nin it")), "no basket in it"],
  // As @std/assert says it.
  [
    new AssertionError({
      message: "Values are not equal.\n\n\n    [Diff] Actual / Expected\n\n\n" +
        "\x1b[31m\x1b[1m-   3\x1b[22m\x1b[39m\n\x1b[32m\x1b[1m+   4\x1b[22m\x1b[39m\n\n",
    }),
    "Values are not equal: actual 3, expected 4",
  ],
  [
    new Error("expect(received).toBe(expected)\n\nExpected: 4\nReceived: 3"),
    "expect(received).toBe(expected) Expected: 4 Received: 3",
  ],
  [
    new AggregateError([new Error("no token")], "all failed"),
    "AggregateError: all failed (no token)",
  ],
  [new Error(""), "Error"],
  [new TypeError("x is undefined"), "TypeError: x is undefined"],
  [new AssertionError({ message: "nothing found" }), "nothing found"],
  ["a string", "a string"],
  [undefined, "undefined"],
  [new Error("x".repeat(300)), `${"x".repeat(199)}…`],
  [new Error("x".repeat(100_000_000)), `${"x".repeat(199)}…`],
  [new Error(`${"x".repeat(198)}😀😀`), `${"x".repeat(198)}\ufffd…`],
  [new Error("\n\n  after blank lines \nmore"), "after blank lines more"],
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
