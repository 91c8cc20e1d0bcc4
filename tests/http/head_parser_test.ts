import assert from "node:assert/strict";
import { fieldOf, headersOf, setCookiesOf } from "../../src/http/head_parser.ts";
import { bytesOf } from "./parser_outcome.ts";

const HEAD = bytesOf([
  "HTTP/1.1 200 a: reason",
  "Server: nginx",
  "SET-cookie: a=b; Path=/",
  "X-Text: \t caf\xe9 \x80 : \t ",
  "empty:",
  "Via: 1.1 a",
  "set-cookie: c=d, e",
  "vIA:1.1 b",
  "",
  "",
].join("\r\n"));

Deno.test("all fields are returned in latin1, without surrounding blanks", () => {
  assert.deepEqual([...headersOf(HEAD)], [
    ["empty", ""],
    ["server", "nginx"],
    ["set-cookie", "a=b; Path=/"],
    ["set-cookie", "c=d, e"],
    ["via", "1.1 a, 1.1 b"],
    ["x-text", "caf\xe9 \x80 :"],
  ]);
  assert.deepEqual([...headersOf(bytesOf("HTTP/1.1 200\r\n\r\n"))], []);
});

Deno.test("a single field is returned", () => {
  assert.deepEqual(setCookiesOf(HEAD), ["a=b; Path=/", "c=d, e"]);
  for (const name of ["server", "via", "x-text", "empty", "none", "http/1.1 200 a"]) {
    const headers = headersOf(HEAD);
    const expected = name.includes(" ") ? null : headers.get(name);
    assert.equal(fieldOf(HEAD, name), expected, name);
  }
});

Deno.test("a value can be very long", () => {
  const value = "v".repeat(60_000);
  assert.equal(fieldOf(bytesOf(`HTTP/1.1 200\r\nA: ${value}\r\n\r\n`), "a"), value);
});
