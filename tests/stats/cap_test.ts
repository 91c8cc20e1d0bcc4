import assert from "node:assert/strict";
import { countText, MAX_DISTINCT, OTHER, PairCap } from "../../src/stats/cap.ts";

function fullCap(): PairCap {
  const cap = new PairCap();
  for (let i = 0; i < MAX_DISTINCT; i++) cap.admit("GET", `${i}`);
  return cap;
}

Deno.test("as many pairs as there is room for are let in", () => {
  const cap = fullCap();
  assert.equal(cap.reached, false);
  assert.equal(cap.admit("GET", "0"), "0");
  assert.equal(cap.admit("GET", `${MAX_DISTINCT - 1}`), `${MAX_DISTINCT - 1}`);
  assert.equal(cap.reached, false);
});

Deno.test("a pair is new if only its first text is", () => {
  const cap = fullCap();
  assert.equal(cap.admit("POST", "0"), OTHER);
  assert.equal(cap.reached, true);
});

Deno.test("what somebody else turned away takes no room, and is known to be turned away", () => {
  const cap = new PairCap();
  assert.equal(cap.admit("GET", OTHER), OTHER);
  assert.equal(cap.reached, true);
  for (let i = 0; i < MAX_DISTINCT; i++) assert.equal(cap.admit("GET", `${i}`), `${i}`);
});

Deno.test("the text for all others takes no room among the texts that are counted", () => {
  const counts = new Map<string, number>();
  countText(counts, OTHER, 5);
  for (let i = 0; i < MAX_DISTINCT; i++) countText(counts, `${i}`, 1);
  assert.equal(counts.size, MAX_DISTINCT + 1);
  countText(counts, "one more", 2);
  countText(counts, "0", 2);
  assert.equal(counts.get(OTHER), 7);
  assert.equal(counts.get("0"), 3);
});
