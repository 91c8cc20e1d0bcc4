import assert from "node:assert/strict";
import { RecentIterations } from "../../src/report/live_panel.ts";

function rateAfter(
  ...moments: readonly (readonly [seconds: number, started: number | null])[]
): number | null {
  const iterations = new RecentIterations();
  for (const [elapsedSeconds, started] of moments) {
    iterations.note({
      elapsedSeconds,
      statistics: { iterations: started === null ? null : { started } },
    });
  }
  return iterations.startRate;
}

Deno.test("the rate is that of the last two seconds", () => {
  assert.equal(rateAfter([1, 1000], [2, 2000], [3, 2100], [4.02, 2200], [5, 2299]), 199 / 2);
});

Deno.test("it takes two moments to know a rate", () => {
  assert.equal(rateAfter(), null);
  assert.equal(rateAfter([1, 100]), null);
  assert.equal(rateAfter([1, 100], [1, 100]), null);
});

Deno.test("none has begun before passes are counted", () => {
  assert.equal(rateAfter([0, null], [1, 100]), 100);
});

Deno.test("what is counted anew has a rate of its own", () => {
  assert.equal(rateAfter([1, 100], [2, 200], [3, 10]), null);
  assert.equal(rateAfter([1, 100], [2, 200], [3, 10], [4, 60]), 50);
  assert.equal(rateAfter([1, 100], [2, 200], [0, 0], [1, 30]), 30);
});
