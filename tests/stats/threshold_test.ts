import fc from "fast-check";
import assert from "node:assert/strict";
import { isSame, readThreshold, selects, type Threshold } from "../../src/stats/thresholds.ts";

function good(text: string): Threshold {
  const reading = readThreshold(text);
  assert.ok("bound" in reading, `${text}: ${JSON.stringify(reading)}`);
  return reading;
}

function problemOf(text: string): string {
  const reading = readThreshold(text);
  assert.ok("problem" in reading, `${text} was read`);
  return reading.problem;
}

const GOOD: readonly [
  text: string,
  kind: string,
  selector: string | null,
  op: string,
  bound: number,
][] = [
  ["p95<200ms", "time", null, "<", 200],
  ["p95<200", "time", null, "<", 200],
  ["p50<=1.5s", "time", null, "<=", 1500],
  ["p99.9 < 800us", "time", null, "<", 0.8],
  ["p99.9<800µs", "time", null, "<", 0.8],
  ["p(95)<200", "time", null, "<", 200],
  ["P95<200MS", "time", null, "<", 200],
  ["min>0.5ms", "time", null, ">", 0.5],
  ["mean<20ms", "time", null, "<", 20],
  ["avg<20ms", "time", null, "<", 20],
  ["med<20ms", "time", null, "<", 20],
  ["max<1m", "time", null, "<", 60_000],
  ["error_rate<1%", "share", null, "<", 0.01],
  ["error_rate<0.01", "share", null, "<", 0.01],
  ["error_rate<.5%", "share", null, "<", 0.005],
  ["error_rate==0", "share", null, "==", 0],
  ["rps>=1000", "rate", null, ">=", 1000],
  ["rate>=1000/s", "rate", null, ">=", 1000],
  ["count[POST pay]>=1", "count", "POST pay", ">=", 1],
  ["requests!=3", "count", null, "!=", 3],
  ["failures[search]<=10", "count", "search", "<=", 10],
  ["p99[GET search]<0.5s", "time", "GET search", "<", 500],
  ["p99 [ GET search ] < 0.5 s", "time", "GET search", "<", 500],
  ["p99[GET /items/[id]]<0.5s", "time", "GET /items/[id]", "<", 500],
  ["p99[a]<1s]<0.5s", "time", "a]<1s", "<", 500],
  ["dropped==0", "count", null, "==", 0],
  ["dropped_rate<1%", "share", null, "<", 0.01],
  ["start_delay_p99<50ms", "time", null, "<", 50],
  ["start_delay_max<1s", "time", null, "<", 1000],
  ["service_p99.9<50ms", "time", null, "<", 50],
  ["service_mean<50ms", "time", null, "<", 50],
];

Deno.test("every metric, operator and unit is read", () => {
  for (const [text, kind, selector, operator, bound] of GOOD) {
    const read = good(text);
    assert.deepEqual(
      [read.expression, read.metric.kind, read.selector, read.operator, read.bound],
      [text, kind, selector, operator, bound],
    );
  }
});

const BAD: readonly [text: string, problem: string][] = [
  ["", "expected a metric first, as in p95<200ms"],
  ["<200ms", "expected a metric first, as in p95<200ms"],
  ["p95", "expected an operator and a value, as in p95<200ms"],
  ["p95[GET search]", "expected an operator and a value, as in p95<200ms"],
  ["p95<", "expected a value after <, as in p95<200ms"],
  ["p95[search]>= ", "expected a value after >=, as in p95<200ms"],
  ["p95=200ms", "= is not an operator; use one of < <= > >= == !="],
  ["p95=<200ms", "=< is not an operator; use one of < <= > >= == !="],
  ["p95<>200ms", "<> is not an operator; use one of < <= > >= == !="],
  ["p95 200ms", "200ms is not an operator; use one of < <= > >= == !="],
  ["p101<1s", "p101 is not a percentile; use p0 to p100"],
  ["p999<1s", "p999 is not a percentile; use p0 to p100, such as p99.9"],
  ["latency<1s", "unknown metric latency"],
  ["constructor<1s", "unknown metric constructor"],
  [
    "p95<fast",
    "fast is not a valid value for p95; expected a time such as 200ms, 0.5s, 800us or 1m",
  ],
  ["p95<5%", "5% is not a valid value for p95; expected a time such as 200ms, 0.5s, 800us or 1m"],
  [
    "p95<-5ms",
    "-5ms is not a valid value for p95; expected a time such as 200ms, 0.5s, 800us or 1m",
  ],
  ["p95<2h", "2h is not a valid value for p95; expected a time such as 200ms, 0.5s, 800us or 1m"],
  ["error_rate<5", "5 is not a valid value for error_rate; expected a share such as 1% or 0.01"],
  [
    "error_rate<101%",
    "101% is not a valid value for error_rate; expected a share such as 1% or 0.01",
  ],
  [
    "error_rate<5ms",
    "5ms is not a valid value for error_rate; expected a share such as 1% or 0.01",
  ],
  ["rps>=1000ms", "1000ms is not a valid value for rps; expected a rate per second such as 1000"],
  ["count>=1%", "1% is not a valid value for count; expected a number such as 100"],
  ["count>=1,000", "1,000 is not a valid value for count; expected a number such as 100"],
  ["p95[]<1s", "expected a name between [ and ], as in [GET search]"],
  ["p95[GET search<1s", "the [ is never closed; write p95[GET search]<…"],
  [
    "dropped[GET search]<1",
    "dropped is a metric of iterations, which have no names; remove [GET search]",
  ],
  [
    "service_p42<1s",
    "unknown metric service_p42; the times of iterations have min, mean, max and the percentiles " +
    "p50, p75, p90, p95, p99, p99.9 and p99.99",
  ],
  [
    "p95<200ms,p99<1s",
    "200ms,p99<1s is not a valid value for p95; expected a time such as 200ms, 0.5s, 800us or 1m",
  ],
];

Deno.test("what is no threshold is refused with the place, and with what is accepted", () => {
  for (const [text, problem] of BAD) assert.equal(problemOf(text), problem, text);
});

Deno.test("an unknown metric comes with all that there are, two in one with what to do", () => {
  const unknown = readThreshold("latency<1s");
  assert.ok("hint" in unknown);
  assert.match(unknown.hint, /p50.*error_rate.*rps.*start_delay_p99/);
  const two = readThreshold("p95<200ms,p99<1s");
  assert.deepEqual(
    "hint" in two && two.hint,
    "Each expression is one threshold; you can give several.",
  );
});

Deno.test("a selector is a name, whatever the method, or both", () => {
  const search = { method: "GET", name: "search" };
  assert.ok(selects(null, search));
  assert.ok(selects("search", search));
  assert.ok(selects("GET search", search));
  assert.ok(selects("GET search", { method: "TASK", name: "GET search" }));
  assert.ok(!selects("POST search", search));
  assert.ok(!selects("sear", search));
});

Deno.test("the same threshold is known however it is written", () => {
  assert.ok(isSame(good("p95<200ms"), good(" p95 < 0.2s ")));
  assert.ok(isSame(good("error_rate[ pay ]<1%"), good("error_rate[pay]<0.01")));
  assert.ok(isSame(good("avg<5"), good("MEAN<5ms")));
  assert.ok(!isSame(good("p95<200ms"), good("p95<=200ms")));
  assert.ok(!isSame(good("p95<200ms"), good("p95[pay]<200ms")));
  assert.ok(!isSame(good("p95<200ms"), good("p90<200ms")));
});

Deno.test("any text is read or refused, and any name can be selected", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    const reading = readThreshold(text);
    assert.ok("bound" in reading ? Number.isFinite(reading.bound) : reading.problem !== "");
  }));
  const name = fc.string({ unit: fc.constantFrom(..."[]<>= aé日\u0000%"), minLength: 1 }).filter((
    text,
  ) => text.trim() !== "");
  fc.assert(fc.property(name, (text) => {
    assert.equal(good(`p95[${text}]<200ms`).selector, text.trim());
  }));
});
