import assert from "node:assert/strict";
import { openMetricsExport } from "../../src/cli/metrics_export.ts";
import { UsageError } from "../../src/core/errors.ts";
import { configureLog } from "../../src/core/logger.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { emptySnapshot, snapshot } from "../support/snapshots.ts";

/** A collector that keeps what it is sent. */
class Collector implements AsyncDisposable {
  readonly url: string;
  readonly bodies: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(status = 200) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        this.bodies.push(await request.text());
        return Response.json({}, { status });
      },
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function watched(now: Snapshot): { snapshot: () => Snapshot; rendezvous: () => [] } {
  return { snapshot: () => now, rendezvous: () => [] };
}

Deno.test("metrics are of the run as it is when somebody asks", async () => {
  let now = emptySnapshot();
  const exposition = await openMetricsExport({ buckets: [10], otlp: null }, {
    snapshot: () => now,
    rendezvous: () => [{ name: "checkout", complete: 2, incomplete: 0 }],
  });
  assert.match(exposition.metrics(), /^aiotest_run_state\{state="ready"\} 1$/m);
  assert.doesNotMatch(exposition.metrics(), /^aiotest_response_times_count/m);
  now = snapshot();
  const text = exposition.metrics();
  assert.match(text, /^aiotest_run_state\{state="running"\} 1$/m);
  assert.match(text, /^aiotest_response_times_count\{.*\} 1000$/m);
  assert.match(text, /^aiotest_response_times_bucket\{.*le="10\.0"\} 0$/m);
  assert.match(text, /checkout.* 2$/m);
  await exposition.end();
});

Deno.test("a collector gets what has come of the run, counted from when counting began", async () => {
  await using collector = new Collector();
  // Ten seconds of the start did not count.
  const run = snapshot({ state: "stopped", elapsedSeconds: 30, durationSeconds: 20 });
  const exposition = await openMetricsExport({ buckets: [10], otlp: collector.url }, watched(run));
  assert.deepEqual(collector.bodies, []);
  await exposition.end();
  assert.equal(collector.bodies.length, 1);
  const { resourceMetrics } = JSON.parse(collector.bodies[0]!);
  const { metrics } = resourceMetrics[0].scopeMetrics[0];
  const times = metrics.find(({ name }: { name: string }) => name === "aiotest_response_times");
  const [{ startTimeUnixNano, count }] = times.histogram.dataPoints;
  assert.equal(count, 1000);
  assert.equal(BigInt(startTimeUnixNano), BigInt(run.startedAt! + 10_000) * 1_000_000n);
});

Deno.test("a collector that refuses costs a line of the log", async () => {
  await using collector = new Collector(400);
  const lines: string[] = [];
  await configureLog("INFO", (_, { level, text }) => lines.push(`${level} ${text}`));
  const exposition = await openMetricsExport(
    { buckets: [10], otlp: collector.url },
    watched(snapshot()),
  );
  await exposition.end();
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^WARNING Metrics do not arrive at 127\.0\.0\.1:\d+: .+/);
});

Deno.test("a collector's URL that is none is refused", async () => {
  const open = openMetricsExport({ buckets: [10], otlp: "127.0.0.1" }, watched(snapshot()));
  await assert.rejects(open, UsageError);
});
