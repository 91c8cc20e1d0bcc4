/**
 * Exports the metrics of a run: as a page for Prometheus to scrape, and to an OpenTelemetry collector.
 *
 * @module
 */

import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { type Clock, systemClock, type Timer } from "../core/clock.ts";
import { errorText, UsageError } from "../core/errors.ts";
import { logger } from "../core/logger.ts";
import type { RendezvousRounds } from "../core/run_info.ts";
import { VERSION } from "../core/version.ts";
import { RunMetrics } from "../report/metrics.ts";
import { otlpMetrics } from "../report/otlp.ts";
import { PrometheusText } from "../report/prometheus.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import type { Options } from "./options.ts";

/** The part of OpenTelemetry's exporter that is used. */
export interface MetricExporter {
  /** Sends metrics, with retries; `done` gets code 0 when they have arrived. */
  export(
    metrics: ResourceMetrics,
    done: (result: { readonly code: number; readonly error?: Error }) => void,
  ): void;
}

interface OtlpExportOptions {
  readonly exporter: MetricExporter;
  /** Host and port of the collector, for messages. */
  readonly place: string;
  /** The current metrics. */
  readonly metrics: () => ResourceMetrics;
  readonly clock: Clock;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
}

const INTERVAL_MS = 10_000;

/** How long the end of a run waits for the last metrics to arrive. */
const END_LIMIT_MS = 5_000;

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
  #isUnreachable = false;

  constructor(options: OtlpExportOptions) {
    this.#options = options;
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
      this.#logChange(`no answer within ${END_LIMIT_MS / 1000} s`);
      limit.resolve();
    }, END_LIMIT_MS);
    await Promise.race([last(), limit.promise]);
    clock.clearTimer(timer);
  }

  async #send(): Promise<void> {
    const sent = this.#export();
    this.#sending = sent.then(() => {});
    const problem = await sent;
    this.#sending = null;
    this.#logChange(problem);
  }

  /** Logs when the collector becomes unreachable, and when it is back. */
  #logChange(problem: string | null): void {
    const { place, info, warn } = this.#options;
    if (problem === null && this.#isUnreachable) {
      info(`The OpenTelemetry collector at ${place} is receiving metrics again.`);
    } else if (problem !== null && !this.#isUnreachable) {
      warn(`Cannot send metrics to the OpenTelemetry collector at ${place}: ${problem}`);
    }
    this.#isUnreachable = problem !== null;
  }

  /** Resolves with what went wrong, or `null`. */
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

/** The path at which collectors receive metrics. */
const PATH = "/v1/metrics";

/**
 * The URL that `--otlp` sends metrics to, with the usual path appended if it is missing.
 *
 * @throws UsageError if the URL is invalid. The message does not quote it: it may contain a secret.
 */
export function parseOtlpUrl(text: string): string {
  const url = URL.parse(text);
  // The exporter ignores user and password in a URL, so the metrics would be rejected.
  const isPlain = url !== null && url.username + url.password + url.hash === "";
  if (!isPlain || !["http:", "https:"].includes(url.protocol)) {
    throw new UsageError(
      "--otlp: expected a URL like http://127.0.0.1:4318",
      "Metrics are sent to /v1/metrics. Set user and password in OTEL_EXPORTER_OTLP_HEADERS.",
    );
  }
  if (!url.pathname.endsWith(PATH)) url.pathname = url.pathname.replace(/\/*$/, PATH);
  return url.href;
}

/** The run whose metrics are exported; both methods return the current state. */
interface ExportedRun {
  snapshot(): Snapshot;
  rendezvous(): readonly RendezvousRounds[];
}

/** The part of the package that is used. */
interface ExporterPackage {
  readonly OTLPMetricExporter: new (options: object) => MetricExporter;
}

/** A variable, so that the package is not loaded at every start: most runs do not need it. */
const PACKAGE = "@opentelemetry/exporter-metrics-otlp-http";

/** Milliseconds for all attempts of one export together; less than {@link END_LIMIT_MS}. */
const TIMEOUT_MS = 4_000;

/**
 * Prepares the page for Prometheus, and starts to send metrics if there is `--otlp`.
 *
 * @throws UsageError if the URL of `--otlp` is invalid.
 */
export async function openMetricsExport(
  { buckets, otlp }: Pick<Options, "buckets" | "otlp">,
  run: ExportedRun,
): Promise<MetricsExport> {
  const metrics = new RunMetrics({ buckets, version: VERSION });
  const page = new PrometheusText();
  const exported = otlp === null ? null : await openOtlp(parseOtlpUrl(otlp), metrics, run);
  exported?.start();
  return {
    text: () => page.of(metrics.of(run.snapshot(), run.rendezvous())),
    end: async () => await exported?.end(),
  };
}

async function openOtlp(url: string, metrics: RunMetrics, run: ExportedRun): Promise<OtlpExport> {
  const { OTLPMetricExporter }: ExporterPackage = await import(PACKAGE);
  return new OtlpExport({
    exporter: new OTLPMetricExporter({ url, timeoutMillis: TIMEOUT_MS }),
    place: new URL(url).host,
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
