/**
 * The history of runs: which commands keep one and where, how a run is added to it, and how a command line names
 * its runs.
 *
 * @module
 */

import { resolve } from "node:path";
import { systemClock } from "../core/clock.ts";
import { systemReason } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { OutputFile } from "../core/output_files.ts";
import { HISTORY_LIMITS, type HistoryHost, historyId, RunHistory } from "../report/run_history.ts";
import { frozen } from "../stats/frozen_snapshot.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import { REPORT_FORMATS, type ReportedRun } from "../web/report_formats.ts";
import type { Options } from "./options.ts";
import { runMetadata } from "./run_metadata.ts";
import { environmentName } from "./setting_types.ts";

/** Where runs of a test file are kept, in the working directory. */
const DEFAULT_DIRECTORY = ".aiotest";

/** The history in a directory. @param directory relative to the working directory; `null`: the default. */
export function historyIn(
  host: HistoryHost & Pick<Host, "cwd">,
  directory: string | null,
): RunHistory {
  const shown = directory ?? DEFAULT_DIRECTORY;
  return new RunHistory(host, resolve(host.cwd, shown), shown);
}

/** What commands that read a history take from the environment: only where it is. */
export function historyEnvironment(host: Pick<Host, "env">): Pick<Host, "env"> {
  const variable = environmentName("history");
  return { env: (name) => name === variable ? host.env(name) : undefined };
}

/**
 * The history that a run is added to; `null` if it is added to none. A pass is no measurement, and workspaces of CI
 * are thrown away, so there only a directory that was asked for is written.
 */
export function keptHistory(
  host: HistoryHost & Pick<Host, "cwd" | "env">,
  { history, noHistory, once }: Pick<Options, "history" | "noHistory" | "once">,
): RunHistory | null {
  if (noHistory || once || history === null && isCi(host)) return null;
  return historyIn(host, history);
}

/** GitHub, GitLab and most others set the variable. */
function isCi(host: Pick<Host, "env">): boolean {
  return !["", "0", "false"].includes((host.env("CI") ?? "").toLowerCase());
}

/** The age of a run from which on it is kept, even if it is killed, in seconds. */
const FIRST_WRITE_S = 5;

/** How often its summary is rewritten at most, in milliseconds. */
const REWRITE_MS = 30_000;

/** The share of the time that may be spent on it. */
const REWRITE_SHARE = 0.01;

/** The run that is being added. */
interface Entry {
  readonly runId: string;
  readonly id: string;
  /** `null` until the directory is open, and if it cannot be written. */
  file: OutputFile | null;
  /** Says that the run goes on no more. */
  release: (() => Promise<void>) | null;
  writeAt: number;
  /** What is being done. */
  work: Promise<void>;
}

/** Adds runs to a history: while they are going, in case they are killed, and at their end. */
export class HistoryWriter {
  readonly #host: Host;
  readonly #options: Options;
  readonly #history: RunHistory;
  readonly #warn: (text: string) => void;
  #entry: Entry | null = null;
  #isUnusable = false;

  /** @param warn receives a sentence if runs cannot be kept, once. */
  constructor(
    host: Host,
    options: Options,
    { history, warn }: { readonly history: RunHistory; readonly warn: (text: string) => void },
  ) {
    this.#host = host;
    this.#options = options;
    this.#history = history;
    this.#warn = warn;
  }

  /** Keeps what was counted until now if it is time to; called once a second. */
  update(snapshot: Snapshot): void {
    const { runId, startedAt, elapsedSeconds } = snapshot;
    if (startedAt === null || this.#isUnusable) return;
    const now = systemClock.now();
    if (this.#entry?.runId !== runId) {
      this.#entry = this.#begin(runId, startedAt);
      // A run that is resumed has started long ago.
      this.#entry.writeAt = now + Math.max(0, FIRST_WRITE_S - elapsedSeconds) * 1000;
      // While users have all descriptors, no module can be loaded.
      void summaryOf(this.#reported(snapshot)).catch(() => {});
    }
    const entry = this.#entry;
    if (now < entry.writeAt || entry.file === null) return;
    entry.writeAt = Infinity;
    entry.work = this.#rewrite(entry, entry.file, this.#reported(frozen(snapshot)));
  }

  #reported(snapshot: Snapshot): ReportedRun {
    const metadata = (): ReturnType<typeof runMetadata> => runMetadata(this.#host, this.#options);
    return { snapshot, exitCode: null, metadata };
  }

  #begin(runId: string, startedAt: number): Entry {
    const id = historyId(runId, startedAt);
    const entry: Entry = {
      ...{ runId, id },
      file: null,
      release: null,
      writeAt: Infinity,
      work: Promise.resolve(),
    };
    entry.work = this.#open(entry);
    return entry;
  }

  async #open(entry: Entry): Promise<void> {
    try {
      entry.file = await this.#history.open(entry.id);
      entry.release = this.#history.markAsGoing(entry.id);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #rewrite(entry: Entry, file: OutputFile, run: ReportedRun): Promise<void> {
    const began = systemClock.now();
    // It is tried again, and what fails at the end is said.
    await summaryOf(run).then((texts) => file.write(texts)).catch(() => {});
    const now = systemClock.now();
    entry.writeAt = now + Math.max(REWRITE_MS, (now - began) / REWRITE_SHARE);
  }

  /**
   * Adds a run that has ended, and removes old ones. Never rejects.
   *
   * @param run with its exit code. One that has not started is not added.
   */
  async end(run: ReportedRun): Promise<void> {
    const { runId, startedAt } = run.snapshot;
    if (startedAt === null || this.#isUnusable) return;
    const entry = this.#entry?.runId === runId ? this.#entry : this.#begin(runId, startedAt);
    this.#entry = null;
    await entry.work;
    if (entry.file === null) return;
    try {
      await entry.file.write(await summaryOf(run));
      await entry.release?.();
      await this.#history.prune(HISTORY_LIMITS, Date.now());
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#isUnusable = true;
    this.#warn(
      `This run is not kept in ${this.#history.directory}: ${systemReason(error)}. ` +
        "--history names another directory, and --no-history keeps no runs.",
    );
  }
}

function summaryOf(run: ReportedRun): Promise<Iterable<string>> {
  return REPORT_FORMATS.json.files[0]!.make(run);
}
