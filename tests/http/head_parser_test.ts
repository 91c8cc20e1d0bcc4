import assert from "node:assert/strict";
import {
  contentEncodingOf,
  headersOf,
  setCookiesOf,
  typeWithCharset,
} from "../../src/http/head_parser.ts";
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

Deno.test("the values of all Set-Cookie fields are returned", () => {
  assert.deepEqual(setCookiesOf(HEAD), ["a=b; Path=/", "c=d, e"]);
});

Deno.test("content encodings are found in any case, and several are joined", () => {
  const codings = (...lines: string[]): string | null =>
    contentEncodingOf(bytesOf(["HTTP/1.1 200 content-encoding: x", ...lines, "", ""].join("\r\n")));
  assert.equal(codings("Content-Encodings: a", "xontent-Encoding: b", "Content_Encoding: c"), null);
  assert.equal(codings("cONTENT-eNCODING:\t gzip \t"), "gzip");
  assert.equal(codings("Content-Encoding: gzip", "A: b", "content-encoding:br"), "gzip, br");
  assert.equal(codings("Content-Encoding:"), "");
});

Deno.test("a value can be very long", () => {
  const value = "v".repeat(60_000);
  assert.equal(headersOf(bytesOf(`HTTP/1.1 200\r\nA: ${value}\r\n\r\n`)).get("a"), value);
});

Deno.test("the content type is found in any case, if it may name another charset than UTF-8", () => {
  const type = (...lines: string[]): string | null =>
    typeWithCharset(
      bytesOf(["HTTP/1.1 200 content-type: x;y", ...lines, "", ""].join("\r\n")),
    );
  assert.equal(type("Server: a;b", "Content-Typo: x; charset=y", "c: d;e"), null);
  assert.equal(type("Content-Type: text/html", "Server: a;b"), null);
  assert.equal(type("Content-Type: text/html;\tCharset=UTF-8"), null);
  assert.equal(
    type("CONTENT-type:a/b;charset=utf-8x ", "content-type: c/d;e"),
    "a/b;charset=utf-8x",
  );
  assert.equal(type("content-type:", "A: b;c"), null);
  assert.equal(typeWithCharset(bytesOf("HTTP/1.1 200\r\n\r\n")), null);
});
