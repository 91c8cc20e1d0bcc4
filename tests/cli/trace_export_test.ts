import assert from "node:assert/strict";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { OtlpExporter } from "../../src/cli/otlp.ts";
import { openTraces, SpanExport } from "../../src/cli/trace_export.ts";
import { otlpResource } from "../../src/report/otlp.ts";
import type { Span } from "../../src/user/tracing.ts";
import { FakeClock } from "../support/fake_clock.ts";

const SPAN: Span = {
  traceId: "ab".repeat(16),
  spanId: "cd".repeat(8),
  parentId: "",
  kind: "iteration",
  name: "ShopTest iteration",
  startedAt: 1_700_000_000_000.25,
  durationMs: 2.5,
  error: null,
  attributes: {},
};

/** An export with a scripted collector. */
class Scene {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  /** The sizes of the batches that were sent. */
  readonly sent: number[] = [];
  readonly spans: ReadableSpan[] = [];
  /** What the next attempts come to: an error's text, or null; without one they do not end. */
  answers: (string | null)[] = [];
  readonly traces: SpanExport;

  constructor() {
    this.traces = new SpanExport({
      exporter: { export: (spans, done) => this.#export(spans, done) },
      place: "box:4318",
      resource: otlpResource("1.2.3", "run", {}),
      version: "1.2.3",
      clock: this.clock,
      closeEnded: () => {},
      info: (text) => this.lines.push(`info ${text}`),
      warn: (text) => this.lines.push(`warn ${text}`),
    });
  }

  add(count: number): void {
    for (let i = 0; i < count; i++) this.traces.add(SPAN);
  }

  #export(
    spans: ReadableSpan[],
    done: Parameters<OtlpExporter<ReadableSpan[]>["export"]>[1],
  ): void {
    this.sent.push(spans.length);
    this.spans.push(...spans);
    const answer = this.answers.shift();
    if (answer === null) done({ code: 0 });
    else if (answer !== undefined) done({ code: 1, error: new Error(answer) });
  }
}

Deno.test("spans are sent every second, in full batches before that, and at the end", async () => {
  const scene = new Scene();
  scene.answers = Array(9).fill(null);
  scene.traces.start();
  scene.add(10);
  await scene.clock.advance(999);
  assert.deepEqual(scene.sent, []);
  await scene.clock.advance(1);
  assert.deepEqual(scene.sent, [10]);
  scene.add(1_500);
  await scene.clock.advance(0);
  assert.deepEqual(scene.sent, [10, 1_000, 500]);
  scene.add(1);
  assert.deepEqual(await scene.traces.end(), []);
  assert.deepEqual(scene.sent, [10, 1_000, 500, 1]);
  assert.deepEqual(scene.lines, []);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("a span has the times and the parent of its own", async () => {
  const scene = new Scene();
  scene.answers = [null];
  scene.traces.add({ ...SPAN, kind: "request", parentId: "12".repeat(8), error: "HTTP 500" });
  await scene.traces.end();
  const [span] = scene.spans;
  assert.deepEqual(span!.startTime, [1_700_000_000, 250_000]);
  assert.deepEqual(span!.endTime, [1_700_000_000, 2_750_000]);
  assert.equal(span!.parentSpanContext!.spanId, "12".repeat(8));
  assert.deepEqual(span!.status, { code: 2, message: "HTTP 500" });
  assert.equal(span!.kind, 2);
});

Deno.test("a collector that is away is logged once, and its spans are counted as lost", async () => {
  const scene = new Scene();
  scene.answers = ["refused", "refused", null, "refused"];
  scene.traces.start();
  for (let second = 0; second < 3; second++) {
    scene.add(5);
    await scene.clock.advance(1_000);
  }
  scene.add(1);
  assert.deepEqual(await scene.traces.end(), [
    "11 of 16 spans were not sent to the collector at box:4318.",
  ]);
  const away = "warn Cannot send traces to the OpenTelemetry collector at box:4318: refused";
  assert.deepEqual(scene.lines, [
    away,
    "info The OpenTelemetry collector at box:4318 is receiving traces again.",
    away,
  ]);
});

Deno.test("spans that a slow collector leaves no room for are counted, and the end waits 5 s", async () => {
  const scene = new Scene();
  scene.traces.start();
  scene.add(1_000);
  assert.deepEqual(scene.sent, [1_000]);
  scene.add(25_000);
  let lost: readonly string[] | null = null;
  void scene.traces.end().then((warnings) => lost = warnings);
  await scene.clock.advance(4_999);
  assert.equal(lost, null);
  await scene.clock.advance(1);
  assert.deepEqual(lost, ["26000 of 26000 spans were not sent to the collector at box:4318."]);
  assert.deepEqual(scene.sent, [1_000]);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("without the option there are no traces, and without a collector no spans", async () => {
  const node = { host: { env: () => undefined }, runId: "run", node: "local" };
  assert.equal(
    await openTraces({ ...node, options: { traceContext: null, otlp: "http://a" } }),
    null,
  );
  const traces = await openTraces({ ...node, options: { traceContext: "1%", otlp: null } });
  assert.deepEqual(await traces!.end(), []);
});
