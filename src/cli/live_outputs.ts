/**
 * The outputs of a run in progress, besides the terminal: dashboard, `/metrics` and OpenTelemetry. Also
 * decides the exit code.
 *
 * @module
 */

import type { Host } from "../core/host.ts";
import type { RendezvousRounds } from "../core/run_info.ts";
import type { PartialLoad, ResolvedLoad } from "../load/load.ts";
import { summarized } from "../report/summary_snapshot.ts";
import type { RunControl } from "../runner/run_control.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import type { DashboardControl } from "../web/control.ts";
import type { LogTail } from "../web/feed.ts";
import type { DashboardServer } from "../web/server.ts";
import { exitCodeOf } from "./exit_code.ts";
import { keptHistory } from "./history.ts";
import type { ShownRun } from "./dashboard.ts";
import type { MetricsExport } from "./metrics_export.ts";
import type { Options } from "./options.ts";
import type { RunSeries } from "./run_series.ts";
import { runMetadata } from "./run_metadata.ts";

/** A run in progress. */
export interface LiveRun {
  readonly control: RunControl;
  snapshot(): Snapshot;
  /**
   * As {@link snapshot}, if the process exits now: requests in progress are unfinished, counts may be missing,
   * and the thresholds are judged.
   */
  cutOff(): Snapshot;
  /** Stops it gracefully. */
  stop(): void;
  /** Lets a worker leave. @throws UsageError with a sentence if that is not possible. */
  stopWorker(id: string): void;
}

export interface LiveOutputsOptions {
  readonly host: Host;
  readonly options: Options;
  readonly run: LiveRun;
  readonly log: LogTail;
  readonly rendezvous: () => readonly RendezvousRounds[];
  /** `null`: the dashboard closes with the run. */
  readonly series: RunSeries | null;
}

/** The outputs of one run, until {@link end}. */
export class LiveOutputs {
  readonly #dashboard: DashboardServer | null;
  readonly #metrics: MetricsExport;
  /** Whether the dashboard shows further runs. */
  readonly #staysOpen: boolean;

  private constructor(
    dashboard: DashboardServer | null,
    metrics: MetricsExport,
    staysOpen: boolean,
  ) {
    this.#dashboard = dashboard;
    this.#metrics = metrics;
    this.#staysOpen = staysOpen;
  }

  /**
   * Opens the outputs that the options ask for; `null` if there are none.
   *
   * @throws UsageError if one of them cannot be opened.
   */
  static async open(
    { host, options, run, log, rendezvous, series }: LiveOutputsOptions,
  ): Promise<LiveOutputs | null> {
    if (options.noWeb && options.otlp === null) return null;
    // Imported here, because most commands do not need them and every start would be slower.
    const { openMetricsExport } = await import("./metrics_export.ts");
    const metrics = await openMetricsExport(options, {
      snapshot: () => run.snapshot(),
      rendezvous,
    }, (name) => host.env(name));
    if (options.noWeb) return new LiveOutputs(null, metrics, false);
    const { openDashboard } = await import("./dashboard.ts");
    const shown: ShownRun = {
      control: new Control(run),
      log,
      metrics: () => metrics.text(),
      history: keptHistory(host, options),
      metadata: () => runMetadata(host, options),
      reported: () => {
        const counted = run.snapshot();
        const metadata = runMetadata(host, options);
        return {
          snapshot: summarized(counted, metadata),
          counted,
          exitCode: counted.state === "stopped"
            ? exitCodeOf(counted, options.exitCodeOnError, null)
            : null,
          metadata: () => metadata,
          fullHistory: options.csvFullHistory,
        };
      },
    };
    const open = (one: ShownRun): Promise<DashboardServer | null> =>
      openDashboard(host, options, one);
    const dashboard = series === null ? await open(shown) : await series.show(run, shown, open);
    return new LiveOutputs(dashboard, metrics, series !== null);
  }

  /** Shows the current state; to be called once per second. */
  update(snapshot: Snapshot): void {
    this.#dashboard?.update(snapshot);
  }

  /** Shows the final result, and closes the outputs. */
  async end(result: Snapshot, exitCode: number): Promise<void> {
    this.#dashboard?.update(result, exitCode);
    await this.#metrics.end();
    await this.close();
  }

  /** Closes the outputs. */
  async close(): Promise<void> {
    if (!this.#staysOpen) await this.#dashboard?.close();
  }
}

/** The run as the dashboard controls it. */
class Control implements DashboardControl {
  readonly #run: LiveRun;

  constructor(run: LiveRun) {
    this.#run = run;
  }

  get canStart(): boolean {
    return this.#run.control.canStart;
  }

  snapshot(): Snapshot {
    return this.#run.snapshot();
  }

  start(load: PartialLoad | null): ResolvedLoad | null {
    return this.#run.control.start(load);
  }

  pause(): void {
    this.#run.control.pause();
  }

  resume(): void {
    this.#run.control.resume();
  }

  stop(): void {
    this.#run.stop();
  }

  stopWorker(id: string): void {
    this.#run.stopWorker(id);
  }

  changeLoad(load: PartialLoad): ResolvedLoad {
    return this.#run.control.changeLoad(load);
  }
}
