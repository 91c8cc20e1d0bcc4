import assert from "node:assert/strict";
import { didYouMean, isSameWord, nearestWord } from "../../src/core/spelling.ts";

const KNOWN = ["host", "waitTime", "iterations", "order"];

for (
  const [word, nearest] of [
    ["Host", "host"],
    ["hots", "host"],
    ["wait_time", "waitTime"],
    ["wait-time", "waitTime"],
    ["waitTmie", "waitTime"],
    ["iteration", "iterations"],
    ["itrations", "iterations"],
    ["orders", "order"],
    ["target", null],
    ["", null],
    ["x".repeat(10_000), null],
  ] as const
) {
  Deno.test(`the word nearest to ${JSON.stringify(word.slice(0, 20))} is ${nearest}`, () => {
    assert.equal(nearestWord(word, KNOWN), nearest);
  });
}

Deno.test("a word of another program means one of ours", () => {
  const otherNames = new Map([["thinktime", "waitTime"]]);
  assert.equal(nearestWord("think_time", KNOWN, { otherNames }), "waitTime");
});

Deno.test("how many letters may be wrong depends on the length", () => {
  assert.equal(nearestWord("orderBy", KNOWN), "order");
  assert.equal(nearestWord("orderBy", KNOWN, { lettersPerMistake: 5 }), null);
  assert.equal(nearestWord("waitTimes", KNOWN, { lettersPerMistake: 5 }), "waitTime");
});

Deno.test("words are the same apart from case, dashes and underscores", () => {
  assert.ok(isSameWord("WAIT_TIME", "waitTime"));
  assert.ok(!isSameWord("waitTimes", "waitTime"));
});

Deno.test("the nearest word is a question, and without one the rest is said", () => {
  assert.equal(didYouMean("host", "Known: host."), "Did you mean host?");
  assert.equal(didYouMean(null, "Known: host."), "Known: host.");
});
