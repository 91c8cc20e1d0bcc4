/**
 * Several runs of one process, one after the other: `--keep`.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import { AiotestError, ExitCode, isInstance, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { connectionOptions } from "./connection_options.ts";
import type { ConnectionOptions } from "../http/shared_http_state.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import type {
  DashboardControl,
  FieldProblem,
  RunForm,
  RunStarter,
  SeriesState,
} from "../web/control.ts";
import { LogTail } from "../web/feed.ts";
import type { DashboardServer } from "../web/server.ts";
import type { ShownRun } from "./dashboard.ts";
import type { CommandLine, Options } from "./options.ts";
import { fieldOf, formFlags, formValues, othersOf, type OtherTexts } from "./run_form.ts";
import { checkBreakable, setUpRun } from "./run_setup.ts";
import { readTestFile, type TestFile, type TestFileExports } from "./test_file.ts";

/** Where the options of further runs come from. */
export interface SeriesSource {
  readonly commandLine: CommandLine;
  readonly exports: TestFileExports;
}

/** A run of a series, as far as the series needs it. */
interface SeriesRun {
  snapshot(): Snapshot;
  stop(): void;
}

/**
 * Runs a test once, and then again each time that another run is started in the dashboard, until the series is
 * ended. Resolves with the highest exit code of its runs.
 *
 * @param runOnce runs with these options, and resolves with the exit code.
 * @param idle what is done between two runs.
 * @throws what the first run throws before it has a dashboard, and errors of aiotest itself.
 */
export async function keepRunning(
  host: Host,
  options: Options,
  source: SeriesSource,
  runOnce: (options: Options, series: RunSeries) => Promise<number>,
  idle: () => Promise<Idling> = NOTHING,
): Promise<number> {
  const series = new RunSeries(host, options, source, await connectionOptions(host, options));
  try {
    for (let next: Options | null = options; next !== null; next = await series.next(idle)) {
      try {
        series.note(await runOnce(next, series));
      } catch (error) {
        if (!isInstance(error, AiotestError) || !series.isShown) throw error;
        host.stderr.write(
          `aiotest: ${error.message}\n${error.hint === "" ? "" : `${error.hint}\n`}`,
        );
        series.note(error.exitCode);
        series.noteProblem(sentences(error));
      }
    }
  } finally {
    await series.close();
  }
  return series.exitCode;
}

/** What is done between two runs. */
export interface Idling {
  /** How many workers wait for the next run. */
  workers?(): number;
  /** Ends it. @param stays whether there is another run. */
  end(stays: boolean): Promise<unknown>;
}

const NOTHING = (): Promise<Idling> => Promise.resolve({ end: () => Promise.resolve() });

/** The runs of one process, and the dashboard that they share. */
export class RunSeries implements RunStarter {
  /** The log of all runs. */
  readonly log = new LogTail();
  readonly #host: Host;
  readonly #source: SeriesSource;
  readonly #connections: ConnectionOptions;
  readonly #testFile: TestFile;
  readonly #releaseInterrupts: () => void;
  /** The options of the last run. */
  #options: Options;
  /** By how much they differ from those of the command line. */
  #others: OtherTexts = new Map();
  /** Counts the runs from 1. */
  #number = 1;
  #dashboard: DashboardServer | null = null;
  #shown: ShownRun | null = null;
  #run: SeriesRun | null = null;
  /** Whether a run is prepared or in progress, or its reports are written. */
  #isBusy = true;
  /** Whether the run that waits to be started gives way to another one. */
  #isReplaced = false;
  #isQuitting = false;
  #exitCode = 0;
  /** Between two runs. */
  #idling: Idling | null = null;
  /** What has prevented the last run, or ended it, as sentences; empty: nothing. */
  #problem = "";
  /** The options of the next run; `null`: there is none. */
  #next = Promise.withResolvers<Options | null>();

  constructor(
    host: Host,
    options: Options,
    source: SeriesSource,
    connections: ConnectionOptions,
  ) {
    this.#host = host;
    this.#options = options;
    this.#source = source;
    this.#connections = connections;
    this.#testFile = readTestFile(source.exports);
    // During a run, its session stops it, and ends the process at the second signal.
    this.#releaseInterrupts = host.onInterrupt(() => {
      if (this.#isQuitting && !this.#isBusy) host.exit(ExitCode.interrupted);
      this.#end();
    });
  }

  /** The highest exit code of the runs until now. */
  get exitCode(): number {
    return this.#exitCode;
  }

  /** Whether the dashboard has shown a run. */
  get isShown(): boolean {
    return this.#shown !== null;
  }

  /** By how much the options of the next run, or of the present one, differ from those of the command line. */
  get others(): OtherTexts {
    return this.#others;
  }

  /** Counts the runs from 1. */
  get number(): number {
    return this.#number;
  }

  /** Whether no further run follows. */
  get isQuitting(): boolean {
    return this.#isQuitting;
  }

  /** Whether the run that has waited to be started is not reported, because another one takes its place. */
  get isReplaced(): boolean {
    return this.#isReplaced;
  }

  /** A run has ended with this exit code. */
  note(exitCode: number): void {
    if (this.#isReplaced) return;
    this.#exitCode = Math.max(this.#exitCode, exitCode);
  }

  /** A run could not begin, or has ended with an error. */
  noteProblem(sentences: string): void {
    this.#problem = sentences;
  }

  /** The options of the next run, once it is started; `null` if the series has been ended. */
  async next(idle: () => Promise<Idling>): Promise<Options | null> {
    if (this.#isQuitting) return null;
    this.#idling = this.#isReplaced ? null : await idle();
    this.#isBusy = false;
    if (!this.#isReplaced) {
      logger.info(
        `Run ${this.#number} has ended. Start another one in the dashboard, or with aiotest control URL start; ` +
          "Ctrl-C ends aiotest.",
      );
    }
    const options = await this.#next.promise;
    await this.#idling?.end(options !== null);
    this.#idling = null;
    this.#next = Promise.withResolvers();
    if (options === null) return null;
    if (!this.#isReplaced) this.#number++;
    this.#isReplaced = false;
    this.#isBusy = true;
    this.#options = options;
    // It does not wait once more.
    return numbered({ ...options, noAutostart: false }, this.#number);
  }

  /** Shows a run in the dashboard, which the first one opens. */
  async show(
    run: SeriesRun,
    shown: ShownRun,
    open: (shown: ShownRun) => Promise<DashboardServer | null>,
  ): Promise<DashboardServer | null> {
    this.#run = run;
    this.#shown = shown;
    return this.#dashboard ??= await open(this.#current());
  }

  /** Whatever run is shown. */
  #current(): ShownRun {
    const shown = (): ShownRun => this.#shown!;
    return {
      control: new SeriesControl(() => shown().control, this),
      log: this.log,
      history: shown().history,
      metrics: () => shown().metrics(),
      metadata: () => shown().metadata(),
      reported: () => shown().reported(),
    };
  }

  /** Closes the dashboard. */
  async close(): Promise<void> {
    this.#releaseInterrupts();
    await this.#dashboard?.close();
  }

  get state(): SeriesState {
    const reason = this.#busyReason;
    return {
      canStart: reason === "",
      reason,
      workers: this.#idling?.workers?.() ?? null,
      problem: this.#problem,
    };
  }

  form(): RunForm {
    const { commandLine } = this.#source;
    const { userClasses, shapeClass } = this.#testFile;
    const { canStart, reason } = this.state;
    return {
      canStart,
      reason,
      values: formValues(this.#options),
      shape: shapeClass?.name ?? null,
      classes: userClasses.map(({ name, userClass, tests }) => ({
        name,
        weight: userClass.weight,
        fixedCount: userClass.fixedCount,
        hasLoad: userClass.load !== null,
        tests: tests.map((test) => ({ name: test.name, tags: test.tags })),
      })),
      tags: [...new Set(userClasses.flatMap(({ tests }) => tests.flatMap(({ tags }) => tags)))]
        .sort(),
      flags: formFlags(commandLine.customFlags, this.#options),
    };
  }

  start(fields: Readonly<Record<string, unknown>>): FieldProblem | null {
    const reason = this.#busyReason;
    if (reason !== "") throw new UsageError(reason);
    const { commandLine } = this.#source;
    const flags = commandLine.customFlags;
    const given = othersOf(fields, flags);
    if (typeof given === "string") return { error: given, field: fieldOf(given, flags) };
    const others = new Map([...this.#others, ...given]);
    let options: Options;
    try {
      options = commandLine.parseOthers(others);
      checkBreakable(setUpRun(readTestFile(this.#source.exports), options, this.#connections));
    } catch (error) {
      if (!isInstance(error, UsageError)) throw error;
      return { error: sentences(error), field: fieldOf(error.message, flags) };
    }
    this.#others = others;
    this.#problem = "";
    if (this.#isBusy) {
      this.#isReplaced = true;
      this.#run?.stop();
    }
    this.#isBusy = true;
    this.#next.resolve(options);
    return null;
  }

  quit(): void {
    this.#end();
    if (this.#isBusy) this.#run?.stop();
  }

  #end(): void {
    this.#isQuitting = true;
    this.#next.resolve(null);
  }

  /** Why no run can be started now; empty if one can. */
  get #busyReason(): string {
    if (this.#isQuitting) return "aiotest is ending.";
    if (!this.#isBusy) return "";
    if (this.#shown?.control.canStart && !this.#isReplaced) return "";
    const state = this.#run?.snapshot().state ?? "ready";
    if (state === "stopped") return "The reports of the last run are being written.";
    return state === "ready" ? "A run is being prepared." : "A run is in progress: stop it first.";
  }
}

/** The dashboard's control of a series: that of the present run, and what comes after it. */
class SeriesControl implements DashboardControl {
  readonly series: RunSeries;
  readonly #control: () => DashboardControl;

  constructor(control: () => DashboardControl, series: RunSeries) {
    this.#control = control;
    this.series = series;
  }

  get canStart(): boolean {
    return this.series.state.canStart;
  }

  snapshot(): Snapshot {
    return this.#control().snapshot();
  }

  start(...args: Parameters<DashboardControl["start"]>): ReturnType<DashboardControl["start"]> {
    return this.#control().start(...args);
  }

  pause(): void {
    this.#control().pause();
  }

  resume(): void {
    this.#control().resume();
  }

  stop(): void {
    this.#control().stop();
  }

  stopWorker(id: string): void {
    this.#control().stopWorker(id);
  }

  changeLoad(
    ...args: Parameters<DashboardControl["changeLoad"]>
  ): ReturnType<DashboardControl["changeLoad"]> {
    return this.#control().changeLoad(...args);
  }
}

/** What an error says, in one line. */
function sentences({ message, hint }: AiotestError): string {
  return `${message}.${hint === "" ? "" : ` ${hint}`}`;
}

/** Options of files that each run writes. */
const FILES = ["json", "html", "junit", "markdown", "samples"] as const;

/** The options of a further run: its files have its number in their names, so that none is replaced. */
function numbered(options: Options, number: number): Options {
  if (number === 1) return options;
  const files = FILES.map((name) => {
    const path = options[name];
    return [name, path === null ? null : numberedPath(path, number)] as const;
  });
  const { csv } = options;
  return {
    ...options,
    ...Object.fromEntries(files),
    csv: csv === null ? null : `${csv}-${number}`,
  };
}

/** `report.html` as `report-2.html`. Streams and devices stay. */
export function numberedPath(path: string, number: number): string {
  if (path === "-" || path.startsWith("/dev/")) return path;
  const [, stem = "", end = ""] = /^(\.?[^.]*)(.*)$/.exec(basename(path))!;
  const folder = dirname(path);
  const name = `${stem}-${number}${end}`;
  return folder === "." && !path.startsWith("./") ? name : join(folder, name);
}
