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
  ["", "a metric is missing at the beginning, like p95<200ms"],
  ["<200ms", "a metric is missing at the beginning, like p95<200ms"],
  ["p95", "an operator and a value are missing, like p95<200ms"],
  ["p95[GET search]", "an operator and a value are missing, like p95<200ms"],
  ["p95<", "a value is missing behind <, like p95<200ms"],
  ["p95[search]>= ", "a value is missing behind >=, like p95<200ms"],
  ["p95=200ms", "= is no operator, one of < <= > >= == != is needed"],
  ["p95=<200ms", "=< is no operator, one of < <= > >= == != is needed"],
  ["p95<>200ms", "<> is no operator, one of < <= > >= == != is needed"],
  ["p95 200ms", "200ms is no operator, one of < <= > >= == != is needed"],
  ["p101<1s", "p101 is no percentile, p0 to p100 is needed"],
  ["p999<1s", "p999 is no percentile, p0 to p100 is needed, such as p99.9"],
  ["latency<1s", "there is no metric latency"],
  ["constructor<1s", "there is no metric constructor"],
  ["p95<fast", "fast is no value of p95, a time like 200ms, 0.5s, 800us or 1m is needed"],
  ["p95<5%", "5% is no value of p95, a time like 200ms, 0.5s, 800us or 1m is needed"],
  ["p95<-5ms", "-5ms is no value of p95, a time like 200ms, 0.5s, 800us or 1m is needed"],
  ["p95<2h", "2h is no value of p95, a time like 200ms, 0.5s, 800us or 1m is needed"],
  ["error_rate<5", "5 is no value of error_rate, a share like 1% or 0.01 is needed"],
  ["error_rate<101%", "101% is no value of error_rate, a share like 1% or 0.01 is needed"],
  ["error_rate<5ms", "5ms is no value of error_rate, a share like 1% or 0.01 is needed"],
  ["rps>=1000ms", "1000ms is no value of rps, a number a second, like 1000, is needed"],
  ["count>=1%", "1% is no value of count, a number like 100 is needed"],
  ["count>=1,000", "1,000 is no value of count, a number like 100 is needed"],
  ["p95[]<1s", "the name between [ and ] is missing, like [GET search]"],
  ["p95[GET search<1s", "the [ is never closed, like p95[GET search]<…"],
  ["dropped[GET search]<1", "dropped is about passes, which have no names: leave out [GET search]"],
  [
    "service_p42<1s",
    "service_p42 is not known: of the times of passes there are min, mean, max and the percentiles " +
    "p50, p75, p90, p95, p99, p99.9 and p99.99",
  ],
  [
    "p95<200ms,p99<1s",
    "200ms,p99<1s is no value of p95, a time like 200ms, 0.5s, 800us or 1m is needed",
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
    "One expression is one threshold; there may be several of them.",
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
