import assert from "node:assert/strict";
import type { MetricFamily } from "../../src/report/metric_families.ts";
import { RunMetrics } from "../../src/report/metrics.ts";
import { PrometheusText } from "../../src/report/prometheus.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import {
  clusterSnapshot,
  emptySnapshot,
  latencies,
  shopSnapshot,
  snapshot,
  statistics,
} from "../support/snapshots.ts";

const BUCKETS = [50, 100.5, 2000];

function page(of: Snapshot): string {
  const rounds = [{ name: "checkout", complete: 3, incomplete: 1 }];
  return new PrometheusText().of(
    new RunMetrics({ buckets: BUCKETS, version: "0.1.0" }).of(of, rounds),
  );
}

/** The lines of one metric. */
function linesOf(text: string, name: string): string[] {
  return text.split("\n").filter((line) => line.startsWith(name));
}

function counter(labels: Record<string, string>): MetricFamily {
  return { type: "counter", name: "n_total", help: "N.", unit: "", points: [{ labels, value: 1 }] };
}

Deno.test("name and labels of the run are labels of its info, and of nothing else", () => {
  const text = page(snapshot({ name: 'nightly "5"', labels: { env: "staging", "build-id": "5" } }));
  assert.deepEqual(text.split("\n").filter((line) => /nightly|staging/.test(line)), [
    'aiotest_run_info{run_id="7c0e3d2a",mode="local",name="nightly \\"5\\"",' +
    'label_env="staging",label_build_id="5"} 1',
  ]);
});

Deno.test("a histogram has a cumulative count for each bound, a sum and a count", () => {
  const text = page(shopSnapshot(4));
  assert.deepEqual(linesOf(text, "aiotest_response_times").slice(0, 6), [
    'aiotest_response_times_bucket{name="/",method="GET",code="200",outcome="success",le="50.0"} 160',
    'aiotest_response_times_bucket{name="/",method="GET",code="200",outcome="success",le="100.5"} 160',
    'aiotest_response_times_bucket{name="/",method="GET",code="200",outcome="success",le="2000.0"} 160',
    'aiotest_response_times_bucket{name="/",method="GET",code="200",outcome="success",le="+Inf"} 160',
    'aiotest_response_times_sum{name="/",method="GET",code="200",outcome="success"} 160',
    'aiotest_response_times_count{name="/",method="GET",code="200",outcome="success"} 160',
  ]);
});

Deno.test("users, CPU usage and lag are labeled by node, and CPU usage is in percent of a core", () => {
  const text = page(snapshot());
  assert.deepEqual(linesOf(text, "aiotest_workers_user_count"), [
    'aiotest_workers_user_count{node="local"} 10',
  ]);
  assert.deepEqual(linesOf(text, "aiotest_workers_cpu_usage"), [
    'aiotest_workers_cpu_usage{node="local"} 31',
  ]);
  assert.deepEqual(linesOf(text, "aiotest_event_loop_lag_seconds"), [
    'aiotest_event_loop_lag_seconds{node="local"} 0.00125',
  ]);
});

Deno.test("workers that are gone have no CPU usage", () => {
  const text = page(clusterSnapshot(20));
  assert.equal(linesOf(text, "aiotest_workers_user_count").length, 8);
  const nodes = linesOf(text, "aiotest_workers_cpu_usage").map((line) => /-(\d)"/.exec(line)![1]);
  assert.deepEqual(nodes, ["1", "2", "5", "6", "7", "8"]);
  assert.deepEqual(
    linesOf(text, "aiotest_workers{").filter((line) => !line.endsWith(" 0")),
    [
      'aiotest_workers{state="running"} 6',
      'aiotest_workers{state="left"} 1',
      'aiotest_workers{state="lost"} 1',
    ],
  );
});

Deno.test("the page has the run, its thresholds, iterations and rendezvous", () => {
  const text = page(snapshot({
    arrivalRate: 200,
    thresholds: [
      { expression: "p95<200ms", observed: 36, passed: true },
      { expression: "count[POST pay]>=1", observed: null, passed: false },
    ],
    warnings: ["Slow."],
    statistics: statistics({
      iterations: {
        scheduled: 2000,
        started: 1990,
        completed: 1980,
        interrupted: 0,
        dropped: 10,
        serviceTimeMs: latencies(100),
        startDelayMs: latencies(1),
      },
    }),
  }));
  for (
    const line of [
      'aiotest_build_info{version="0.1.0"} 1',
      'aiotest_run_info{run_id="7c0e3d2a",mode="local"} 1',
      'aiotest_run_state{state="running"} 1',
      'aiotest_run_state{state="stopped"} 0',
      "aiotest_run_start_time_seconds 1772706599.9",
      "aiotest_run_planned_seconds 20",
      "aiotest_run_paused 0",
      "aiotest_run_paused_seconds 0",
      "aiotest_users_target 10",
      "aiotest_arrival_rate_target 200",
      'aiotest_threshold_passed{threshold="p95<200ms"} 1',
      'aiotest_threshold_passed{threshold="count[POST pay]>=1"} 0',
      'aiotest_threshold_observed{threshold="p95<200ms"} 36',
      "aiotest_warnings 1",
      "aiotest_iterations_scheduled_total 2000",
      "aiotest_iterations_started_total 1990",
      "aiotest_iterations_completed_total 1980",
      "aiotest_iterations_dropped_total 10",
      'aiotest_iteration_start_delay_seconds{quantile="0.99"} 0.008',
      "aiotest_iteration_start_delay_seconds_count 1990",
      "aiotest_iteration_service_time_seconds_sum 247.5",
      'aiotest_rendezvous_rounds_total{name="checkout",complete="true"} 3',
      'aiotest_rendezvous_rounds_total{name="checkout",complete="false"} 1',
    ]
  ) assert.ok(text.includes(`\n${line}\n`), line);
  assert.equal(linesOf(text, "aiotest_threshold_observed").length, 1);
});

Deno.test("the metrics of iterations are also served under their former names", () => {
  const iterations = {
    scheduled: 5,
    started: 4,
    completed: 3,
    interrupted: 0,
    dropped: 1,
    serviceTimeMs: latencies(100),
    startDelayMs: latencies(1),
  };
  const text = page(snapshot({ statistics: statistics({ iterations }) }));
  for (
    const [now, former] of [
      ["aiotest_iterations_scheduled_total", "aiotest_passes_scheduled_total"],
      ["aiotest_iterations_dropped_total", "aiotest_passes_dropped_total"],
      ["aiotest_iteration_start_delay_seconds", "aiotest_pass_start_delay_seconds"],
      ["aiotest_iteration_service_time_seconds", "aiotest_pass_service_time_seconds"],
    ] as const
  ) {
    const values = linesOf(text, now);
    assert.ok(values.length > 0, now);
    assert.deepEqual(linesOf(text, former), values.map((line) => line.replace(now, former)));
    assert.match(text, new RegExp(`# HELP ${former} Deprecated, .*: use ${now}\\.`));
  }
});

Deno.test("values that are unknown or not counted have no point", () => {
  const text = page(emptySnapshot({ plannedSeconds: null, workers: [] }));
  for (
    const name of [
      "aiotest_run_start_time_seconds",
      "aiotest_run_planned_seconds",
      "aiotest_arrival_rate_target",
      "aiotest_iterations_dropped_total",
      "aiotest_iteration_start_delay_seconds",
      "aiotest_response_times",
    ]
  ) {
    assert.deepEqual(linesOf(text, name), [], name);
    assert.ok(text.includes(`# TYPE ${name} `), name);
  }
});

Deno.test("no name and no error breaks out of its label", () => {
  const text = new PrometheusText();
  const written = (label: string): string => text.of([counter({ error: label })]).split("\n")[2]!;
  assert.equal(written('a"\n{}'), 'n_total{error="a\\"\\n{}"} 1');
  assert.equal(written("\\n\\"), 'n_total{error="\\\\n\\\\"} 1');
  assert.equal(written("a\0b\ud800"), 'n_total{error="a\ufffdb\ufffd"} 1');
  assert.equal(written("=HYPERLINK('x')</script>"), `n_total{error="=HYPERLINK('x')</script>"} 1`);
});

Deno.test("help is one line", () => {
  const family: MetricFamily = { ...counter({}), help: "One\nand \\two." };
  assert.equal(
    new PrometheusText().of([family]),
    "# HELP n_total One\\nand \\\\two.\n# TYPE n_total counter\nn_total 1\n",
  );
});
