import fc from "fast-check";
import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import { tagsText, tagText } from "../../src/core/tags.ts";
import type { BreakingPoint, Statistics, ThresholdRow } from "../../src/stats/snapshot.ts";
import { selects } from "../../src/stats/threshold_families.ts";
import type { MetricKind, Threshold } from "../../src/stats/threshold_metrics.ts";
import {
  failedThresholds,
  isSame,
  observedText,
  readThreshold,
  ThresholdSet,
  valueOf,
} from "../../src/stats/thresholds.ts";
import { Totals } from "../../src/stats/totals.ts";
import { countedGroup, secondOf } from "../support/counts.ts";
import { sample } from "../support/samples.ts";
import {
  NO_LATENCIES,
  phaseTotals,
  requestRow,
  statistics,
  timelineSecond,
  unfinishedAt,
} from "../support/snapshots.ts";

/** 1,000 searches and 200 orders, of which 50 failed, in 10 s. */
const SOME = statistics({
  requests: [
    requestRow({ name: "search" }),
    requestRow({ method: "POST", name: "order", requests: 200, failures: 50 }),
  ],
});

const NONE = statistics({ requests: [], timeline: [] });

const OVER = { over: true, spawning: false };

function verdictAt(expression: string, given: Statistics, spawning = false): boolean {
  const set = new ThresholdSet([expression]);
  const [row] = set.rows(given, { over: false, spawning });
  assert.equal(set.crossed(given, { spawning }), row!.passed ? null : expression);
  return row!.passed;
}

function endOf(expression: string, given: Statistics): [observed: number | null, passed: boolean] {
  const [row] = new ThresholdSet([expression]).rows(given, OVER);
  return [row!.observed, row!.passed];
}

Deno.test("at the end, each threshold is judged by all counts", () => {
  const ends: readonly [expression: string, observed: number, passed: boolean][] = [
    ["count>=1200", 1200, true],
    ["count>1200", 1200, false],
    ["count==1200", 1200, true],
    ["count!=1200", 1200, false],
    ["count<=1199", 1200, false],
    ["count[search]<=1000", 1000, true],
    ["count[POST order]>=201", 200, false],
    ["failures==50", 50, true],
    ["failures[GET search]==0", 0, true],
    ["error_rate[order]<=25%", 0.25, true],
    ["error_rate[order]<25%", 0.25, false],
    ["rps>=120", 120, true],
    ["rps[order]>=120", 20, false],
    ["max[search]<=480ms", 480, true],
    ["min[search]>=2ms", 1.5, false],
  ];
  for (const [expression, observed, passed] of ends) {
    assert.deepEqual(endOf(expression, SOME), [observed, passed], expression);
  }
});

Deno.test("rows have the order and the wording of the expressions", () => {
  const set = new ThresholdSet([" rps >= 120", "count<1"]);
  assert.deepEqual(set.rows(SOME, OVER).map(({ expression }) => expression), [
    "rps >= 120",
    "count<1",
  ]);
});

Deno.test("at the end, a threshold without a sample is crossed, unless it demands that there is none", () => {
  for (
    const expression of [
      "p95[serach]<1s",
      "error_rate[GET order]<1%",
      "count[typo]<=10",
      "dropped<1",
    ]
  ) {
    assert.deepEqual(endOf(expression, SOME), [null, false], expression);
  }
  for (const expression of ["p95<1s", "rps>=0", "failures==0", "count>=0"]) {
    assert.deepEqual(endOf(expression, NONE), [null, false], expression);
  }
  for (const expression of ["count[GET old]==0", "count[GET old]<1", "count[old]<=0"]) {
    assert.deepEqual(endOf(expression, SOME), [0, true], expression);
  }
});

Deno.test("during the run, a threshold without a sample is not crossed", () => {
  for (const expression of ["p95<1s", "rps>=100", "p95[typo]<1ms", "dropped<1", "count>=5"]) {
    assert.equal(verdictAt(expression, NONE), true, expression);
  }
});

Deno.test("during the run, a threshold is crossed only if it can no longer be reached", () => {
  const live: readonly [expression: string, passed: boolean][] = [
    ["count>=5000", true],
    ["count>5000", true],
    ["count==5000", true],
    ["count==1199", false],
    ["count!=1200", true],
    ["count<=1199", false],
    ["failures>=51", true],
    ["failures==49", false],
    ["max>=10s", true],
    ["max<100ms", false],
    ["min<=1ms", true],
    ["min>=2ms", false],
    ["min==1ms", true],
    ["min==2ms", false],
    ["error_rate<1%", false],
    ["error_rate>=50%", false],
    ["p95<1ms", false],
    ["mean>=1s", false],
  ];
  for (const [expression, passed] of live) {
    assert.equal(verdictAt(expression, SOME), passed, expression);
  }
});

Deno.test("while the load is rising, a rate may be too low but not too high", () => {
  for (const expression of ["rps>=500", "rps>500", "rps==500", "rps!=120", "rps[search]>=500"]) {
    assert.equal(verdictAt(expression, SOME, true), true, expression);
    assert.equal(verdictAt(expression, SOME, false), false, expression);
  }
  assert.equal(verdictAt("rps<100", SOME, true), false);
});

Deno.test("a rate is not too low only because reports are late", () => {
  // The last two of ten seconds have not been reported yet.
  const timeline = [0, 1, 2, 3, 4, 5, 6, 7].map((second) => timelineSecond({ second }));
  const late = statistics({ requests: [requestRow({ requests: 800, rate: 80 })], timeline });
  assert.equal(verdictAt("rps>=100", late), true);
  assert.equal(verdictAt("rps>100", late), false);
  assert.equal(verdictAt("rps<=80", late), true);
  assert.deepEqual(endOf("rps>=100", late), [80, false]);
});

Deno.test("the first crossed threshold is returned", () => {
  const set = new ThresholdSet(["count>=1", "p95<1ms", "error_rate<1%"]);
  assert.equal(set.crossed(SOME, { spawning: false }), "p95<1ms");
  assert.equal(new ThresholdSet([]).crossed(SOME, { spawning: false }), null);
});

Deno.test("sets can be united, and duplicates count once", () => {
  const flags = new ThresholdSet(["p95<200ms", "p95 < 0.2s", "count>=1"]);
  const both = flags.with(new ThresholdSet(["requests>=1", "error_rate<1%"], "file"));
  assert.deepEqual(both.expressions, ["p95<200ms", "count>=1", "error_rate<1%"]);
});

Deno.test("an invalid expression is named with its source", () => {
  assert.throws(() => new ThresholdSet(["p95<1s", "p95<"], "--threshold"), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(
      error.message,
      "--threshold p95<: expected a value after <, as in p95<200ms",
    );
    return true;
  });
});

Deno.test("thresholds without a sample are explained at the end", () => {
  const set = new ThresholdSet(["p95[GET serach]<1s", "count>=1", "dropped==0", "count[old]==0"]);
  assert.deepEqual(set.unmatched(SOME), [
    "Threshold p95[GET serach]<1s: no request is named GET serach. The names are GET search, POST order.",
    "Threshold dropped==0: iterations are counted only with --arrival-rate or --iterations.",
  ]);
  assert.deepEqual(new ThresholdSet(["p95<1s"]).unmatched(NONE), [
    "Threshold p95<1s: no request has ended.",
  ]);
  const many = statistics({
    requests: Array.from({ length: 13 }, (_, index) => requestRow({ name: `/${index}` })),
  });
  const [text] = new ThresholdSet(["p95[x]<1s"]).unmatched(many);
  assert.match(text!, /GET \/0, .*, GET \/9 and 3 more\.$/);
});

const HELD: ThresholdRow = { expression: "count>=1", observed: 9, passed: true };
const CROSSED: ThresholdRow = { expression: "p95<200ms", observed: 312, passed: false };
const NO_SAMPLE: ThresholdRow = { expression: "p95[x]<1s", observed: null, passed: false };

function failed(breakingPoint: BreakingPoint | null, ...thresholds: ThresholdRow[]): string[] {
  return failedThresholds({ thresholds, breakingPoint }).map(({ expression }) => expression);
}

const users = (users: number): { users: number; arrivalRate: null } => ({
  users,
  arrivalRate: null,
});

Deno.test("a part of requests that never happened is no sample, which is crossed at the end", () => {
  const phases = phaseTotals({ ttfb: [30, 30], download: [0, 0] }, { opened: 0, reused: 2 });
  const some = statistics({ requests: [requestRow({ name: "search", phases })] });
  const set = new ThresholdSet(["ttfb_p95[search]<40ms", "connect_p95<1s", "tls_max[search]<1s"]);
  const passed = (over: boolean): boolean[] =>
    set.rows(some, { over, spawning: false }).map((row) => row.passed);
  assert.deepEqual(passed(false), [true, true, true]);
  assert.deepEqual(passed(true), [true, false, false]);
  assert.deepEqual(set.unmatched(some), [
    "Threshold connect_p95<1s: no request opened a connection, as far as its user class can tell.",
    "Threshold tls_max[search]<1s: no request needed a TLS handshake, as far as its user class can tell.",
  ]);
  const slow = new ThresholdSet(["ttfb_p95<20ms"]);
  assert.equal(slow.crossed(some, { spawning: false }), "ttfb_p95<20ms");
  assert.deepEqual(new ThresholdSet(["ttfb_p95[x]<1s"]).unmatched(some).length, 1);
});

Deno.test("crossed thresholds fail a run", () => {
  assert.deepEqual(failed(null, HELD, CROSSED, NO_SAMPLE), ["p95<200ms", "p95[x]<1s"]);
});

Deno.test("a search for the breaking point fails only if the first load breaks", () => {
  const late = { className: null, passed: users(10), broke: users(20), threshold: "p95<200ms" };
  assert.deepEqual(failed(late, HELD, CROSSED), []);
  const atOnce = { className: null, passed: null, broke: users(10), threshold: "p95<200ms" };
  assert.deepEqual(failed(atOnce, HELD, CROSSED), ["p95<200ms"]);
  // Over the whole run, it may hold again.
  assert.deepEqual(failed(atOnce, HELD, { ...CROSSED, passed: true }), ["p95<200ms"]);
});

Deno.test("a threshold without a sample also fails a search for the breaking point", () => {
  const never = { className: null, passed: users(10), broke: null, threshold: null };
  assert.deepEqual(failed(never, HELD, NO_SAMPLE), ["p95[x]<1s"]);
});

Deno.test("observed values have their unit, and enough digits to compare them with the bound", () => {
  const texts: readonly [expression: string, observed: number | null, text: string][] = [
    ["p95<200ms", 200.0412, "200.04 ms"],
    ["p95<200ms", 200, "200 ms"],
    ["p95<20s", 20_000.6, "20,001 ms"],
    ["p50<1ms", 0.123456, "0.12346 ms"],
    ["error_rate<1%", 0.0100012, "1.0001%"],
    ["error_rate<1%", 1 / 3, "33.333%"],
    ["error_rate<1%", 0.000001, "0.0001%"],
    ["rps>=1000", 999.987, "999.99/s"],
    ["rps>=100000", 123_456.7, "123,457/s"],
    ["count>=1", 1_234_567, "1,234,567"],
    ["count>=1", 0, "0"],
    ["dropped_rate<1%", 0.5, "50%"],
    ["p95<200ms", null, "no sample"],
    ["who knows", 3.14159265, "3.1416"],
  ];
  for (const [expression, observed, text] of texts) {
    assert.equal(observedText({ expression, observed }), text);
  }
});

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
  ["rate>=0.5/s", "rate", null, ">=", 0.5],
  ["rps>0.5", "rate", null, ">", 0.5],
  ["rate>=1", "rate", null, ">=", 1],
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

Deno.test("every metric, operator and unit is parsed", () => {
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
  ["http_req_failed<1%", "unknown metric http_req_failed; here it is error_rate"],
  ...([
    ["http_req_duration{scenario:browse}<200", "p95{class=…}"],
    ["http_req_duration{name:/articles/:id}<200", "p95[/articles/:id]"],
    ["http_req_duration{expected_response:true}<200", "p95"],
    ["http_req_waiting{kind:page,scenario:browse}<200", "ttfb_p95{kind=page,class=…}"],
    ["http_reqs{kind: page}>100", "count{kind=page} or rps{kind=page}"],
    ["group_duration{group:::x}<1s", "p95[group x]"],
    ["group_duration{group:::checkout::pay}<1s", "p95[group checkout / pay]"],
    ["checks{kind:payment}>0.9", "checks[NAME]"],
    ["p95{a:b}<1s", "p95{a=b}"],
  ].map(([text, here]): [string, string] => [
    text!,
    `this is k6's notation; here it is ${here}`,
  ])),
  [
    "rate<0.01",
    "rate is the number of requests per second; for the share of failed requests, write error_rate<0.01",
  ],
  [
    "Rate > 0.9",
    "rate is the number of requests per second; for the share of passed checks, write checks>0.9",
  ],
  ["vusers.failed==0", "unknown metric vusers.failed; here it is failures"],
  [
    "stream_first_event_ms<1s",
    "unknown metric stream_first_event_ms; one that the test counts needs a figure, as in " +
    "stream_first_event_ms.p95",
  ],
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
    "dropped{cache=hit}<1",
    "dropped is a metric of iterations, which have no tags; only {class=…} can follow it",
  ],
  ["p95{class=A<1s", "the { is never closed; write p95{class=ShopTest}<…"],
  ['p95{a="b}<1s', "the { is never closed; write p95{class=ShopTest}<…"],
  ...([
    ["", "nothing is not a pair"],
    ["a", "a is not a pair"],
    ["a=b,", "nothing is not a pair"],
    ["a=", "a has no value"],
    ["a=b,a=c", "a is given twice"],
    ["1=2", "1=2 is not a pair"],
    ['a="b"c', "c follows a value"],
  ].map(([pairs, problem]): [string, string] => [
    `p95{${pairs}}<1s`,
    `${problem} in {${pairs}}; expected keys and values, as in {class=ShopTest} or {cache=hit}`,
  ])),
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

Deno.test("an invalid threshold is rejected with what is wrong and what is expected", () => {
  for (const [text, problem] of BAD) assert.equal(problemOf(text), problem, text);
});

Deno.test("braces select a user class and tags", () => {
  const targets: readonly [text: string, selector: string | null, ...target: unknown[]][] = [
    ["p95{class=BuyerTest}<200ms", null, "BuyerTest"],
    ["error_rate[GET /]{class=BuyerTest}<1%", "GET /", "BuyerTest"],
    ["p95[GET search]{cache=hit}<50ms", "GET search", null, ["cache", "hit"]],
    ["p95 [ GET search ] { cache = hit } < 50 ms", "GET search", null, ["cache", "hit"]],
    ["p95{b=1, class=A ,a=x y}<5", null, "A", ["a", "x y"], ["b", "1"]],
    ['p95{a="x, y}",b=" z "}<5', null, null, ["a", "x, y}"], ["b", " z "]],
    ['p95{a="\\"\\\\"}<5', null, null, ["a", '"\\']],
    ['p95[a]{b="]<5"}<50ms', "a", null, ["b", "]<5"]],
    ["p95[GET /users/{id}]<5", "GET /users/{id}", null],
    ["p95[GET /users/{id}]{a=]}<5", "GET /users/{id}", null, ["a", "]"]],
    ["p95[a]{b=c]<5", "a]{b=c", null],
    ['dropped{class="A"}==0', null, "A"],
  ];
  for (const [text, selector, className = null, ...tags] of targets) {
    const read = good(text);
    assert.deepEqual([read.selector, read.className, read.tags], [selector, className, tags], text);
  }
});

Deno.test("the hint for an unknown metric lists all metrics, and for two thresholds in one says what to do", () => {
  const unknown = readThreshold("latency<1s");
  assert.ok("hint" in unknown);
  assert.match(unknown.hint, /p50.*error_rate.*rps.*start_delay_p99/);
  const two = readThreshold("p95<200ms,p99<1s");
  assert.deepEqual(
    "hint" in two && two.hint,
    "Each expression is one threshold; you can give several.",
  );
});

Deno.test("a selector is a name, or a method and a name", () => {
  const search = { method: "GET", name: "search" };
  assert.ok(selects(null, search));
  assert.ok(selects("search", search));
  assert.ok(selects("GET search", search));
  assert.ok(selects("GET search", { method: "TASK", name: "GET search" }));
  assert.ok(!selects("POST search", search));
  assert.ok(!selects("sear", search));
  assert.ok(selects("search", { method: "GET", name: " search " }));
  assert.ok(selects("GET  search", { method: "GET", name: " search " }));
});

Deno.test("equal thresholds are recognized in any spelling", () => {
  assert.ok(isSame(good("p95<200ms"), good(" p95 < 0.2s ")));
  assert.ok(isSame(good("error_rate[ pay ]<1%"), good("error_rate[pay]<0.01")));
  assert.ok(isSame(good("avg<5"), good("MEAN<5ms")));
  assert.ok(!isSame(good("p95<200ms"), good("p95<=200ms")));
  assert.ok(!isSame(good("p95<200ms"), good("p95[pay]<200ms")));
  assert.ok(!isSame(good("p95<200ms"), good("p90<200ms")));
  assert.ok(isSame(good("p95{a=1,b=2}<200ms"), good('p95{b="2", a=1}<200ms')));
  assert.ok(!isSame(good("p95{a=1}<200ms"), good("p95{a=2}<200ms")));
  assert.ok(!isSame(good("p95{class=A}<200ms"), good("p95<200ms")));
});

Deno.test("any text is parsed or rejected, and any name can be selected", () => {
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

Deno.test("any value of a tag can be selected as its row shows it", () => {
  const value = fc.string({ unit: fc.constantFrom(...'[]<>={},"\\ aé日\u0000%'), minLength: 1 });
  fc.assert(fc.property(value, (text) => {
    const row = tagsText({ cache: text });
    const [[key, read] = []] = good(`p95[GET a]{${row}}<200ms`).tags;
    assert.equal(tagText(key!, read!), row);
    assert.equal(read, text.replaceAll("\u0000", " "));
  }));
});

Deno.test("values are parsed with the units of their kind", () => {
  const good: readonly [text: string, kind: MetricKind, value: number][] = [
    ["200", "time", 200],
    ["200 ms", "time", 200],
    ["0.29s", "time", 290],
    ["1.5m", "time", 90_000],
    ["250us", "time", 0.25],
    ["250\u00b5s", "time", 0.25],
    ["250\u03bcs", "time", 0.25],
    ["7%", "share", 0.07],
    ["0.29%", "share", 0.0029],
    ["100%", "share", 1],
    ["1", "share", 1],
    ["5.", "count", 5],
    ["1000/s", "rate", 1000],
    ["12.5", "rate", 12.5],
  ];
  for (const [text, kind, value] of good) assert.equal(valueOf(text, kind), value, text);
});

Deno.test("for an invalid value, a description of the expected one is returned", () => {
  const bad: readonly [text: string, kind: MetricKind][] = [
    ["", "time"],
    [".", "time"],
    ["1e3", "time"],
    ["Infinity", "time"],
    ["1 2", "time"],
    ["200msec", "time"],
    ["1.01", "share"],
    ["100.1%", "share"],
    ["5ms", "count"],
    ["10/m", "rate"],
  ];
  for (const [text, kind] of bad) {
    assert.match(String(valueOf(text, kind)), /^an? .* such as /, text);
  }
});

/** 98 answers of 12 to 480 ms, and two requests that were cut off after 11 s. */
const CUT_OFF = statistics({
  requests: [
    requestRow({ name: "search", requests: 98, ...unfinishedAt(11_000, 11_000) }),
    requestRow({ name: "never", requests: 0, latencyMs: NO_LATENCIES, ...unfinishedAt(9_000) }),
  ],
});

Deno.test("requests without an answer cross thresholds of latencies, and hold none", () => {
  const ends: readonly [expression: string, passed: boolean][] = [
    ["p99[search]<500ms", false],
    ["p90[search]<500ms", true],
    ["max<10s", false],
    ["mean<100ms", false],
    // Without a success, it may cross a threshold, but does not pass.
    ["p50[never]<10s", false],
    ["p50[never]<8s", false],
    // These would hold with their ages.
    ["p99[search]>500ms", false],
    ["max>=1s", false],
    ["mean>100ms", false],
    ["p50[never]>1s", false],
    ["error_rate<1%", true],
    ["error_rate[never]<1%", false],
    ["unfinished==0", false],
    ["unfinished<=3", true],
    ["unfinished[GET never]<2", true],
    ["unfinished_rate<2%", false],
    ["unfinished_rate[search]<=2%", true],
    ["unfinished_rate[never]<100%", false],
  ];
  for (const [expression, passed] of ends) {
    assert.equal(endOf(expression, CUT_OFF)[1], passed, expression);
  }
  assert.deepEqual(endOf("unfinished==0", SOME), [0, true]);
  assert.deepEqual(endOf("unfinished_rate<1%", SOME), [0, true]);
  assert.deepEqual(endOf("unfinished==0", NONE), [null, false]);
  assert.equal(verdictAt("unfinished==0", CUT_OFF), false);
  assert.equal(verdictAt("unfinished==0", SOME), true);
});

Deno.test("a request that has been in progress for long crosses a threshold during the run", () => {
  const { unfinished: _, ...stalled } = unfinishedAt(9_000);
  const inProgress = { count: 1, oldestMs: 9_000 };
  const hanging = statistics({
    requests: [requestRow({ requests: 0, latencyMs: NO_LATENCIES, ...stalled, inProgress })],
  });
  assert.equal(verdictAt("p95<500ms", hanging), false);
  assert.equal(verdictAt("p95<10s", hanging), true);
  assert.equal(verdictAt("unfinished==0", hanging), true);
  assert.equal(verdictAt("p95>500ms", hanging), true);
});

Deno.test("a threshold without a sample says so if requests were sent, and none has ended", () => {
  const set = new ThresholdSet(["error_rate<1%", "error_rate[never]<1%", "error_rate[typo]<1%"]);
  assert.deepEqual(set.unmatched(CUT_OFF), [
    "Threshold error_rate[never]<1%: no request has ended.",
    "Threshold error_rate[typo]<1%: no request is named typo. The names are GET search, GET never.",
  ]);
});

/** A name of which every request fails, with a response or without one. */
function failing(status: number, latencyMs: number): Statistics {
  const totals = new Totals();
  totals.add(secondOf(Array(30).fill(sample({ status, latencyMs, error: "failed" }))));
  return totals.statistics(1);
}

Deno.test("without a success, no threshold of a latency passes, but timeouts cross one at once", () => {
  for (const statistics of [failing(500, 1), failing(0, 3.9), failing(0, 30_000)]) {
    for (const expression of ["p95<200ms", "mean<=1m", "max>1us", "min!=0"]) {
      assert.equal(endOf(expression, statistics)[1], false, expression);
    }
    assert.equal(endOf("failed_p95<1m", statistics)[1], true);
  }
  assert.equal(verdictAt("p95<200ms", failing(500, 1)), true);
  assert.equal(verdictAt("p95<200ms", failing(0, 3.9)), true);
  assert.equal(verdictAt("p95<200ms", failing(0, 30_000)), false);
  const [sentence] = new ThresholdSet(["p95<200ms"]).unmatched(failing(0, 3.9));
  assert.equal(sentence, "Threshold p95<200ms: no request succeeded.");
});

Deno.test("without a failure, a limit for the latency of failures holds", () => {
  const set = new ThresholdSet(["failed_p95<1s", "failed_max<=1s", "failed_p95>1s"]);
  const succeeded = new Totals();
  succeeded.add(secondOf([sample({ status: 200, latencyMs: 1 })]));
  const given = succeeded.statistics(1);
  assert.deepEqual(
    set.rows(given, OVER).map(({ observed, passed }) => [observed, passed]),
    [[null, true], [null, true], [null, false]],
  );
  assert.deepEqual(set.unmatched(given), ["Threshold failed_p95>1s: no request failed."]);
  // Without any request, nothing is known.
  assert.equal(endOf("failed_p95<1s", new Totals().statistics(1))[1], false);
});

const CHECKED_GROUPS = statistics({
  groups: [countedGroup({ name: "buy / pay", durations: [10, 20, 30], failed: 1, cutOff: [] })],
  checks: [
    { name: "has a token", passed: 9, failed: 1, rate: 0.9 },
    { name: "is fast", passed: 10, failed: 0, rate: 1 },
  ],
  metrics: [
    { name: "logins", type: "counter", value: 1500, perSecond: 150 },
    { name: "queue", type: "gauge", value: -3, min: -5, max: 8 },
    { name: "cache_hits", type: "rate", rate: 0.9, hits: 9, total: 10 },
    {
      ...{ name: "cart.size_2", type: "trend", unit: "items", count: 10, sum: 55 },
      figures: { ...NO_LATENCIES, min: 1, mean: 5.5, max: 10, p50: 5, p95: 10, p999: 10 },
    },
  ],
});

Deno.test("thresholds of groups, checks and metrics are judged by all counts", () => {
  const ends: readonly [expression: string, observed: number | null, passed: boolean][] = [
    ["p95[group buy / pay]<31ms", 30, true],
    ["p97[group buy / pay]<30ms", 30, false],
    ["med[group  buy / pay]<20.1ms", 20.0078125, true],
    ["mean[group buy / pay]<0.021s", 20, true],
    ["count[group buy / pay]>=4", 4, true],
    ["failures[group buy / pay]<1", 1, false],
    ["error_rate[group buy / pay]<=25%", 0.25, true],
    ["unfinished[group buy / pay]==0", 0, true],
    ["p95[group other]<1s", null, false],
    ["checks>94%", 0.95, true],
    ["checks[has a token]==100%", 0.9, false],
    ["checks[is fast]==100%", 1, true],
    ["checks[other]==100%", null, false],
    ["logins.count>=1000", 1500, true],
    ["logins.value>2000", 1500, false],
    ["queue.value<-2.5", -3, true],
    ["queue.min>=-5", -5, true],
    ["queue.max<8", 8, false],
    ["cache_hits.rate>=90%", 0.9, true],
    ["cache_hits.rate>0.95", 0.9, false],
    ["cache_hits.count==10", 10, true],
    ["cart.size_2.p95<20", 10, true],
    ["cart.size_2.p99.9<=1e1", 10, true],
    ["cart.size_2.avg>5", 5.5, true],
    ["cart.size_2.med<5", 5, false],
    ["cart.size_2.count>=11", 10, false],
    ["cart.size_2.sum==55", 55, true],
    ["never.count<1", 0, true],
    ["never.p95<1", null, false],
  ];
  for (const [expression, observed, passed] of ends) {
    assert.deepEqual(endOf(expression, CHECKED_GROUPS), [observed, passed], expression);
  }
});

Deno.test("a group that was cut off can cross a threshold, but not hold it", () => {
  const groups = [countedGroup({ name: "buy", durations: [10], failed: 0, cutOff: [5000] })];
  const none = [countedGroup({ name: "buy", durations: [], failed: 0, cutOff: [5000] })];
  assert.deepEqual(endOf("p95[group buy]<1s", statistics({ groups })), [5000, false]);
  assert.deepEqual(endOf("max[group buy]>1s", statistics({ groups })), [10.00390625, false]);
  assert.deepEqual(endOf("mean[group buy]>1s", statistics({ groups })), [10, false]);
  assert.deepEqual(endOf("p95[group buy]<1s", statistics({ groups: none })), [5000, false]);
  assert.deepEqual(endOf("p95[group buy]<10s", statistics({ groups: none })), [null, false]);
});

Deno.test("what cannot be a threshold of groups, checks and metrics says what is accepted", () => {
  const problems: readonly [expression: string, problem: RegExp][] = [
    ["rps[group buy]>5", /rps is no metric of groups; they have count, failures, error_rate/],
    ["p101[group buy]>5", /p101 is no metric of groups/],
    ["p95[group buy]{class=ATest}<5", /groups have neither user classes nor tags/],
    ["checks{cache=hit}>5%", /checks have neither/],
    ["checks>200%", /expected a share/],
    ["size.p95[GET search]<5", /size is a metric of the test file, which has no requests/],
    ["size.p95<5MB", /expected a number such as 20, -0.5 or 1e6/],
    ["hits.rate<5ms", /expected a share/],
  ];
  for (const [expression, problem] of problems) {
    assert.throws(() => new ThresholdSet([expression]), { message: problem });
  }
});

Deno.test("thresholds of metrics that the test file does not have are found before the run", () => {
  const known = [
    { name: "logins", type: "counter" as const },
    { name: "cart_size", type: "trend" as const },
  ];
  const check = (expression: string, metrics = known) => (): void =>
    new ThresholdSet([expression]).checkMetrics(metrics);
  check("cart_size.p95<20")();
  assert.throws(check("cart_siz.p95<20"), (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /Threshold cart_siz.p95<20: the test file has no metric cart_siz/);
    assert.match(error.hint, /Did you mean cart_size\?/);
    return true;
  });
  assert.throws(check("http_req_duration.p95<200"), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(error.hint, "Did you mean p95?");
    return true;
  });
  assert.throws(check("orders.count>1"), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(error.hint, "Its metrics are logins, cart_size.");
    return true;
  });
  assert.throws(check("cart_size.p95<20", []), (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.hint, /It has none.*const cartSize = metrics.trend\("cart_size"\);/);
    return true;
  });
  assert.throws(check("logins.p95<20"), (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /logins is a counter, which has no p95/);
    assert.equal(error.hint, "It has count and value.");
    return true;
  });
  assert.throws(check("cart_size.p97<20"), /cart_size is a trend, which has no p97/);
});

Deno.test("a crossed threshold without a sample says why", () => {
  const unmatched = (expression: string): string =>
    new ThresholdSet([expression]).unmatched(CHECKED_GROUPS).join();
  assert.match(
    unmatched("p95[group pay]<1s"),
    /no group is named pay. The names are buy \/ pay\./,
  );
  assert.match(
    unmatched("checks[token]==100%"),
    /no check has this name. The names are has a token/,
  );
  assert.match(unmatched("never.p95<1"), /nothing was added to the metric never\./);
  assert.match(
    new ThresholdSet(["p95[group pay]<1s"]).unmatched(NONE).join(),
    /no group has ended\./,
  );
  assert.match(new ThresholdSet(["checks>9%"]).unmatched(NONE).join(), /no check has run\./);
});

Deno.test("observed values of metrics have no unit", () => {
  assert.equal(observedText({ expression: "queue.value<1", observed: -1234.5678 }), "-1,234.6");
  assert.equal(observedText({ expression: "hits.rate>1%", observed: 0.5 }), "50%");
});

Deno.test("a threshold that is given twice ends the run if one of the two does", () => {
  const all = { abortOnThreshold: false, abortAfter: 7 };
  const set = new ThresholdSet(["p95<200ms", "count>=1"])
    .with(new ThresholdSet([{ threshold: "p95 < 0.2s", abort: true, after: "1m" }]));
  assert.deepEqual(set.expressions, ["p95<200ms", "count>=1"]);
  const from = (expression: string, abortOnThreshold = false): number | null =>
    set.endsRunFrom(expression, { ...all, abortOnThreshold });
  assert.deepEqual([from("p95<200ms"), from("count>=1"), from("count>=1", true)], [60, null, 7]);
  for (const after of ["soon", -1, NaN, Infinity]) {
    assert.throws(
      () => new ThresholdSet([{ threshold: "p95<1s", abort: true, after }]),
      /p95<1s: after is .*; expected a duration of 0 s or more/,
    );
  }
});
