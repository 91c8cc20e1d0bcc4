/**
 * Everything around one run: log, live panel, dashboard, interrupts, final report and report files.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import { sleep, systemClock } from "../core/clock.ts";
import { currentRun } from "../core/current_run.ts";
import { debugLog } from "../core/debug_log.ts";
import {
  AiotestError,
  atLeastFailed,
  errorText,
  ExitCode,
  INTERRUPTED_EARLY,
  UsageError,
} from "../core/errors.ts";
import { events, prepareWithin, stopHandlersLimit, within } from "../core/events.ts";
import { type ExitCall, HOW_TO_STOP } from "../core/exit_calls.ts";
import type { Host } from "../core/host.ts";
import { configureLog, type LogEntry, logger } from "../core/logger.ts";
import type { LogFile } from "../core/output_files.ts";
import { RepeatedLog } from "../core/repeated_log.ts";
import { encodedParts } from "../core/text.ts";
import type { Watchdog } from "../core/watchdog.ts";
import { socketChoice } from "../net/choose_sockets.ts";
import type { SocketKind } from "../net/socket.ts";
import {
  type ConsoleAbilities,
  consoleAbilities,
  ConsoleOutput,
  reportColumns,
} from "../report/console.ts";
import { finalReport } from "../report/final_report.ts";
import { summarized } from "../report/summary_snapshot.ts";
import { nodeCluster } from "../shared/cluster.ts";
import type { SharedServices } from "../shared/services.ts";
import { frozen } from "../stats/frozen_snapshot.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import type { DiscoveredClass } from "../user/discovery.ts";
import { ErrorPlaces } from "../user/error_places.ts";
import { LogTail } from "../web/feed.ts";
import type { RunMetadata } from "../report/summary.ts";
import { REPORT_FORMATS } from "../web/report_formats.ts";
import { exitCodeOf } from "./exit_code.ts";
import { HistoryWriter, keptHistory } from "./history.ts";
import { LiveOutputs, type LiveRun } from "./live_outputs.ts";
import type { Options } from "./options.ts";
import { PassOutput } from "./pass_output.ts";
import { targetFiles } from "./target_tls.ts";
import {
  fileAt,
  openNamed,
  openOutputs,
  type OtherFile,
  ReportFiles,
  requestedFiles,
  withEarlierFiles,
} from "./report_files.ts";
import { runMetadata } from "./run_metadata.ts";
import type { RunSeries } from "./run_series.ts";
import { dataFiles, importedFiles } from "./test_bundle.ts";
import type { TestFileExports } from "./test_file.ts";

/** What the log says when a run is interrupted for the first time. */
export const STOPPING_USERS = "Stopping the users. Interrupt again to exit at once.";

const WRITING_REPORTS =
  "The reports are being written. Interrupt again to exit without those that are not complete.";

const STOPPING_EARLY = "Stopping before the test has started. Interrupt again to exit at once.";

/** Reactions to Ctrl-C and SIGTERM. */
interface InterruptHandlers {
  /** The first signal: stop gracefully. */
  onFirst(): void;
  /** The second signal, right before the process exits. */
  beforeExit(): void;
}

/**
 * Handles Ctrl-C and SIGTERM until the returned function is called. If a run may have started, that is never: a
 * signal during shutdown must not change the exit code.
 */
export function watchInterrupts(host: Host, handlers: InterruptHandlers): () => void {
  let interrupted = false;
  return host.onInterrupt(() => {
    if (interrupted) {
      handlers.beforeExit();
      host.exit(ExitCode.interrupted);
    }
    interrupted = true;
    handlers.onFirst();
  });
}

/** A run that can be interrupted. */
export interface Stoppable {
  /** What {@link stop} does now, as sentences for the log. */
  readonly stopping: string;
  /** Stops it gracefully. */
  stop(): void;
  /** Counts an error that no test could catch. */
  countStrayError(thrown: unknown): void;
}

/**
 * Writes the log to standard error or to `--logfile`. A run that has a {@link RunSession} replaces it.
 *
 * @throws UsageError if the log file cannot be written.
 */
export async function openLog(host: Host, options: Options): Promise<void> {
  const write = await logWriter(host, options, (line) => host.stderr.write(`${line}\n`));
  await configureLog(options.loglevel, write);
}

/**
 * Returns the function that writes a line of the log.
 *
 * @param print prints a line on standard error.
 * @throws UsageError if the log file cannot be written.
 */
async function logWriter(
  host: Host,
  options: Options,
  print: (line: string) => void,
): Promise<(line: string) => void> {
  const { logfile } = options;
  if (logfile === null) return print;
  const other = await fileAt(host, logfile, readFiles(options));
  if (other !== null) throw new UsageError(`--logfile ${logfile}: this is ${other.what}`);
  const file = openLogFile(host, logfile);
  return (line) => {
    const problem = file.append(line);
    if (problem === null) return;
    print(
      `aiotest: --logfile ${logfile}: cannot write the log: ${problem}. Lines are missing in it.`,
    );
  };
}

/** @throws UsageError if it cannot be written. */
function openLogFile(host: Host, logfile: string): LogFile {
  return openNamed(host, { option: "logfile", path: logfile }, (path) => host.logFile(path));
}

/**
 * Options that the test file does not get. They are secrets, or can contain some: with a token it could run
 * code on every node or control the run, and URLs may contain passwords.
 */
const HIDDEN_FROM_TESTS: ReadonlySet<string> = new Set<keyof Options>([
  ...["token", "webToken", "redis", "otlp", "clientKey"] as const,
  ...["extra", "readFrom"] as const,
]);

/** The files that a run reads because of its options. */
function readFiles(
  { aiotestfile, tlsCert, tlsKey, tlsCa, webTlsCert, webTlsKey, resume, readFrom, ...options }:
    Options,
): OtherFile[] {
  const named = [
    { what: "the test file", path: aiotestfile },
    { what: "the file of --tls-cert", path: tlsCert },
    { what: "the file of --tls-key", path: tlsKey },
    { what: "the file of --tls-ca", path: tlsCa },
    { what: "the file of --web-tls-cert", path: webTlsCert },
    { what: "the file of --web-tls-key", path: webTlsKey },
    { what: "the journal of --resume", path: resume },
    ...targetFiles(options),
  ];
  return [
    ...named.flatMap(({ what, path }) => path === null ? [] : [{ what, path }]),
    ...readFrom,
  ];
}

/** The watchdog knows results that are at most about this old, in milliseconds. */
const MIN_INFORM_MS = 2_000;

/** The share of the time that may be spent on preparing them. */
const INFORM_SHARE = 0.005;

/** The warning of a run that the watchdog has ended. */
const BLOCKED =
  "Code of the test file blocked the event loop until the process was ended: what was " +
  "counted in the last seconds before that, and in all later ones, is missing.";

/** How this process opens connections to the target. Logs a warning if there is a faster way. */
export function loggedSocketKind(): SocketKind {
  const { sockets: { kind }, fallback } = socketChoice();
  if (fallback !== null) {
    logger.warn(
      `Connections use ${kind}, which costs more processor time than epoll: ${fallback}.`,
    );
  }
  return kind;
}

/** The warning of a run that was interrupted twice. */
const CUT_OFF = "The run was interrupted twice: what was counted in its last moments is missing.";

/** The warning of a run with an error. */
function failureWarning(failure: unknown): string {
  const isEarly = failure instanceof AiotestError && failure.exitCode === ExitCode.interrupted;
  return isEarly ? `${failure.message}.` : `The run failed: ${errorText(failure)}`;
}

/** How long parts of a text are made before the run continues, in milliseconds. */
const SLICE_MS = 4;

/** A text in UTF-8, which is made little by little, and the time that this took in milliseconds. */
async function gathered(
  texts: Iterable<string>,
): Promise<{ readonly parts: Uint8Array[]; readonly spentMs: number }> {
  const parts: Uint8Array[] = [];
  let spentMs = 0;
  let began = systemClock.now();
  for (const part of encodedParts(texts, () => systemClock.now() - began >= SLICE_MS)) {
    parts.push(part);
    spentMs += systemClock.now() - began;
    await sleep(systemClock, 0);
    began = systemClock.now();
  }
  return { parts, spentMs };
}

/** Presents one run, from its first log line to its exit code. */
export class RunSession {
  readonly host: Host;
  readonly options: Options;
  readonly #console: ConsoleOutput;
  readonly #log: LogTail;
  /** The runs that this one is part of; `null` if it is the only one of its process. */
  readonly #series: RunSeries | null;
  /** How many lines {@link newLogLines} has returned or left out. */
  #takenLogLines = 0;
  #outputs: LiveOutputs | null = null;
  /** The run whose results are shown here; `null` on a worker. */
  #run: LiveRun | null = null;
  /** Whether a signal has stopped the run, and whether that was before it started. */
  #isInterrupted = false;
  #isInterruptedEarly = false;
  /** Whether the final report has been printed. */
  #isReported = false;
  #files: ReportFiles | null = null;
  #history: HistoryWriter | null = null;
  #hasBegun = false;
  #isIncomplete = false;
  /** Outputs that are being written during the run. */
  readonly growing = new Set<string>();
  readonly #abilities: ConsoleAbilities;
  /** Whether the run has ended, so that its reports are written. */
  #isOver = false;
  /** The attempt of the test file to end the process during the run. */
  #exitCall: ExitCall | null = null;
  /** Gets the id of each test that starts, in its first element; shared with the watchdog. */
  readonly activity: Int32Array = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
  /** Finds where the test file's code threw an error. */
  readonly places: ErrorPlaces;
  /** Prints a pass; `null` if the run is none. */
  readonly pass: PassOutput | null;
  #watchdog: Watchdog | null = null;
  /** When the watchdog is informed next, on the system clock. */
  #informAt = 0;
  #releaseConsole = (): void => {};
  #releaseGuard = (): void => {};
  /** Errors that nothing has caught, until a run counts them. */
  readonly #strayErrors: unknown[] = [];
  readonly #strayLog = new RepeatedLog((line) => logger.error(line));
  #countStrayError = (thrown: unknown): void => void this.#strayErrors.push(thrown);

  /** Opens nothing yet. The caller calls {@link close} in any case. */
  constructor(host: Host, options: Options, series: RunSeries | null = null) {
    this.#series = series;
    this.#log = series?.log ?? new LogTail();
    this.host = host;
    this.options = options;
    this.places = new ErrorPlaces(dirname(resolve(host.cwd, options.aiotestfile)));
    this.pass = options.once ? new PassOutput(host, options) : null;
    this.#abilities = consoleAbilities(host.stdout, (name) => host.env(name));
    this.#console = new ConsoleOutput(host.stdout, { ...this.#abilities, log: host.stderr });
  }

  /** The last lines of the log that this has not returned before. @param most how many. */
  newLogLines(most: number): LogEntry[] {
    const lines = this.#log.since(this.#takenLogLines).slice(-most);
    this.#takenLogLines = this.#log.count;
    return lines.map(({ at, level, text }) => ({
      at: Date.parse(at),
      level: level as LogEntry["level"],
      text,
    }));
  }

  /**
   * Opens the log, and checks the files that the run will write. From now on and until the process ends,
   * errors that nothing catches are logged instead of ending it, so that the test file's code cannot
   * prevent the reports.
   *
   * @param exports of the test file, whose data files no report may replace; `null` if this node writes
   *   no reports.
   * @throws UsageError if a file cannot be written, or is also another file of the run.
   */
  async open(exports: TestFileExports | null): Promise<void> {
    const { host, options } = this;
    host.onUncaughtError((thrown) => {
      const text = errorText(thrown);
      const place = this.places.placeOf(thrown, text, systemClock.now());
      this.#strayLog.add(`Uncaught error: ${text}${place === "" ? "" : ` (${place})`}`);
      this.#countStrayError(thrown);
    });
    const write = await logWriter(host, options, (line) => this.print(line));
    await configureLog(options.loglevel, (line, entry) => {
      this.#log.add(entry);
      write(line);
    });
    if (exports === null) return;
    const others = [...readFiles(options), ...await this.#testFiles(exports)];
    const { logfile, journal, samples } = options;
    if (logfile !== null) others.push({ what: "the log file", path: logfile });
    if (journal !== null) others.push({ what: "the journal", path: journal, isNew: true });
    // With workers, each of them has a file, which does not exist here.
    if (samples !== null && !options.master && options.processes === null) {
      const output = { option: "samples", path: samples };
      await openOutputs(host, [output], others);
      others.push({ what: "the file of --samples", path: samples, isNew: true });
    }
    this.#files = await ReportFiles.open(host, options, others);
    const history = keptHistory(host, options);
    if (history === null) return;
    this.#history = new HistoryWriter(host, options, {
      history,
      warn: (text) => logger.warn(text),
    });
  }

  /**
   * Removes the reports of an earlier run: whatever happens from now on, they must not be taken for this
   * run's. To be called right before the run starts, when all else has been checked.
   *
   * @throws UsageError if an old report cannot be removed.
   */
  begin(): void {
    this.#files?.removeOld();
    this.#hasBegun = true;
  }

  /** An error that {@link begin} was not called because of, as {@link withEarlierFiles}; else as it is. */
  async explained(error: unknown): Promise<unknown> {
    if (this.#hasBegun || this.#files === null) return error;
    return await withEarlierFiles(this.host, this.options, error);
  }

  /** Raises the exit code to 1 at least: an output that is written during the run lacks a part. */
  outputIncomplete(): void {
    this.#isIncomplete = true;
  }

  /** The files that the test consists of, if there are reports that must not replace them. */
  async #testFiles(exports: TestFileExports): Promise<OtherFile[]> {
    const { host, options } = this;
    if (requestedFiles(options).length === 0 && options.samples === null) return [];
    // If "files" is invalid, or if files are too large, that matters only where they are sent to workers.
    const [data, modules] = await Promise.all([
      dataFiles(host, options.aiotestfile, exports).catch(() => []),
      importedFiles(host, options.aiotestfile).catch(() => []),
    ]);
    return [
      ...data.map((path) => ({ what: "a data file of the test", path })),
      ...modules.map((path) => ({ what: "a file that the test file imports", path })),
    ];
  }

  /**
   * Emits `init` to the test file.
   *
   * @param options the options of this node.
   * @throws UsageError if a handler throws, or they take longer than `--setup-timeout`.
   */
  async init(node: string, options: Options = this.options): Promise<void> {
    const own = Object.entries(options).filter(([name]) => !HIDDEN_FROM_TESTS.has(name));
    const event = {
      options: { ...options.extra, ...Object.fromEntries(own) },
      node,
      cluster: nodeCluster,
    };
    const limit = {
      clock: systemClock,
      seconds: options.setupTimeout,
      placeOf: (thrown: unknown) =>
        this.places.placeOf(thrown, errorText(thrown), systemClock.now()),
    };
    currentRun.prepare(node, options.host);
    await nodeCluster.init(() => prepareWithin(events, "init", event, limit));
  }

  /**
   * Opens the dashboard and the metrics export.
   *
   * @throws UsageError if one of them cannot be opened.
   */
  async show(run: LiveRun, services: Pick<SharedServices, "rendezvous">): Promise<void> {
    const { host, options } = this;
    const series = this.#series;
    const rendezvous = (): SharedServices["rendezvous"] => services.rendezvous;
    this.#outputs = await LiveOutputs.open({
      host,
      options,
      run,
      log: this.#log,
      rendezvous,
      series,
    });
    this.#run = run;
  }

  /** Watches whether code of the test file blocks this process. @param classes those that run here. */
  watchBlocks(classes: readonly DiscoveredClass[]): void {
    const { host, options: { json } } = this;
    const tests: string[] = [];
    for (const { name, tests: own } of classes) {
      for (const test of own) tests[test.id] = `${name}.${test.name}`;
    }
    this.#watchdog = host.startWatchdog({
      activity: this.activity,
      tests,
      summaryPath: json === null ? null : resolve(host.cwd, json),
    });
  }

  /** Shows the current state; called once per second. */
  update(snapshot: Snapshot): void {
    void this.#informWatchdog(snapshot);
    void this.#rewriteReports(snapshot);
    this.#history?.update(snapshot);
    if (this.pass === null) this.#console.update(snapshot);
    this.#outputs?.update(snapshot);
  }

  /** Keeps what was counted until now, if it is time to. */
  async #rewriteReports(snapshot: Snapshot): Promise<void> {
    const { host, options } = this;
    const problems = await this.#files?.rewrite(systemClock.now(), {
      snapshot,
      exitCode: null,
      metadata: () => runMetadata(host, options),
      fullHistory: options.csvFullHistory,
    });
    for (const problem of problems ?? []) {
      logger.warn(`${problem}. The run continues, and this is tried again.`);
    }
  }

  /** Gives the watchdog what it would report if the event loop were blocked from now on. */
  async #informWatchdog(snapshot: Snapshot): Promise<void> {
    const watchdog = this.#watchdog;
    if (watchdog === null || systemClock.now() < this.#informAt) return;
    this.#informAt = Infinity;
    const { startedAt, elapsedSeconds } = snapshot;
    const result = {
      ...frozen(snapshot),
      complete: false,
      interrupted: true,
      endedAt: startedAt === null ? null : startedAt + elapsedSeconds * 1000,
      warnings: [...snapshot.warnings, BLOCKED],
    };
    const exitCode = ExitCode.interrupted;
    const columns = reportColumns(this.host.stdout);
    const { color } = this.#abilities;
    const metadata = (): RunMetadata => runMetadata(this.host, this.options);
    const parts = this.options.json === null
      ? null
      : await REPORT_FORMATS.json.files[0]!.make({ snapshot: result, exitCode, metadata });
    // The first time, a module was loaded before.
    const began = systemClock.now();
    const text = finalReport(result, { exitCode, columns, color, bars: false });
    const spent = systemClock.now() - began;
    const summary = await gathered(parts ?? []);
    if (this.#watchdog !== watchdog) return;
    watchdog.update({ text, summary: parts === null ? null : summary.parts });
    const wait = Math.max(MIN_INFORM_MS, (spent + summary.spentMs) / INFORM_SHARE);
    this.#informAt = systemClock.now() + wait;
  }

  /** Prints a line, above the panel if there is one. */
  print(line: string): void {
    this.#console.printAbove(line);
  }

  /** Closes the panel, the dashboard and the metrics export. */
  close(): void {
    this.#endWatchdog();
    this.#console.close();
    void this.#outputs?.close();
  }

  /**
   * Makes Ctrl-C, SIGTERM and SIGHUP stop the run, and counts the errors that nothing has caught since
   * {@link open}. Call the returned function to watch no more signals.
   */
  guard(run: Stoppable): () => void {
    const { host } = this;
    const release = watchInterrupts(host, {
      onFirst: () => {
        if (this.#isOver) {
          if (this.#unwritten.length > 0) logger.info(WRITING_REPORTS);
          return;
        }
        this.#isInterrupted = true;
        this.#isInterruptedEarly = this.#run?.snapshot().startedAt === null;
        // The parent of a child has said it, or ends the child because the run is over.
        if (!host.isChild) {
          logger.info(this.#isInterruptedEarly ? STOPPING_EARLY : run.stopping);
        }
        run.stop();
      },
      beforeExit: () => this.#sayLost(),
    });
    if (host.interruptedEarly) {
      this.#isInterrupted = true;
      run.stop();
    }
    // Direct output of the test file would garble the panel.
    if (this.#abilities.panel) this.#releaseConsole = host.onConsole((text) => this.print(text));
    host.onExitCall((call) => {
      if (this.#isOver) return;
      this.#exitCall ??= call;
      // The code around the call may catch the error, so it is counted here.
      run.countStrayError(call);
      // The code that does so would do it again in the next run.
      this.#series?.quit();
      run.stop();
    });
    this.#countStrayError = (thrown) => run.countStrayError(thrown);
    for (const thrown of this.#strayErrors.splice(0)) run.countStrayError(thrown);
    this.#releaseGuard = release;
    return release;
  }

  /** Waits for the handlers of messages that this node has got, such as those of `testStop`, but not long. */
  async messagesHandled(): Promise<void> {
    const limit = { clock: systemClock, seconds: stopHandlersLimit(0) };
    if (await within(limit, nodeCluster.messagesHandled()) !== "overdue") return;
    logger.warn(`Handlers of messages have not ended within ${limit.seconds} s.`);
  }

  /** The report files that are still to be written. */
  get #unwritten(): string[] {
    return this.#files?.unwritten ?? [];
  }

  /** Before the process exits at once: prints what was counted until now, and names what is lost. */
  #sayLost(): void {
    const { host } = this;
    this.close();
    const run = this.#run;
    if (!this.#isReported && run !== null && run.snapshot().startedAt !== null) {
      const snapshot = run.cutOff();
      const warnings = [...snapshot.warnings, CUT_OFF];
      const result = { ...snapshot, interrupted: true, warnings };
      const { columns } = host.stdout;
      const { color } = this.#abilities;
      host.stdout.write(
        finalReport(result, { exitCode: ExitCode.interrupted, columns, color, bars: false }),
      );
    }
    const files = [...this.#unwritten, ...this.growing];
    const lost = files.length === 0 ? "" : `. Not written: ${files.join(", ")}`;
    host.stderr.write(`aiotest: interrupted again, so it exits at once${lost}\n`);
  }

  /**
   * Prints the report of a run that has ended and writes the report files; resolves with the exit code.
   *
   * @param runFailure the error that ended the run early; `null` if there is none.
   * @throws `runFailure` once the report is complete.
   */
  async report(counted: Snapshot, runFailure: unknown): Promise<number> {
    const result = { ...counted, interrupted: this.#isInterrupted };
    const failure = runFailure ??
      this.exitFailure("the run", exitCodeOf(result, this.options.exitCodeOnError, null)) ??
      this.#earlyEnd(result);
    this.#isOver = true;
    this.#endWatchdog();
    this.#releaseConsole();
    this.#strayLog.flush();
    debugLog.flush();
    this.#console.close();
    const { host, options } = this;
    const exitCode = exitCodeOf(result, options.exitCodeOnError, failure);
    await this.#outputs?.end(result, exitCode);
    const columns = reportColumns(host.stdout);
    const { color, panel: bars } = this.#abilities;
    const shown = summarized(result, runMetadata(host, options));
    host.stdout.write(
      this.pass?.summary(result, exitCode) ??
        finalReport(shown, { exitCode, columns, color, bars }),
    );
    this.#isReported = true;
    await host.stdout.flush();
    // On the terminal, the error is printed after the report.
    const warnings = failure === null
      ? result.warnings
      : [...result.warnings, failureWarning(failure)];
    const run = {
      snapshot: { ...shown, warnings },
      counted: { ...result, warnings },
      exitCode: host.stdout.problem === null ? this.exitCode(exitCode) : atLeastFailed(exitCode),
      metadata: () => runMetadata(host, options),
      fullHistory: options.csvFullHistory,
    };
    const written = await this.#files?.write(run) ?? { exitCode: run.exitCode, problems: [] };
    for (const problem of written.problems) host.stderr.write(`aiotest: ${problem}\n`);
    await this.#history?.end({ ...run, exitCode: written.exitCode });
    const series = this.#series;
    if (series === null) this.#keepExitCode(written.exitCode);
    else if (series.isQuitting) this.#keepExitCode(Math.max(series.exitCode, written.exitCode));
    else this.#releaseGuard();
    if (failure !== null) throw failure;
    if (exitCode === ExitCode.passed && written.exitCode !== exitCode) {
      host.stderr.write(`The exit code is ${written.exitCode} because results are missing.\n`);
    }
    return written.exitCode;
  }

  /** Nothing can be lost any more: a signal ends waits, and a second one the process, but not with 130. */
  #keepExitCode(exitCode: number): void {
    this.#releaseGuard();
    watchInterrupts(this.host, {
      onFirst: () => {},
      beforeExit: () => this.host.exit(exitCode),
    });
  }

  /** An exit code, raised to 1 if lines are missing in the log file, or in another output of the run. */
  exitCode(exitCode: number): number {
    const { host, options: { logfile } } = this;
    const isLogComplete = logfile === null || openLogFile(host, logfile).problem === null;
    return isLogComplete && !this.#isIncomplete ? exitCode : atLeastFailed(exitCode);
  }

  /** The error of a run that was stopped before it started; `null` if it has started. */
  #earlyEnd({ startedAt, runEnd }: Snapshot): AiotestError | null {
    if (this.#isInterruptedEarly) {
      return new AiotestError(INTERRUPTED_EARLY, ExitCode.interrupted);
    }
    if (startedAt !== null || runEnd !== null) return null;
    return new AiotestError("The test was stopped before it started", ExitCode.interrupted);
  }

  #endWatchdog(): void {
    this.#watchdog?.end();
    this.#watchdog = null;
  }

  /**
   * The error if the test file has tried to end the process; otherwise `null`.
   *
   * @param what was stopped because of it.
   * @param exitCode the exit code without it.
   */
  exitFailure(what: "the run" | "this worker", exitCode: number): AiotestError | null {
    if (this.#exitCall === null) return null;
    const text = `${this.#exitCall.message}: ${what} was stopped`;
    return new AiotestError(text, atLeastFailed(exitCode), HOW_TO_STOP);
  }
}
