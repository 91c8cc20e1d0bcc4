import assert from "node:assert/strict";
import fc from "fast-check";
import type { RunEnd } from "../../src/stats/snapshot.ts";
import { decidingEnd, reasonText, runEndFact } from "../../src/stats/run_end.ts";

Deno.test("any reason becomes one bounded line", () => {
  assert.equal(reasonText("no stock"), "no stock");
  assert.equal(reasonText(undefined), "no reason given");
  assert.equal(reasonText(""), "no reason given");
  assert.equal(reasonText(new TypeError("a\nb")), "TypeError: a b");
  assert.equal(reasonText({ status: 500 }), "{ status: 500 }");
  fc.assert(fc.property(fc.anything(), (reason) => {
    const text = reasonText(reason);
    assert.ok(text.length > 0 && text.length <= 200 && !/[\n\r]/.test(text));
  }));
});

Deno.test("the first fail decides, or else the first stop", () => {
  const end = fc.record<RunEnd>({
    kind: fc.constantFrom("stop", "fail"),
    reason: fc.string(),
    node: fc.constantFrom("local", "w1"),
  });
  fc.assert(fc.property(fc.array(end, { minLength: 1 }), (ends) => {
    const decides = ends.reduce<RunEnd | null>(decidingEnd, null);
    assert.equal(decides, ends.find(({ kind }) => kind === "fail") ?? ends[0]);
  }));
});

Deno.test("the node is named where there are several", () => {
  const reason = "no stock";
  assert.equal(
    runEndFact({ kind: "fail", reason, node: "w1" }),
    "ended by run.fail on w1: no stock",
  );
  assert.equal(runEndFact({ kind: "stop", reason, node: "local" }), "ended by run.stop: no stock");
});
