import assert from "node:assert/strict";
import { renderLine, span } from "../../src/report/terminal.ts";

Deno.test("colour changes nothing but the escape sequences around the pieces", () => {
  const line = [span("a", "strong"), span(" "), span("b", "quiet"), span("c", "bad")];
  assert.equal(renderLine(line, 80, false), "a bc");
  assert.equal(renderLine(line, 80, true), "\x1b[1ma\x1b[0m \x1b[2mb\x1b[0m\x1b[31mc\x1b[0m");
});

Deno.test("spaces are not painted", () => {
  assert.equal(renderLine([span("  ", "bad")], 80, true), "  ");
});

Deno.test("the piece at which the line is full is shortened, and the rest is left out", () => {
  const line = [span("abc "), span("defghij"), span("klm")];
  assert.equal(renderLine(line, 9, false), "abc de…ij");
  assert.equal(renderLine(line, 4, false), "abc ");
});

Deno.test("a piece cannot bring escape sequences of its own", () => {
  assert.equal(renderLine([span("\x1b[31mred", "good")], 80, true), "\x1b[32m␛[31mred\x1b[0m");
});
