/**
 * What a run is watched by from outside: `/metrics`, and a collector.
 *
 * @module
 */

import { systemClock } from "../core/clock.ts";
import { logger } from "../core/logger.ts";
import type { RendezvousRounds } from "../core/rendezvous_rounds.ts";
import { VERSION } from "../core/version.ts";
import { otlpMetrics } from "../report/otlp_metrics.ts";
import { PrometheusText } from "../report/prometheus_text.ts";
import { RunMetrics } from "../report/run_metrics.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import type { Exposition } from "./exposition.ts";
import type { Options } from "./options.ts";
import { type MetricExporter, OtlpExport } from "./otlp_export.ts";
import { parseOtlpUrl } from "./otlp_url.ts";

/** A run that is watched; all is as it is at the moment of asking. */
export interface Watched {
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
export async function openExposition(
  { buckets, otlp }: Pick<Options, "buckets" | "otlp">,
  watched: Watched,
): Promise<Exposition> {
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
    // What went wrong may have braces in it, which the log would take for its own.
    info: (line) => logger.info("{line}", { line }),
    warn: (line) => logger.warn("{line}", { line }),
  });
}
