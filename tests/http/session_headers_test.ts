import assert from "node:assert/strict";
import { expectedOfHeaders, SessionHeaders } from "../../src/http/session_headers.ts";

Deno.test("names are not case-sensitive, and a header keeps its place", () => {
  const headers = new SessionHeaders([["Accept", "a"], ["x-b", "b"]]);
  assert.equal(headers.get("accept"), "a");
  headers.set("ACCEPT", "c");
  headers.set("x-n", 7 as unknown as string);
  assert.deepEqual([...headers], [["ACCEPT", "c"], ["x-b", "b"], ["x-n", "7"]]);
  assert.equal(headers.has("X-B"), true);
  assert.equal(headers.delete("X-B"), true);
  assert.equal(headers.delete("x-b"), false);
  assert.equal(headers.get("x-b"), undefined);
  assert.deepEqual([...headers.entries()], [["ACCEPT", "c"], ["x-n", "7"]]);
  headers.reset();
  assert.deepEqual([...headers], [["Accept", "a"], ["x-b", "b"]]);
});

Deno.test("what is sent is the array of the class until a header changes", () => {
  const ofClass = [["a", "b"]] as const;
  const headers = new SessionHeaders(ofClass);
  assert.equal(headers.sent, ofClass);
  headers.set("c", "d");
  assert.deepEqual(ofClass, [["a", "b"]]);
  const { sent } = headers;
  assert.equal(headers.sent, sent);
  headers.reset();
  assert.equal(headers.sent, ofClass);
});

Deno.test("an Authorization header takes precedence over credentials", () => {
  const headers = new SessionHeaders([]);
  headers.authorize("Basic x");
  assert.deepEqual(headers.sent, [["authorization", "Basic x"]]);
  assert.equal(headers.has("authorization"), false);
  headers.set("Authorization", "Bearer y");
  assert.deepEqual(headers.sent, [["Authorization", "Bearer y"]]);
  headers.delete("authorization");
  headers.authorize(null);
  assert.deepEqual(headers.sent, []);
});

Deno.test("headers that cannot be sent with every request are refused without their values", () => {
  const headers = new SessionHeaders([]);
  const rows: [name: unknown, value: unknown, message: string][] = [
    ["a b", "c", 'headers: "a b" is not a header name'],
    ["", "c", 'headers: "" is not a header name'],
    ["a", "x\ny", 'headers: the value of a contains "\\n", which cannot be sent'],
    ["a", "š", 'headers: the value of a contains "š", which cannot be sent'],
    ["a", undefined, "headers: a is undefined, expected a string"],
    ["x-token", { secret: 1 }, "headers: x-token is no string (object), expected a string"],
    [
      "Content-Length",
      "1",
      "headers: Content-Length describes the body of a single request, so it cannot be sent with all of them",
    ],
  ];
  for (const [name, value, message] of rows) {
    assert.throws(() => headers.set(name as string, value as string), {
      name: "TypeError",
      message,
    });
  }
  assert.deepEqual(headers.sent, []);
});

Deno.test("the headers of a class are names and values", () => {
  const expected = 'names and values like { "accept-language": "de" }';
  const rows: [headers: unknown, expected: string | null][] = [
    [{}, null],
    [{ "x-a": "1", "x-b": 2, "x-c": undefined }, null],
    [new Headers({ a: "b" }), null],
    [[["a", "b"]], null],
    [undefined, expected],
    ["a: b", expected],
    [{ "x-a": null }, `${expected}, but x-a is null, expected a string`],
    [{ "x a": "1" }, `${expected}, but "x a" is not a header name`],
    [[["a"]], `${expected}, but expected a list of pairs, each [name, value]`],
    [
      { "transfer-encoding": "chunked" },
      `${expected}, but transfer-encoding describes the body of a single request, so it cannot be sent with all of them`,
    ],
  ];
  for (const [headers, text] of rows) assert.equal(expectedOfHeaders(headers), text);
});
