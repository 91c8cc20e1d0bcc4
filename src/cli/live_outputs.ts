/**
 * Where a run can be looked at from elsewhere while it goes on: dashboard, `/metrics`, a collector.
 *
 * @module
 */

import { AiotestError, ExitCode } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { RendezvousRounds } from "../core/run_info.ts";
import type { RunControl } from "../runner/run_control.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import { failedThresholds } from "../stats/thresholds.ts";
import type { DashboardControl } from "../web/control.ts";
import type { LogTail } from "../web/feed.ts";
import type { DashboardServer } from "../web/server.ts";
import type { MetricsExport } from "./metrics_export.ts";
import type { Options } from "./options.ts";
import { runMetadata } from "./run_metadata.ts";

/**
 * What a run that has ended makes the process exit with: of what holds, the first of what ended it
 * before its time, counts that are missing, thresholds, failures.
 *
 * @param exitCodeOnError what it is when requests or users failed.
 * @param failure what ended the run before its time; null where nothing did.
 */
export function judge(result: Snapshot, exitCodeOnError: number, failure: unknown): number {
  const { totals, userErrors } = result.statistics;
  if (failure instanceof AiotestError) return failure.exitCode;
  if (!result.complete) return ExitCode.cluster;
  if (failedThresholds(result).length > 0) return ExitCode.threshold;
  return totals.failures > 0 || userErrors.length > 0 ? exitCodeOnError : ExitCode.passed;
}

/** A run that is shown. */
export interface ShownRun {
  readonly control: RunControl;
  snapshot(): Snapshot;
  /** Ends it well. */
  stop(): void;
}

/** What is shown, and where. */
export interface LiveOutputsOptions {
  readonly host: Host;
  readonly options: Options;
  readonly run: ShownRun;
  readonly log: LogTail;
  readonly rendezvous: () => readonly RendezvousRounds[];
}

/** Shows one run, until {@link end}. */
export class LiveOutputs {
  readonly #dashboard: DashboardServer | null;
  readonly #exposition: MetricsExport;

  private constructor(dashboard: DashboardServer | null, exposition: MetricsExport) {
    this.#dashboard = dashboard;
    this.#exposition = exposition;
  }

  /**
   * Opens what the options ask for; null where they ask for nothing.
   *
   * @throws UsageError where it cannot be opened.
   */
  static async open(
    { host, options, run, log, rendezvous }: LiveOutputsOptions,
  ): Promise<LiveOutputs | null> {
    if (options.noWeb && options.otlp === null) return null;
    // Not at the top: what most commands do without must not cost each start.
    const { openMetricsExport } = await import("./metrics_export.ts");
    const exposition = await openMetricsExport(options, {
      snapshot: () => run.snapshot(),
      rendezvous,
    });
    if (options.noWeb) return new LiveOutputs(null, exposition);
    const { openDashboard } = await import("./dashboard.ts");
    const dashboard = openDashboard(host, options, {
      control: new Control(run),
      log,
      metrics: () => exposition.metrics(),
      reported: () => {
        const snapshot = run.snapshot();
        // What is still to come is not missing.
        const exitCode = judge({ ...snapshot, complete: true }, options.exitCodeOnError, null);
        return { snapshot, exitCode, metadata: () => runMetadata(host, options) };
      },
    });
    return new LiveOutputs(dashboard, exposition);
  }

  /** Shows the run as it is now; to be called once a second. */
  update(snapshot: Snapshot): void {
    this.#dashboard?.update(snapshot);
  }

  /** Shows a run that has ended, and then nothing any more. */
  async end(result: Snapshot, exitCode: number): Promise<void> {
    this.#dashboard?.update(result, exitCode);
    await this.#exposition.end();
    await this.close();
  }

  /** Shows nothing any more. */
  async close(): Promise<void> {
    await this.#dashboard?.close();
  }
}

/** A run in the hand of whoever looks at the dashboard. */
class Control implements DashboardControl {
  readonly #run: ShownRun;

  constructor(run: ShownRun) {
    this.#run = run;
  }

  get canStart(): boolean {
    return this.#run.control.canStart;
  }

  snapshot(): Snapshot {
    return this.#run.snapshot();
  }

  start(target: Parameters<RunControl["start"]>[0]): void {
    this.#run.control.start(target);
  }

  stop(): void {
    this.#run.stop();
  }

  changeLoad(target: Parameters<RunControl["changeLoad"]>[0]): void {
    this.#run.control.changeLoad(target);
  }
}
