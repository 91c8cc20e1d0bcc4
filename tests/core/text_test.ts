import fc from "fast-check";
import assert from "node:assert/strict";
import {
  encodedParts,
  hideCredentials,
  peerText,
  sanitizeTerminal,
  shown,
  textParts,
} from "../../src/core/text.ts";
import { anyName, CONTROLS } from "../support/texts.ts";

Deno.test("escape sequences become text that a terminal only shows", () => {
  assert.equal(sanitizeTerminal("\x1b]0;title\x07"), "␛]0;title␇");
  assert.equal(sanitizeTerminal("a\tb\r\nc\0"), "a␉b␍␊c␀");
  assert.equal(sanitizeTerminal("del\x7f"), "del␡");
});

Deno.test("the one-character introducers of C1 are replaced too", () => {
  assert.equal(sanitizeTerminal("\x9b2J"), "\ufffd2J");
});

Deno.test("characters that reverse or break a line are replaced", () => {
  assert.equal(sanitizeTerminal("a\u202eb\u2066c\u2028d"), "a\ufffdb\ufffdc\ufffdd");
});

Deno.test("characters that cannot be seen are replaced, but those that join others are not", () => {
  assert.equal(
    sanitizeTerminal("\ufeffa\u200bb\u00ad\u2060\uffff"),
    "\ufffda\ufffdb\ufffd\ufffd\ufffd",
  );
  assert.equal(sanitizeTerminal("👩‍👩‍👧 می‌خواهم"), "👩‍👩‍👧 می‌خواهم");
});

Deno.test("a lone surrogate is replaced, so that the measured width is that of the output", () => {
  assert.equal(sanitizeTerminal("a\ud83d"), "a\ufffd");
});

Deno.test("no sanitized text controls a terminal, and sanitizing it again changes nothing", () => {
  fc.assert(fc.property(anyName, (text) => {
    const clean = sanitizeTerminal(text);
    assert.doesNotMatch(clean, CONTROLS);
    assert.equal(sanitizeTerminal(clean), clean);
  }));
});

Deno.test("text from a peer fits on one line of a log", () => {
  assert.equal(peerText("Zürich 東京 100 %"), "Zürich 東京 100 %");
  assert.equal(peerText("a\r\nb\x1b]0;title\x07"), "a␍␊b␛]0;title␇");
  assert.equal(peerText("a\u202eb\u2028c"), "a\ufffdb\ufffdc");
  assert.equal(peerText("x".repeat(500)), "x".repeat(500));
  assert.equal(peerText("x".repeat(501)), `${"x".repeat(499)}…`);
});

Deno.test("a value is shown on one line, however long it is", () => {
  const long = { duration: "x".repeat(60), users: "y".repeat(60), rate: "z".repeat(60) };
  assert.equal(shown(long).includes("\n"), false);
  assert.equal(shown([1.5, null]), "[ 1.5, null ]");
});

Deno.test("a value that cannot be shown does not throw", () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  assert.equal(shown(proxy), "(object that cannot be shown)");
});

Deno.test("user and password of a URL are hidden, however it is written", () => {
  const cases: [string, string][] = [
    ["http://127.0.0.1/a@b?c=@", "http://127.0.0.1/a@b?c=@"],
    ["http://me:50%off@127.0.0.1/a@b", "http://…@127.0.0.1/a@b"],
    ["http://me:pa/s?s@wo@[/", "http://…@[/"],
    ["//me:pw@shop.test/", "//…@shop.test/"],
    ["me:pw@shop.test/a", "…@shop.test/a"],
    ["see http://me@shop.test", "see http://…@shop.test"],
    ["/path?mail=a@b", "/path?mail=a@b"],
    ["http:/me:pw@shop.test/", "http:/…@shop.test/"],
    ["https:///me:pw@shop.test", "https:///…@shop.test"],
    ["http:\\\\me:pw@shop.test", "http:\\\\…@shop.test"],
    ["http://my user:pw@shop.test/", "http://…@shop.test/"],
    ["http://a.test/,http://me:pw@b.test", "http://a.test/,http://…@b.test"],
    ["http://me:pw@a.test,http://me:pw@b.test/c@d", "http://…@a.test,http://…@b.test/c@d"],
    ["", ""],
  ];
  for (const [text, expected] of cases) assert.equal(hideCredentials(text), expected);
  // A target can send such a Location.
  const many = "http://a/".repeat(20_000);
  assert.equal(hideCredentials(many), many);
  assert.ok(hideCredentials(`${many}http://me:pw@b.test`).endsWith("…@b.test"));
});

Deno.test("many short texts become parts of about the given length", () => {
  const texts = ["a", "bc", "", "dé", "f", "ghijklmno", "p"];
  assert.deepEqual([...textParts(texts, 3)], ["abc", "déf", "ghijklmno", "p"]);
  assert.deepEqual([...textParts([], 3)], []);
});

Deno.test("texts are encoded in parts that together are the whole text", () => {
  const texts = Array.from({ length: 20_000 }, (_, i) => `line ${i} é\n`);
  const parts = [...encodedParts(texts)];
  assert.ok(parts.length > 1 && parts.every(({ length }) => length < 80_000));
  const decoder = new TextDecoder();
  assert.equal(parts.map((part) => decoder.decode(part)).join(""), texts.join(""));
});
