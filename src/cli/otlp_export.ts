/**
 * Sends the metrics of a run to a collector while it goes on.
 *
 * @module
 */

import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { Clock, Timer } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";

/** What is used of the package's exporter. */
export interface MetricExporter {
  /** Sends metrics, again and again where it is worth it; `done` gets code 0 when they have arrived. */
  export(
    metrics: ResourceMetrics,
    done: (result: { readonly code: number; readonly error?: Error }) => void,
  ): void;
}

/** What an export works with. */
export interface OtlpExportOptions {
  readonly exporter: MetricExporter;
  /** Where they are sent, for people. */
  readonly place: string;
  /** The metrics as they are now. */
  readonly metrics: () => ResourceMetrics;
  readonly clock: Clock;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
}

const EVERY_MS = 10_000;

/** What the end of a run waits for the last metrics, in milliseconds. */
const END_LIMIT_MS = 5_000;

/**
 * Sends metrics every 10 s and at the end. A collector that is away is told of once, and tried again
 * the next time: counts are totals, so that nothing is lost by it. The run never waits for it, but for
 * 5 s at its end.
 *
 * ```ts
 * import { systemClock as clock } from "../core/clock.ts";
 * import { otlpMetrics } from "../report/otlp_metrics.ts";
 * import { OtlpExport } from "./otlp_export.ts";
 * import assert from "node:assert/strict";
 *
 * const sent: unknown[] = [];
 * const metrics = otlpMetrics([], { version: "0.1.0", runId: "7c0e", since: 0, at: 0 });
 * const otlp = new OtlpExport({
 *   exporter: { export: (what, done) => (sent.push(what), done({ code: 0 })) },
 *   place: "box:4318", metrics: () => metrics, clock, info: () => {}, warn: () => {},
 * });
 * otlp.start();
 * await otlp.end();
 * assert.deepEqual(sent, [metrics]);
 * ```
 */
export class OtlpExport {
  readonly #options: OtlpExportOptions;
  #timer: Timer | null = null;
  /** What is being sent; null where nothing is. */
  #underWay: Promise<void> | null = null;
  #isAway = false;

  constructor(options: OtlpExportOptions) {
    this.#options = options;
  }

  /** Begins to send. */
  start(): void {
    this.#timer = this.#options.clock.setTimer(() => {
      this.start();
      // One that takes so long is still tried again by the exporter itself.
      if (this.#underWay === null) void this.#send();
    }, EVERY_MS);
  }

  /** Sends what has come of the run; resolves when it has arrived, or when it takes too long. */
  async end(): Promise<void> {
    const { clock } = this.#options;
    if (this.#timer !== null) clock.clearTimer(this.#timer);
    const last = async (): Promise<void> => {
      await this.#underWay;
      await this.#send();
    };
    const limit = Promise.withResolvers<void>();
    const timer = clock.setTimer(() => {
      this.#note(`no answer within ${END_LIMIT_MS / 1000} s`);
      limit.resolve();
    }, END_LIMIT_MS);
    await Promise.race([last(), limit.promise]);
    clock.clearTimer(timer);
  }

  async #send(): Promise<void> {
    const sent = this.#export();
    this.#underWay = sent.then(() => {});
    const problem = await sent;
    this.#underWay = null;
    this.#note(problem);
  }

  /** @param problem what has gone wrong; null where nothing has. */
  #note(problem: string | null): void {
    const { place, info, warn } = this.#options;
    if (problem === null && this.#isAway) info(`Metrics arrive at ${place} again.`);
    else if (problem !== null && !this.#isAway) {
      warn(`Metrics do not arrive at ${place}: ${problem}`);
    }
    this.#isAway = problem !== null;
  }

  /** Resolves with what has gone wrong, or null. */
  #export(): Promise<string | null> {
    const { exporter, metrics } = this.#options;
    return new Promise<string | null>((resolve) => {
      exporter.export(
        metrics(),
        ({ code, error }) => resolve(code === 0 ? null : errorText(error)),
      );
    }).catch(errorText);
  }
}
