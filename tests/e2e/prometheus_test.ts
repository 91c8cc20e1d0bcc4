import assert from "node:assert/strict";
import { Target } from "../support/target.ts";
import { RunMetrics } from "../../src/report/metrics.ts";
import { PrometheusText } from "../../src/report/prometheus.ts";
import type { Summary } from "../../src/report/summary.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import { fencedBlocks } from "../support/fenced_blocks.ts";
import { isMissing } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { startAiotest } from "../support/process.ts";
import { dashboardQueries, PrometheusServer, type Series } from "../support/prometheus_server.ts";
import {
  checkRow,
  clusterSnapshot,
  counterRow,
  emptySnapshot,
  groupRow,
  latencies,
  scriptedSnapshot,
  snapshot,
  statistics,
  trendRow,
} from "../support/snapshots.ts";

const ignore = isMissing("prometheus");

const COUNTED = projectPath("tests/e2e/fixtures/counted.ts");

/** What Prometheus knew of a run when the last request had been counted, and what the run came to. */
interface Scraped {
  readonly summary: Summary;
  query(expression: string): Series[];
}

/**
 * Lets Prometheus scrape a run with this many requests.
 *
 * @param expressions what is asked then, while the users still run.
 */
async function scrape(
  { total, args, settled = null, expressions }: {
    readonly total: number;
    readonly args: readonly string[];
    /** What else must have a value before it is asked. */
    readonly settled?: string | null;
    readonly expressions: readonly string[];
  },
): Promise<Scraped> {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  const run = startAiotest([
    ...["--web-port", "0", "--json", json],
    ...args,
  ], { env: { AIOTEST_NO_WEB: "false" } });
  const found = new Map<string, Series[]>();
  try {
    const port = await run.tells(/Dashboard: http:\/\/127\.0\.0\.1:(\d+)\//);
    await using prometheus = await PrometheusServer.start(`127.0.0.1:${port}`);
    // No metrics follow these, so the next scrape has the final values.
    await prometheus.until("sum(aiotest_response_times_count)", total);
    if (settled !== null) await prometheus.until(settled, 1);
    for (const expression of expressions) {
      found.set(expression, await prometheus.query(expression));
    }
  } catch (error) {
    try {
      run.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    throw new Error((await run.finished).stderr, { cause: error });
  }
  run.kill("SIGINT");
  await run.finished;
  const summary: Summary = JSON.parse(await Deno.readTextFile(json));
  await Deno.remove(json);
  return { summary, query: (expression) => found.get(expression)! };
}

/** Values by method and name, as `GET search`. */
function byName(series: readonly Series[]): Record<string, number> {
  return Object.fromEntries(
    series.map(({ labels, value }) => [`${labels.method} ${labels.name}`, value]),
  );
}

function column(
  { requests }: Summary,
  value: (row: Summary["requests"][number]) => number,
): Record<string, number> {
  return Object.fromEntries(requests.map((row) => [`${row.method} ${row.name}`, value(row)]));
}

Deno.test("the totals that Prometheus scrapes are those of the summary and the target", {
  ignore,
}, async () => {
  await using target = new CountingTarget();
  const counts = "sum by (method, name) (aiotest_response_times_count)";
  const infinite = 'sum by (method, name) (aiotest_response_times_bucket{le="+Inf"})';
  const sums = "sum by (method, name) (aiotest_response_times_sum)";
  const bytes = "sum by (method, name) (aiotest_response_bytes_total)";
  const sent = "aiotest_request_bytes_total";
  const failures = "sum by (method, name, error) (aiotest_response_failure_total)";
  const lengths = "aiotest_response_content_length";
  const successes = 'aiotest_response_times_bucket{outcome="success"}';
  const quantile = `histogram_quantile(0.95, sum by (le) (${successes}))`;
  const users = "aiotest_workers_user_count";
  const state = "aiotest_run_state == 1";
  const info = "aiotest_run_info";
  const bounds = 'aiotest_response_times_bucket{name="/plain"}';
  const { summary, query } = await scrape({
    total: 4_000,
    args: [
      "-f",
      COUNTED,
      "-H",
      target.url,
      "--quota",
      "4000",
      "-u",
      "20",
      "-r",
      "1000",
      "-b",
      "1",
      "2.5",
      "10",
      "100",
      "1000",
    ],
    expressions: [
      ...[counts, infinite, sums, bytes, sent, failures, lengths, quantile, users, state, info],
      bounds,
    ],
  });
  assert.equal(summary.totals.requests, 4_000);
  assertEqualCounts(summary, target);
  assert.deepEqual(byName(query(counts)), column(summary, ({ requests }) => requests));
  assert.deepEqual(byName(query(infinite)), byName(query(counts)));
  assert.deepEqual(byName(query(bytes)), column(summary, ({ bytesReceived }) => bytesReceived));
  assert.deepEqual(byName(query(sent)), column(summary, ({ bytesSent }) => bytesSent));
  for (const row of summary.requests) {
    const { method, name, requests, failures, latencyMs, failureLatencyMs } = row;
    const sum = byName(query(sums))[`${method} ${name}`]!;
    const ofFailures = (failureLatencyMs?.mean ?? 0) * failures;
    const expected = (latencyMs.mean ?? 0) * (requests - failures) + ofFailures;
    assert.ok(Math.abs(sum - expected) / requests < 0.001, `${name} ${sum}`);
  }
  assert.deepEqual(
    query(failures).map(({ labels, value }) => [labels.name, labels.error, value]),
    summary.failures.map(({ name, error, count }) => [name, error, count]),
  );
  const plain = query(lengths).find(({ labels }) => labels.name === "/plain")!;
  assert.deepEqual([plain.labels.code, plain.value], ["200", 100]);
  assert.deepEqual(
    query(lengths).filter(({ labels }) => labels.name === "/broken").map((
      { labels },
    ) => labels.code),
    ["500"],
  );
  assert.deepEqual(
    query(bounds).map(({ labels }) => labels.le).sort(),
    ["+Inf", "1.0", "10.0", "100.0", "1000.0", "2.5"],
  );
  // Prometheus takes latencies to be spread evenly within a bucket: the right bucket is all it knows.
  const bound = (ms: number): number => [1, 2.5, 10, 100, 1000].findIndex((le) => ms <= le);
  assert.equal(bound(query(quantile)[0]!.value), bound(summary.totals.latencyMs.p95!));
  assert.deepEqual(query(users).map(({ labels, value }) => [labels.node, value]), [["local", 20]]);
  assert.deepEqual(query(state).map(({ labels }) => labels.state), ["running"]);
  assert.equal(query(info)[0]!.labels.run_id, summary.runId);
});

Deno.test("a master's metrics include all its workers", { ignore }, async () => {
  await using target = new CountingTarget();
  const counts = "sum(aiotest_response_times_count)";
  const users = "aiotest_workers_user_count";
  const cpu = "aiotest_workers_cpu_usage";
  const { summary, query } = await scrape({
    total: 2_000,
    args: [
      "-f",
      COUNTED,
      "-H",
      target.url,
      "--quota",
      "1000",
      "--processes",
      "2",
      "-u",
      "10",
      "-r",
      "1000",
    ],
    expressions: [counts, users, cpu],
  });
  assert.equal(summary.totals.requests, 2_000);
  assert.equal(query(counts)[0]!.value, 2_000);
  const nodes = summary.workers.map(({ id }) => id).sort();
  assert.deepEqual(query(users).map(({ labels }) => labels.node).sort(), nodes);
  assert.deepEqual(query(users).map(({ value }) => value), [5, 5]);
  assert.deepEqual(query(cpu).map(({ labels }) => labels.node).sort(), nodes);
});

Deno.test("Prometheus gets names and errors with special characters unchanged", {
  ignore,
}, async () => {
  const hostile = 'a"\n{} \\ </script><img src=x onerror=alert(1)> =HYPERLINK("x")';
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${folder}/aiotestfile.ts`,
    `import { User } from "aiotest";
    const hostile = ${JSON.stringify(hostile)};
    export class HostileTest extends User {
      async testStep() {
        this.record({ name: hostile, latencyMs: 1, error: hostile + "\\0" });
        await this.sleep(3600);
      }
    }`,
  );
  const { query } = await scrape({
    args: ["-f", `${folder}/aiotestfile.ts`, "-u", "1"],
    total: 1,
    expressions: ["aiotest_response_times_count", "aiotest_response_failure_total"],
  });
  const [times] = query("aiotest_response_times_count");
  assert.deepEqual([times!.labels.name, times!.labels.method], [hostile, "TASK"]);
  // An error is one line of text, and a NUL would end the page.
  const [failure] = query("aiotest_response_failure_total");
  assert.equal(failure!.labels.name, hostile);
  assert.ok(!failure!.labels.error!.includes("\0"));
  await Deno.remove(folder, { recursive: true });
});

const CUSTOM = 'aiotest_custom_cache_hits_total{result="hit"}';

Deno.test("Prometheus has an answer to all that the dashboard of Grafana and docs/metrics.md ask", {
  ignore,
}, async () => {
  await using target = new Target({ "/": () => new Response("ok") });
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${folder}/aiotestfile.ts`,
    `import { cluster, FastHttpUser, hold, metrics, User } from "aiotest";
    const hits = metrics.rate("cache_hits");
    export class OtherTest extends User {
      static load = hold({ seconds: 600, users: 1 });
      async testOnce() {
        this.record({ name: "once", latencyMs: 1 });
        await this.sleep(600);
      }
    }
    export class EverythingTest extends FastHttpUser {
      async testStep() {
        if (this.done) return;
        this.done = true;
        await this.group("home", () => this.session.get("/", { tags: { cache: "hit" } }));
        this.check("is here", true);
        hits.add(true);
        for (let i = 0; i < 50; i++) {
          this.record({ name: "step", latencyMs: i, error: i % 10 === 0 ? "no luck" : null });
          await this.sleep(0.1);
        }
        await cluster.rendezvous("end", { users: 2, timeout: 60 });
      }
      async onStart() {
        if (this.failed) return;
        this.failed = true;
        throw new Error("not yet");
      }
      failed = false;
      done = false;
    }`,
  );
  const queries = await dashboardQueries();
  const documented = (await fencedBlocks("docs/metrics.md"))
    .filter(({ language }) => language === "promql")
    .flatMap(({ text }) => text.trim().split("\n"))
    .filter((line) => !line.startsWith("#"));
  const { query } = await scrape({
    args: [
      ...["-f", `${folder}/aiotestfile.ts`, "--arrival-rate", "2", "--max-users", "2"],
      ...["-H", target.url, "--threshold", "p95<1s"],
    ],
    total: 103,
    // The iterations have ended, so their times are known.
    settled: "sum(aiotest_iterations_completed_total) >= bool 2",
    expressions: [...queries.map(({ expression }) => expression), CUSTOM, ...documented],
  });
  assert.deepEqual(query(CUSTOM).map(({ value }) => value), [2]);
  for (const { title, expression } of queries) {
    assert.ok(query(expression).length > 0 || title === "Runs", `${title}: ${expression}`);
  }
  assert.equal(documented.length, 4);
  for (const expression of documented) assert.ok(query(expression).length > 0, expression);
  const meetings = queries.find(({ expression }) => expression.includes("rendezvous"))!;
  assert.deepEqual(
    query(meetings.expression).map(({ labels, value }) => [labels.complete, value]).sort(),
    [["false", 0], ["true", 1]],
  );
  await Deno.remove(folder, { recursive: true });
});

/** What `/metrics` answers. */
function page(of: Snapshot): string {
  const rounds = [{ name: "checkout", complete: 3, incomplete: 1 }];
  const metrics = new RunMetrics({ buckets: [50, 100.5, 2000], version: "0.1.0" });
  return new PrometheusText().of(metrics.of(of, rounds));
}

Deno.test("promtool accepts the metrics page", {
  ignore: isMissing("promtool"),
}, async () => {
  const hostile = 'a"\n{} \\ </script> \0 =1+1';
  const shop = clusterSnapshot(60);
  const [row] = shop.statistics.requests;
  const pages = [
    page(emptySnapshot()),
    page(shop),
    page(scriptedSnapshot(60)),
    page(snapshot({
      arrivalRate: 5,
      thresholds: [{ expression: hostile, observed: 1, passed: true }],
      statistics: statistics({
        requests: [{ ...row!, name: hostile }],
        failures: [{ method: "GET", name: hostile, error: hostile, count: 1 }],
        groups: [groupRow({ name: hostile })],
        checks: [checkRow({ name: hostile })],
        metrics: [counterRow({ name: hostile }), trendRow({ name: hostile, unit: hostile })],
        userErrors: [{ user: hostile, error: hostile, place: hostile, count: 1 }],
        iterations: {
          scheduled: 1,
          started: 1,
          completed: 1,
          interrupted: 0,
          dropped: 0,
          serviceTimeMs: latencies(100),
          startDelayMs: latencies(1),
        },
      }),
    })),
  ];
  for (const text of pages) {
    const child = new Deno.Command("promtool", {
      args: ["check", "metrics"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    await new Response(text).body!.pipeTo(child.stdin);
    const { code, stdout, stderr } = await child.output();
    const said = new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
    assert.deepEqual([code, said], [0, ""]);
  }
});
