import assert from "node:assert/strict";
import type { MetricFamily } from "../../src/report/metric_families.ts";
import { PrometheusText } from "../../src/report/prometheus.ts";
import { TestMetrics } from "../../src/report/test_metrics.ts";
import type { MetricRow, Statistics } from "../../src/stats/snapshot.ts";
import {
  checkRow,
  classRow,
  counterRow,
  gaugeRow,
  groupRow,
  histogramOf,
  iterations,
  rateRow,
  requestRow,
  statistics,
  tagRow,
  trendRow,
} from "../support/snapshots.ts";

function page(from: Statistics, metrics = new TestMetrics([50, 500])): string {
  return new PrometheusText().of(metrics.of(from));
}

/** The lines whose names start so, without those of other names. */
function lines(text: string, name: string): string[] {
  return text.split("\n").filter((line) => line.startsWith(name));
}

function family(from: Statistics, name: string): MetricFamily {
  return new TestMetrics([50, 500]).of(from).find((one) => one.name === name)!;
}

Deno.test("classes have their users, load, iterations and latencies in seconds", () => {
  const text = page(statistics({
    classes: [
      classRow({ users: 9, requests: [requestRow({ failures: 10 })] }),
      classRow({
        ...{ name: "AdminTest", users: 2, load: { users: 5, arrivalRate: 0.5 } },
        iterations: iterations({ dropped: 7 }),
        requests: [],
      }),
    ],
  }));
  assert.deepEqual(lines(text, "aiotest_class_users"), [
    'aiotest_class_users{class="BuyerTest"} 9',
    'aiotest_class_users{class="AdminTest"} 2',
    'aiotest_class_users_target{class="AdminTest"} 5',
  ]);
  assert.deepEqual(lines(text, "aiotest_class_arrival"), [
    'aiotest_class_arrival_rate_target{class="AdminTest"} 0.5',
  ]);
  assert.deepEqual(lines(text, "aiotest_class_iterations"), [
    'aiotest_class_iterations_completed_total{class="BuyerTest"} 500',
    'aiotest_class_iterations_completed_total{class="AdminTest"} 500',
    'aiotest_class_iterations_dropped_total{class="AdminTest"} 7',
  ]);
  assert.deepEqual(lines(text, "aiotest_class_requests"), [
    'aiotest_class_requests_total{class="BuyerTest",name="/",method="GET",outcome="success"} 990',
    'aiotest_class_requests_total{class="BuyerTest",name="/",method="GET",outcome="failure"} 10',
  ]);
  assert.deepEqual(lines(text, 'aiotest_class_response_seconds_count{class="BuyerTest"'), [
    'aiotest_class_response_seconds_count{class="BuyerTest",outcome="success"} 990',
    'aiotest_class_response_seconds_count{class="BuyerTest",outcome="failure"} 10',
  ]);
  assert.deepEqual(lines(text, "aiotest_class_response_seconds_bucket").slice(0, 3), [
    'aiotest_class_response_seconds_bucket{class="BuyerTest",outcome="success",le="0.05"} 891',
    'aiotest_class_response_seconds_bucket{class="BuyerTest",outcome="success",le="0.5"} 990',
    'aiotest_class_response_seconds_bucket{class="BuyerTest",outcome="success",le="+Inf"} 990',
  ]);
});

Deno.test("the requests of the only class are not counted again", () => {
  const only = statistics({ classes: [classRow()] });
  assert.deepEqual(family(only, "aiotest_class_requests_total").points, []);
});

Deno.test("groups have durations in seconds, with bounds beyond those of requests", () => {
  const groups = [groupRow({ failures: 5, unfinished: { count: 2, oldestMs: 9000 } })];
  const text = page(statistics({ groups }));
  assert.deepEqual(
    lines(text, "aiotest_group_duration_seconds_bucket").map((line) => line.split("le=")[1]),
    ["0.05", "0.5", "15.0", "30.0", "60.0", "120.0", "300.0", "+Inf"]
      .map((bound, i) => `"${bound}"} ${[0, 248, 495, 495, 495, 495, 495, 495][i]}`),
  );
  assert.deepEqual(lines(text, "aiotest_group_duration_seconds_sum"), [
    'aiotest_group_duration_seconds_sum{group="checkout"} 247.5',
  ]);
  assert.deepEqual(lines(text, "aiotest_groups_"), [
    'aiotest_groups_total{group="checkout",outcome="success"} 495',
    'aiotest_groups_total{group="checkout",outcome="failure"} 5',
    'aiotest_groups_unfinished_total{group="checkout"} 2',
  ]);
  assert.deepEqual(lines(text, "aiotest_group_request_seconds{").slice(0, 2), [
    'aiotest_group_request_seconds{group="checkout",quantile="0.5"} 0.3',
    'aiotest_group_request_seconds{group="checkout",quantile="0.95"} 0.9',
  ]);
});

Deno.test("checks count what passed and failed", () => {
  assert.deepEqual(lines(page(statistics({ checks: [checkRow()] })), "aiotest_checks_total"), [
    'aiotest_checks_total{check="has a token",result="passed"} 997',
    'aiotest_checks_total{check="has a token",result="failed"} 3',
  ]);
});

Deno.test("tags have series of their own, and those beyond a thousand are counted together", () => {
  const one = (tags: string, failures = 0) => tagRow({ tags, requests: 10, failures });
  const requests = Array.from({ length: 30 }, (_, name) =>
    requestRow({
      name: `/${name}`,
      tags: Array.from({ length: 50 }, (_, n) => one(`n=${n}`, n === 49 ? 1 : 0)),
    }));
  const metrics = new TestMetrics([50]);
  for (const rows of [requests, requests]) {
    const [, counts] = ["aiotest_tagged_response_seconds", "aiotest_tagged_requests_total"]
      .map((name) => metrics.of(statistics({ requests: rows })).find((one) => one.name === name)!);
    const points = counts!.points as { labels: Record<string, string>; value: number }[];
    assert.equal(points.length, 2 * (1000 + 10));
    assert.equal(points.reduce((sum, { value }) => sum + value, 0), 30 * 50 * 10);
    const last = points.filter(({ labels }) => labels.name === "/29");
    assert.deepEqual(last.map(({ labels, value }) => [labels.tags, labels.outcome, value]), [
      ["(other)", "success", 499],
      ["(other)", "failure", 1],
    ]);
  }
  const text = page(statistics({ requests: [requestRow({ tags: [one("cache=hit")] })] }));
  assert.deepEqual(lines(text, "aiotest_tagged_response_seconds_count"), [
    'aiotest_tagged_response_seconds_count{name="/",method="GET",tags="cache=hit"} 10',
  ]);
});

function exported(...metrics: readonly MetricRow[]): string {
  return new PrometheusText().of(
    new TestMetrics([]).of(statistics({ metrics })).slice(-metrics.length),
  );
}

Deno.test("metrics of a test file have the type that fits", () => {
  const figures = trendRow().figures;
  assert.equal(
    exported(rateRow(), trendRow({ figures: { ...figures, p50: -4 } }), counterRow(), gaugeRow()),
    `# HELP aiotest_custom_cache_hits_total How often rate cache_hits of the test file was hit and missed.
# TYPE aiotest_custom_cache_hits_total counter
aiotest_custom_cache_hits_total{result="hit"} 925
aiotest_custom_cache_hits_total{result="miss"} 75
# HELP aiotest_custom_cart_size Trend cart_size of the test file in items, over the whole run.
# TYPE aiotest_custom_cart_size summary
aiotest_custom_cart_size{quantile="0.5"} -4
aiotest_custom_cart_size{quantile="0.95"} 12
aiotest_custom_cart_size{quantile="0.99"} 32
aiotest_custom_cart_size{quantile="0.999"} 80
aiotest_custom_cart_size_sum 2500
aiotest_custom_cart_size_count 500
# HELP aiotest_custom_logins_total Counter logins of the test file.
# TYPE aiotest_custom_logins_total counter
aiotest_custom_logins_total 1234
# HELP aiotest_custom_queue_length Gauge queue length of the test file.
# TYPE aiotest_custom_queue_length gauge
aiotest_custom_queue_length 7
`,
  );
});

Deno.test("names that would be the same are kept apart, and keep their name", () => {
  const metrics = new TestMetrics([]);
  const names = (...rows: readonly MetricRow[]): string[] =>
    metrics.of(statistics({ metrics: rows })).slice(-rows.length).map(({ name }) => name);
  const [first, second] = names(gaugeRow({ name: "a b" }), gaugeRow({ name: "a-b" }));
  assert.equal(first, "aiotest_custom_a_b");
  assert.match(second!, /^aiotest_custom_a_b_[0-9a-f]{8}$/);
  // Another one comes first, because rows are sorted by name.
  const later = names(
    gaugeRow({ name: "a\tb" }),
    gaugeRow({ name: "a b" }),
    gaugeRow({ name: "a-b" }),
  );
  assert.deepEqual(later.slice(1), [first, second]);
  assert.equal(new Set(later).size, 3);
  const series = names(
    trendRow({ name: "t" }),
    gaugeRow({ name: "t_sum" }),
    counterRow({ name: "n" }),
    counterRow({ name: "n_total" }),
    rateRow({ name: "n" }),
    gaugeRow({ name: "n_total" }),
  );
  assert.equal(new Set(series).size, 6);
  assert.deepEqual([series[0], series[2]], ["aiotest_custom_t", "aiotest_custom_n_total"]);
});

Deno.test("hostile names of metrics become names that Prometheus accepts", () => {
  const name = 'a"\n{} \\ </script> \0 検索';
  const text = exported(counterRow({ name }), trendRow({ name, unit: "\ud800\n{}" }));
  for (const line of text.trimEnd().split("\n")) {
    assert.match(
      line,
      /^(?:# (?:HELP|TYPE) )?aiotest_custom_\w+(?:\{quantile="[\d.]+"\})? [^\0]+$/u,
    );
  }
  const [, trend] = new TestMetrics([]).of(
    statistics({ metrics: [counterRow(), trendRow({ unit: "a b{}" })] }),
  ).slice(-2);
  assert.equal(trend!.unit, "{a_b__}");
});

Deno.test("gauges with endings of other types are untyped", () => {
  for (const name of ["queue_total", "queue_count", "queue_sum"]) {
    assert.match(exported(gaugeRow({ name })), new RegExp(`# TYPE aiotest_custom_${name} untyped`));
  }
});

Deno.test("a histogram is counted again only if it has grown", () => {
  const metrics = new TestMetrics([50]);
  const histogram = histogramOf(10);
  const points = () =>
    metrics.of(statistics({ groups: [groupRow({ histogram })] }))
      .find(({ name }) => name === "aiotest_group_duration_seconds")!.points;
  const [before] = points();
  assert.equal(points()[0], before);
  histogram.record(5);
  assert.notEqual(points()[0], before);
});
