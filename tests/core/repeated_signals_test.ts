import assert from "node:assert/strict";
import { withoutRepeats } from "../../src/core/repeated_signals.ts";

Deno.test("signals in quick succession are one request to end, and a later one is another", () => {
  let now = 0;
  const calls: number[] = [];
  const onSignal = withoutRepeats(() => calls.push(now), { now: () => now });
  for (now of [100, 100, 350, 1_200, 2_200, 2_500, 4_000]) onSignal();
  assert.deepEqual(calls, [100, 2_200, 4_000]);
});
