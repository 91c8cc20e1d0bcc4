/**
 * What a run is watched by from outside: `/metrics`, and a collector.
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

// Sends the metrics of a run to a collector while it goes on.

/** What is used of the package's exporter. */
export interface MetricExporter {
  /** Sends metrics, again and again where it is worth it; `done` gets code 0 when they have arrived. */
  export(
    metrics: ResourceMetrics,
    done: (result: { readonly code: number; readonly error?: Error }) => void,
  ): void;
}

/** What an export works with. */
interface OtlpExportOptions {
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

/** Where collectors take metrics. */
const PATH = "/v1/metrics";

/**
 * Where `--otlp` has metrics sent: to the path that collectors have for them, unless the URL names it.
 * What is wrong with one is said without it, as there may be a secret in it.
 *
 * @throws UsageError where it is none.
 */
export function parseOtlpUrl(text: string): string {
  const url = URL.parse(text);
  // The exporter sends neither name nor password of a URL: better no start than no metrics.
  const isPlain = url !== null && url.username + url.password + url.hash === "";
  if (!isPlain || !["http:", "https:"].includes(url.protocol)) {
    throw new UsageError(
      "--otlp: expected a URL like http://127.0.0.1:4318",
      "Metrics are sent to /v1/metrics there. Names and passwords go into OTEL_EXPORTER_OTLP_HEADERS.",
    );
  }
  if (!url.pathname.endsWith(PATH)) url.pathname = url.pathname.replace(/\/*$/, PATH);
  return url.href;
}

/** A run that is watched; all is as it is at the moment of asking. */
interface Watched {
  snapshot(): Snapshot;
  rendezvous(): readonly RendezvousRounds[];
}

/** What is used of the package. */
interface ExporterPackage {
  readonly OTLPMetricExporter: new (options: object) => MetricExporter;
}

/** Not a name in the import itself: what most runs do without must not cost every start. */
const PACKAGE = "@opentelemetry/exporter-metrics-otlp-http";

/** How long a collector may take, all attempts together, in milliseconds; the end of a run waits longer. */
const TIMEOUT_MS = 4_000;

/**
 * Begins to send metrics where `--otlp` says so; `/metrics` is for whoever serves it.
 *
 * @throws UsageError where the URL of `--otlp` is none.
 */
export async function openMetricsExport(
  { buckets, otlp }: Pick<Options, "buckets" | "otlp">,
  watched: Watched,
): Promise<MetricsExport> {
  const metrics = new RunMetrics({ buckets, version: VERSION });
  const text = new PrometheusText();
  const exported = otlp === null ? null : await openOtlp(parseOtlpUrl(otlp), metrics, watched);
  exported?.start();
  return {
    metrics: () => text.of(metrics.of(watched.snapshot(), watched.rendezvous())),
    end: async () => await exported?.end(),
  };
}

async function openOtlp(url: string, metrics: RunMetrics, watched: Watched): Promise<OtlpExport> {
  const { OTLPMetricExporter }: ExporterPackage = await import(PACKAGE);
  return new OtlpExport({
    exporter: new OTLPMetricExporter({ url, timeoutMillis: TIMEOUT_MS }),
    place: new URL(url).host,
    metrics: () => {
      const snapshot = watched.snapshot();
      const at = systemClock.wallTime();
      const { runId, startedAt, elapsedSeconds, durationSeconds } = snapshot;
      // Where the start was not to count, counters have begun later.
      const since = (startedAt ?? at) + (elapsedSeconds - durationSeconds) * 1000;
      return otlpMetrics(metrics.of(snapshot, watched.rendezvous()), {
        version: VERSION,
        runId,
        since,
        at,
      });
    },
    clock: systemClock,
    info: (line) => logger.info(line),
    warn: (line) => logger.warn(line),
  });
}

/** Where a run can be watched, until its end. */
export interface MetricsExport {
  /** The page that Prometheus scrapes, as `PrometheusText` makes it. */
  metrics(): string;
  /** Sends what has come of the run to the collector, where there is one; takes 5 s at most. */
  end(): Promise<void>;
}
