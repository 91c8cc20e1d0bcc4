import assert from "node:assert/strict";
import { countText, NameCap } from "../../src/stats/request_stats.ts";

function fullCap(): NameCap {
  const cap = new NameCap();
  for (let i = 0; i < 1000; i++) cap.admit("GET", `${i}`);
  return cap;
}

Deno.test("as many pairs as there is room for are let in", () => {
  const cap = fullCap();
  assert.equal(cap.reached, false);
  assert.equal(cap.admit("GET", "0"), "0");
  assert.equal(cap.admit("GET", `999`), `999`);
  assert.equal(cap.reached, false);
});

Deno.test("a pair is new if only its first text is", () => {
  const cap = fullCap();
  assert.equal(cap.admit("POST", "0"), "(other)");
  assert.equal(cap.reached, true);
});

Deno.test("what somebody else turned away takes no room, and is known to be turned away", () => {
  const cap = new NameCap();
  assert.equal(cap.admit("GET", "(other)"), "(other)");
  assert.equal(cap.reached, true);
  for (let i = 0; i < 1000; i++) assert.equal(cap.admit("GET", `${i}`), `${i}`);
});

Deno.test("the text for all others takes no room among the texts that are counted", () => {
  const counts = new Map<string, number>();
  countText(counts, "(other)", 5);
  for (let i = 0; i < 1000; i++) countText(counts, `${i}`, 1);
  assert.equal(counts.size, 1000 + 1);
  countText(counts, "one more", 2);
  countText(counts, "0", 2);
  assert.equal(counts.get("(other)"), 7);
  assert.equal(counts.get("0"), 3);
});
