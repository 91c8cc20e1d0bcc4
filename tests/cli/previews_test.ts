import assert from "node:assert/strict";
import { showShape } from "../../src/cli/previews.ts";
import { ClassMix } from "../../src/load/class_mix.ts";
import {
  type Curve,
  hold,
  inSequence,
  ramp,
  stages,
  stepUntilItBreaks,
} from "../../src/load/curves.ts";
import { LoadUserShape, type Tick } from "../../src/load/load_user_shape.ts";
import { FakeHost } from "../support/fake_host.ts";
import { type ProfileChanges, profileOf } from "../support/load_profiles.ts";

const MIX = new ClassMix([{ name: "TestReader", weight: 1, fixedCount: 0 }]);

/** What is printed, as after a line break. */
function shown(plan: ProfileChanges, columns = 40, warnings: readonly string[] = []): string {
  const host = new FakeHost({ columns });
  assert.equal(showShape(host, { profile: profileOf(plan), mix: MIX, warnings }), 0);
  assert.equal(host.stderr.text, "");
  return `\n${host.stdout.text}`;
}

/** The lines below the charts. */
function facts(plan: ProfileChanges, columns = 100): string[] {
  const lines = shown(plan, columns).trimEnd().split("\n");
  return lines.slice(lines.findLastIndex((line) => line === "") + 1);
}

function shapeOf(curve: Curve): LoadUserShape {
  class TestShape extends LoadUserShape {
    static override curve = curve;
  }
  return new TestShape();
}

Deno.test("the ramp of plain options is drawn, with its peak and its time", () => {
  assert.equal(
    shown({ users: 100, rate: 10, runTime: 30 }),
    `
The load, users over time

100 ┤         ▁█████████████████████████
    │        ▁██████████████████████████
 80 ┤       ▁███████████████████████████
    │     ▁▁████████████████████████████
 60 ┤    ▁██████████████████████████████
    │   ▁███████████████████████████████
 40 ┤  ▁████████████████████████████████
    │ ▁█████████████████████████████████
 20 ┤▁██████████████████████████████████
    │███████████████████████████████████
  0 ┼───────────┬──────────┬───────────┬
    0s          10s        20s       30s

Peak: 100 users, reached within 10s
Time: 30s
`,
  );
});

Deno.test("an open load is drawn with its rate, and with its maximum users if they change", () => {
  const curve = stages([
    { duration: 20, arrivalRate: 4, maxUsers: 10 },
    { duration: 20, arrivalRate: 1, maxUsers: 20 },
  ]);
  assert.equal(
    shown({ shape: shapeOf(curve) }),
    `
TestShape, iterations per second over time

4 ┤███████████████████
  │███████████████████
3 ┤███████████████████
  │███████████████████
2 ┤███████████████████
  │███████████████████
1 ┤█████████████████████████████████████
  │█████████████████████████████████████
0 ┼─────────────┬─────────────┬─────────
  0s            15s           30s

TestShape, maximum users over time

20 ┤                  ██████████████████
   │                  ██████████████████
15 ┤                  ██████████████████
   │                  ██████████████████
10 ┤████████████████████████████████████
   │████████████████████████████████████
 5 ┤████████████████████████████████████
   │████████████████████████████████████
 0 ┼─────────────┬────────────┬─────────
   0s            15s          30s

Peak:       4 iterations per second,
from the start on
Users:      at most 20
Time:       40s
Iterations: 100
`,
  );
});

Deno.test("the iterations of an open load are counted as exactly as possible", () => {
  const load = { arrivalRate: 2.5, maxUsers: 2000 };
  assert.deepEqual(facts({ ...load, runTime: 1000.5 }), [
    "Peak:       2.50 iterations per second, from the start on",
    "Users:      at most 2,000",
    "Time:       16m41s",
    "Iterations: 2,501",
  ]);
  assert.equal(facts({ ...load, runTime: 20, spacing: "poisson" })[3], "Iterations: about 50");
  assert.equal(
    facts({ ...load, runTime: 20, onBusy: "drop" })[3],
    "Iterations: 50, minus dropped ones",
  );
});

Deno.test("a load without an end is drawn for twice as long as it changes, or for a minute", () => {
  assert.deepEqual(facts({ users: 100, rate: 10 }), [
    "Peak: 100 users, reached within 10s",
    "Time: no end within 24h, and no change after 10s",
  ]);
  assert.match(shown({ users: 100, rate: 10 }), /0s .* 1m\n/);
  assert.match(shown({ users: 400, rate: 1 }), /0s .* 10m\n/);
  assert.deepEqual(facts({ arrivalRate: 4, maxUsers: 5 }).slice(1), [
    "Users: at most 5",
    "Time:  no end within 24h, and no change",
  ]);
  const later = inSequence(hold({ seconds: 90, arrivalRate: 4 }), hold({ arrivalRate: 1 }));
  assert.equal(
    facts({ shape: shapeOf(later) })[2],
    "Time:  no end within 24h, and no change after 1m30s",
  );
});

Deno.test("a load that never stops changing is cut off, with a note", () => {
  class TestForEver extends LoadUserShape {
    override tick(): Tick | null {
      return [Math.floor(this.getRunTime() / 60) % 7, 100];
    }
  }
  assert.deepEqual(facts({ shape: new TestForEver() }), [
    "Peak: 6 users, reached within 6m1s",
    "Time: no end within 24h, where the chart is cut off",
  ]);
});

Deno.test("a load with a breaking point is drawn as if no threshold were crossed", () => {
  const steps = stepUntilItBreaks({ stepSeconds: 10, users: { from: 5, step: 5, to: 20 } });
  assert.deepEqual(facts({ shape: shapeOf(steps) }), [
    "Peak: 20 users, reached within 31s",
    "Time: 40s",
    "Drawn as if no threshold is crossed. The test ends at the first of its 4 steps that crosses one.",
  ]);
});

Deno.test("a number of iterations may end a load early", () => {
  assert.equal(
    facts({ runTime: 5, iterations: 1000 })[2],
    "It ends earlier after 1,000 iterations.",
  );
});

Deno.test("a shape that ends immediately is not drawn", () => {
  class TestNothing extends LoadUserShape {
    override tick(): null {
      return null;
    }
  }
  assert.equal(
    shown({ shape: new TestNothing() }),
    "\nTestNothing ends immediately: there is no load.\n",
  );
});

Deno.test("a fraction of a second is shown", () => {
  const curve = ramp({ seconds: 4.5, users: { from: 0, to: 9 } });
  assert.deepEqual(facts({ shape: shapeOf(curve) }), [
    "Peak: 9 users, reached within 5s",
    "Time: 4.5s",
  ]);
});

Deno.test("no line is longer than the terminal, and warnings follow the chart", () => {
  const text = shown({ runTime: 9, iterations: 12_345_678 }, 30, [
    "--users, --rate are ignored: the shape TestShape determines the load.",
  ]);
  for (const line of text.split("\n")) assert.ok(line.length <= 30, line);
  assert.match(
    text,
    /\n--users, --rate are ignored:\nthe shape TestShape determines\nthe load\.\n$/,
  );
});
