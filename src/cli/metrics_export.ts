/**
 * Exports the metrics of a run: as a page for Prometheus to scrape, and to an OpenTelemetry collector.
 *
 * @module
 */

import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { type Clock, systemClock, type Timer } from "../core/clock.ts";
import { logger } from "../core/logger.ts";
import type { RendezvousRounds } from "../core/run_info.ts";
import { VERSION } from "../core/version.ts";
import { RunMetrics } from "../report/metrics.ts";
import { otlpMetrics } from "../report/otlp.ts";
import { PrometheusText } from "../report/prometheus.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import type { Options } from "./options.ts";
import {
  CollectorLink,
  exportOnce,
  openExporter,
  OTLP_END_LIMIT_MS,
  type OtlpEndpoint,
  otlpEndpoint,
  type OtlpExporter,
} from "./otlp.ts";

interface OtlpExportOptions {
  readonly exporter: OtlpExporter<ResourceMetrics>;
  /** Host and port of the collector, for messages. */
  readonly place: string;
  /** The current metrics. */
  readonly metrics: () => ResourceMetrics;
  readonly clock: Clock;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
}

const INTERVAL_MS = 10_000;

/**
 * Sends metrics every 10 s and at the end. If the collector cannot be reached, that is logged once, and
 * the next attempt follows at the usual time: metrics are totals, so nothing is lost. The run waits for
 * the collector only at its end, for at most 5 s.
 */
export class OtlpExport {
  readonly #options: OtlpExportOptions;
  #timer: Timer | null = null;
  /** The export in progress, if any. */
  #sending: Promise<void> | null = null;
  readonly #link: CollectorLink;

  constructor(options: OtlpExportOptions) {
    this.#options = options;
    this.#link = new CollectorLink({ ...options, signal: "metrics" });
  }

  /** Starts to send metrics at intervals. */
  start(): void {
    this.#timer = this.#options.clock.setTimer(() => {
      this.start();
      // A previous export that has not ended is still being retried by the exporter itself.
      if (this.#sending === null) void this.#send();
    }, INTERVAL_MS);
  }

  /** Sends the final metrics; resolves when they have arrived, or after the time limit. */
  async end(): Promise<void> {
    const { clock } = this.#options;
    if (this.#timer !== null) clock.clearTimer(this.#timer);
    const last = async (): Promise<void> => {
      await this.#sending;
      await this.#send();
    };
    const limit = Promise.withResolvers<void>();
    const timer = clock.setTimer(() => {
      this.#link.note(`no answer within ${OTLP_END_LIMIT_MS / 1000} s`);
      limit.resolve();
    }, OTLP_END_LIMIT_MS);
    await Promise.race([last(), limit.promise]);
    clock.clearTimer(timer);
  }

  async #send(): Promise<void> {
    const { exporter, metrics } = this.#options;
    const sent = exportOnce(exporter, metrics);
    this.#sending = sent.then(() => {});
    const problem = await sent;
    this.#sending = null;
    this.#link.note(problem);
  }
}

/** The run whose metrics are exported; both methods return the current state. */
interface ExportedRun {
  snapshot(): Snapshot;
  rendezvous(): readonly RendezvousRounds[];
}

/**
 * Prepares the page for Prometheus, and starts to send metrics if there is `--otlp`.
 *
 * @param env returns an environment variable, or `undefined`.
 * @throws UsageError if the URL of `--otlp` is invalid, or its protocol cannot be used.
 */
export async function openMetricsExport(
  { buckets, otlp }: Pick<Options, "buckets" | "otlp">,
  run: ExportedRun,
  env: (name: string) => string | undefined,
): Promise<MetricsExport> {
  const metrics = new RunMetrics({ buckets, version: VERSION });
  const page = new PrometheusText();
  const exported = otlp === null
    ? null
    : await openOtlp(otlpEndpoint(otlp, "metrics", env), metrics, run);
  exported?.start();
  return {
    text: () => page.of(metrics.of(run.snapshot(), run.rendezvous())),
    end: async () => await exported?.end(),
  };
}

async function openOtlp(
  endpoint: OtlpEndpoint,
  metrics: RunMetrics,
  run: ExportedRun,
): Promise<OtlpExport> {
  return new OtlpExport({
    exporter: await openExporter(endpoint, "metrics"),
    place: endpoint.place,
    metrics: () => {
      const snapshot = run.snapshot();
      const { runId, name, labels, startedAt, elapsedSeconds, durationSeconds } = snapshot;
      // The wall clock can be set during the run, but no metric may be older than its start.
      const at = startedAt === null ? systemClock.wallTime() : startedAt + elapsedSeconds * 1000;
      // With --reset-stats, counters started later than the run.
      const since = (startedAt ?? at) + (elapsedSeconds - durationSeconds) * 1000;
      return otlpMetrics(metrics.of(snapshot, run.rendezvous()), {
        version: VERSION,
        runId,
        name,
        labels,
        since,
        at,
      });
    },
    clock: systemClock,
    info: (line) => logger.info(line),
    warn: (line) => logger.warn(line),
  });
}

/** The metrics of a run, until its end. */
export interface MetricsExport {
  /** The page that Prometheus scrapes. */
  text(): string;
  /** Sends the final metrics to the collector, if there is one; takes 5 s at most. */
  end(): Promise<void>;
}
