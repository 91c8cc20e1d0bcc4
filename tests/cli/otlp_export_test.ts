import assert from "node:assert/strict";
import { type MetricExporter, OtlpExport } from "../../src/cli/metrics_export.ts";
import { otlpMetrics } from "../../src/report/otlp.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** An export whose collector answers what it is told to. */
class Scene {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  /** When something was sent, in seconds. */
  readonly sent: number[] = [];
  /** What the next attempts come to: an error's text, or null; without one they do not end. */
  answers: (string | null)[] = [];
  readonly otlp: OtlpExport;

  constructor(export_?: MetricExporter["export"]) {
    this.otlp = new OtlpExport({
      exporter: { export: export_ ?? ((_, done) => this.#export(done)) },
      place: "box:4318",
      metrics: () => otlpMetrics([], { version: "", runId: "", since: 0, at: 0 }),
      clock: this.clock,
      info: (text) => this.lines.push(`info ${text}`),
      warn: (text) => this.lines.push(`warn ${text}`),
    });
  }

  #export(done: Parameters<MetricExporter["export"]>[1]): void {
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

Deno.test("a collector that is away is told of once, and again when it is back", async () => {
  const scene = new Scene();
  scene.answers = ["refused", "refused", null, "refused"];
  scene.otlp.start();
  await scene.clock.advance(35_000);
  await scene.otlp.end();
  const away = "warn Metrics do not arrive at box:4318: refused";
  assert.deepEqual(scene.lines, [away, "info Metrics arrive at box:4318 again.", away]);
});

Deno.test("while a collector takes its time, nothing more is sent, and the end waits 5 s for it", async () => {
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
    "warn Metrics do not arrive at box:4318: no answer within 5 s",
  ]);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("an exporter that throws is one that has failed", async () => {
  const scene = new Scene(() => {
    throw new Error("no room");
  });
  await scene.otlp.end();
  assert.deepEqual(scene.lines.length, 1);
  assert.match(scene.lines[0]!, /no room$/);
});
