import assert from "node:assert/strict";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { openMetricsExport, OtlpExport } from "../../src/cli/metrics_export.ts";
import type { OtlpExporter } from "../../src/cli/otlp.ts";
import { UsageError } from "../../src/core/errors.ts";
import { configureLog } from "../../src/core/logger.ts";
import { otlpMetrics } from "../../src/report/otlp.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { FakeClock } from "../support/fake_clock.ts";
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

const NO_ENV = (): undefined => undefined;

function watched(now: Snapshot): { snapshot: () => Snapshot; rendezvous: () => [] } {
  return { snapshot: () => now, rendezvous: () => [] };
}

Deno.test("the metrics page shows the current state of the run", async () => {
  let now = emptySnapshot();
  const exported = await openMetricsExport({ buckets: [10], otlp: null }, {
    snapshot: () => now,
    rendezvous: () => [{ name: "checkout", complete: 2, incomplete: 0 }],
  }, NO_ENV);
  assert.match(exported.text(), /^aiotest_run_state\{state="ready"\} 1$/m);
  assert.doesNotMatch(exported.text(), /^aiotest_response_times_count/m);
  now = snapshot();
  const text = exported.text();
  assert.match(text, /^aiotest_run_state\{state="running"\} 1$/m);
  assert.match(text, /^aiotest_response_times_count\{.*\} 1000$/m);
  assert.match(text, /^aiotest_response_times_bucket\{.*le="10\.0"\} 0$/m);
  assert.match(text, /checkout.* 2$/m);
  await exported.end();
});

Deno.test("a collector gets the final metrics, counted from the reset", async () => {
  await using collector = new Collector();
  // Ten seconds of the start did not count.
  const run = snapshot({ state: "stopped", elapsedSeconds: 30, durationSeconds: 20 });
  const exported = await openMetricsExport(
    { buckets: [10], otlp: collector.url },
    watched(run),
    NO_ENV,
  );
  assert.deepEqual(collector.bodies, []);
  await exported.end();
  assert.equal(collector.bodies.length, 1);
  const { resourceMetrics } = JSON.parse(collector.bodies[0]!);
  const { metrics } = resourceMetrics[0].scopeMetrics[0];
  const times = metrics.find(({ name }: { name: string }) => name === "aiotest_response_times");
  const [{ startTimeUnixNano, count }] = times.histogram.dataPoints;
  assert.equal(count, 1000);
  assert.equal(BigInt(startTimeUnixNano), BigInt(run.startedAt! + 10_000) * 1_000_000n);
});

Deno.test("a collector that refuses metrics is logged once", async () => {
  await using collector = new Collector(400);
  const lines: string[] = [];
  await configureLog("INFO", (_, { level, text }) => lines.push(`${level} ${text}`));
  const exported = await openMetricsExport(
    { buckets: [10], otlp: collector.url },
    watched(snapshot()),
    NO_ENV,
  );
  await exported.end();
  assert.equal(lines.length, 1);
  assert.match(
    lines[0]!,
    /^WARNING Cannot send metrics to the OpenTelemetry collector at 127\.0\.0\.1:\d+: .+/,
  );
});

Deno.test("an invalid collector URL is refused", async () => {
  const open = openMetricsExport({ buckets: [10], otlp: "127.0.0.1" }, watched(snapshot()), NO_ENV);
  await assert.rejects(open, UsageError);
});

/** An export with a scripted collector. */
class Scene {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  /** When something was sent, in seconds. */
  readonly sent: number[] = [];
  /** What the next attempts come to: an error's text, or null; without one they do not end. */
  answers: (string | null)[] = [];
  readonly otlp: OtlpExport;

  constructor(export_?: OtlpExporter<ResourceMetrics>["export"]) {
    this.otlp = new OtlpExport({
      exporter: { export: export_ ?? ((_, done) => this.#export(done)) },
      place: "box:4318",
      metrics: () =>
        otlpMetrics([], { version: "", runId: "", name: null, labels: {}, since: 0, at: 0 }),
      clock: this.clock,
      info: (text) => this.lines.push(`info ${text}`),
      warn: (text) => this.lines.push(`warn ${text}`),
    });
  }

  #export(done: Parameters<OtlpExporter<ResourceMetrics>["export"]>[1]): void {
    this.sent.push(this.clock.now() / 1000);
    const answer = this.answers.shift();
    if (answer === null) done({ code: 0 });
    else if (answer !== undefined) done({ code: 1, error: new Error(answer) });
  }
}

Deno.test("metrics are sent every 10 s, and at the end", async () => {
  const scene = new Scene();
  scene.answers = [null, null, null];
  const since = scene.clock.now() / 1000;
  scene.otlp.start();
  await scene.clock.advance(25_000);
  await scene.otlp.end();
  assert.deepEqual(scene.sent.map((at) => at - since), [10, 20, 25]);
  assert.deepEqual(scene.lines, []);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("an unreachable collector is logged once, and once more when it is back", async () => {
  const scene = new Scene();
  scene.answers = ["refused", "refused", null, "refused"];
  scene.otlp.start();
  await scene.clock.advance(35_000);
  await scene.otlp.end();
  const away = "warn Cannot send metrics to the OpenTelemetry collector at box:4318: refused";
  assert.deepEqual(scene.lines, [
    away,
    "info The OpenTelemetry collector at box:4318 is receiving metrics again.",
    away,
  ]);
});

Deno.test("while an export is in progress no other starts, and the end waits 5 s for it", async () => {
  const scene = new Scene();
  scene.otlp.start();
  await scene.clock.advance(35_000);
  assert.equal(scene.sent.length, 1);
  let isOver = false;
  void scene.otlp.end().then(() => isOver = true);
  await scene.clock.advance(4_999);
  assert.equal(isOver, false);
  await scene.clock.advance(1);
  assert.equal(isOver, true);
  assert.deepEqual(scene.lines, [
    "warn Cannot send metrics to the OpenTelemetry collector at box:4318: no answer within 5 s",
  ]);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("an exporter that throws counts as failed", async () => {
  const scene = new Scene(() => {
    throw new Error("no room");
  });
  await scene.otlp.end();
  assert.deepEqual(scene.lines.length, 1);
  assert.match(scene.lines[0]!, /no room$/);
});
