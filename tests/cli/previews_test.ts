import assert from "node:assert/strict";
import { showShape, showShares } from "../../src/cli/previews.ts";
import type { Curve } from "../../src/load/curve.ts";
import { delayed, hold, inSequence, ramp, stepUntilItBreaks } from "../../src/load/curves.ts";
import { stages } from "../../src/load/stages.ts";
import type { LoadedClass } from "../../src/load/load_parts.ts";
import { LoadUserShape, type Tick } from "../../src/load/load_user_shape.ts";
import { FakeHost } from "../support/fake_host.ts";
import { partsOf, type ProfileChanges, profileOf } from "../support/load_profiles.ts";

/** What is printed, as after a line break. */
function shown(plan: ProfileChanges, columns = 40, warnings: readonly string[] = []): string {
  const host = new FakeHost({ columns });
  const classes = [{ name: "ATest" }];
  assert.equal(showShape(host, { parts: partsOf(profileOf(plan)), classes, warnings }), 0);
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

function loaded(name: string, load: Curve | null): LoadedClass {
  return { name, weight: 1, fixedCount: 0, load };
}

const SEVERAL = [
  loaded(
    "BuyerTest",
    inSequence(
      ramp({ seconds: 20, arrivalRate: { from: 0, to: 10 } }),
      hold({ seconds: 20, arrivalRate: 10, maxUsers: 50 }),
    ),
  ),
  loaded("AdminTest", delayed(30, hold({ seconds: 30, users: 2 }))),
  loaded("ReaderTest", null),
  loaded("SearchTest", null),
  loaded("ApiTest", hold({ seconds: 60, arrivalRate: 4, maxUsers: 10 })),
];

Deno.test("each class with a load of its own is drawn, the load of the others, and the sums", () => {
  const host = new FakeHost({ columns: 50 });
  const parts = partsOf(profileOf({ users: 3, rate: 3, runTime: 50 }), SEVERAL);
  assert.equal(showShape(host, { parts, classes: SEVERAL, warnings: [] }), 0);
  const { text } = host.stdout;
  assert.deepEqual(text.split("\n").filter((line) => line.endsWith(" over time")), [
    "The load of ReaderTest and SearchTest, users over time",
    "BuyerTest, iterations per second over time",
    "BuyerTest, maximum users over time",
    "AdminTest, users over time",
    "ApiTest, iterations per second over time",
    "All classes, users over time",
    "All classes, iterations per second over time",
  ]);
  const between = (from: string, to: string): string =>
    text.slice(text.indexOf(from), to === "" ? undefined : text.indexOf(to));
  assert.equal(
    `\n${between("AdminTest,", "ApiTest,")}`,
    `
AdminTest, users over time

2 ┤                            ███████████████████
  │                            ███████████████████
  │                            ███████████████████
  │                            ███████████████████
1 ┤                            ███████████████████
  │                            ███████████████████
  │                            ███████████████████
  │                            ███████████████████
0 ┼─────────────┬─────────────┬─────────────┬─────
  0s            15s           30s           45s

Peak: 2 users, reached within 31s
Time: 50s

`,
  );
  assert.equal(
    `\n${between("All classes, iterations", "")}`,
    `
All classes, iterations per second over time

15 ┤               ▁▃▄▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅
   │           ▃▄▆███████████████████████
10 ┤      ▁▃▄▆███████████████████████████
   │ ▁▃▄▆████████████████████████████████
 5 ┤█████████████████████████████████████▅▅▅▅▅▅▅▅▅
   │██████████████████████████████████████████████
 0 ┼─────────────┬─────────────┬────────────┬─────
   0s            15s           30s          45s

Users:      at most 5 users, reached within 31s
Arrivals:   14 iterations per second, from 20s on,
for at most 1,010 users
Time:       50s
Iterations: 500
`,
  );
});

Deno.test("a sum of one load of each model has no chart, and may have no end", () => {
  const host = new FakeHost({ columns: 80 });
  const classes = [SEVERAL[1]!, loaded("ApiTest", hold({ arrivalRate: 4, maxUsers: 10 }))];
  const parts = partsOf(profileOf(), classes);
  showShape(host, { parts, classes, warnings: [] });
  assert.equal(
    host.stdout.text.slice(host.stdout.text.indexOf("All classes")),
    `All classes
Users:    at most 2 users, reached within 31s
Arrivals: 4 iterations per second, from the start on, for at most 10 users
Time:     until all loads have ended
`,
  );
});

Deno.test("the shares of classes say which have a load of their own", () => {
  const host = new FakeHost();
  const parts = partsOf(profileOf(), SEVERAL.slice(0, 3));
  assert.equal(showShares(host, { parts, classes: SEVERAL.slice(0, 3) }), 0);
  assert.deepEqual(JSON.parse(host.stdout.text), [
    { name: "BuyerTest", share: null, fixedCount: null, ownLoad: true },
    { name: "AdminTest", share: null, fixedCount: null, ownLoad: true },
    { name: "ReaderTest", share: 1, fixedCount: null, ownLoad: false },
  ]);
});
