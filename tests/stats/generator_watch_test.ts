import assert from "node:assert/strict";
import { GeneratorWatch } from "../../src/stats/generator_watch.ts";

/** The seconds, from 1, with a warning. */
function warnedIn(seconds: readonly { cpu: number; lagMs: number }[]): number[] {
  const watch = new GeneratorWatch("Worker attic");
  return seconds.flatMap((second, index) => watch.update(second).length > 0 ? [index + 1] : []);
}

function times<Value>(count: number, value: Value): Value[] {
  return new Array<Value>(count).fill(value);
}

const CALM = { cpu: 0.5, lagMs: 2 };
const BUSY = { cpu: 0.91, lagMs: 2 };
const LATE = { cpu: 0.5, lagMs: 51 };

Deno.test("a generator within its limits causes no warning", () => {
  assert.deepEqual(warnedIn(times(60, { cpu: 0.9, lagMs: 50 })), []);
});

Deno.test("a busy core causes a warning from its fifth second in a row until it is no longer busy", () => {
  assert.deepEqual(warnedIn([...times(4, BUSY), CALM, ...times(6, BUSY), CALM]), [10, 11]);
});

Deno.test("a late event loop causes a warning at once, but not in the first four seconds", () => {
  assert.deepEqual(warnedIn([LATE, ...times(3, LATE), CALM, CALM]), []);
  assert.deepEqual(warnedIn([...times(3, LATE), LATE, LATE, CALM, LATE]), [5, 7]);
});

Deno.test("warnings name the generator and do not change while the condition lasts", () => {
  const watch = new GeneratorWatch("Worker attic");
  const both = { cpu: 1.7, lagMs: 250 };
  for (const second of times(4, both)) watch.update(second);
  const warnings = [
    "Worker attic used over 90 % of a core for 5 s: it may be the bottleneck, and latencies may " +
    "include its own delays.",
    "Worker attic's event loop ran over 50 ms late (99th percentile of 5 s): latencies may be too " +
    "high by as much.",
  ];
  assert.deepEqual(watch.update(both), warnings);
  assert.deepEqual(watch.update({ cpu: 0.95, lagMs: 80 }), warnings);
});
