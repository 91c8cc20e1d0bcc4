/**
 * Everything around one run: log, live panel, dashboard, interrupts, final report and report files.
 *
 * @module
 */

import { systemClock } from "../core/clock.ts";
import { errorText, ExitCode, UsageError } from "../core/errors.ts";
import { events, prepareWithin } from "../core/events.ts";
import type { Host } from "../core/host.ts";
import { configureLog, logger } from "../core/logger.ts";
import { RepeatedLog } from "../core/repeated_log.ts";
import { type ConsoleAbilities, consoleAbilities, ConsoleOutput } from "../report/console.ts";
import { finalReport } from "../report/final_report.ts";
import { encodedParts } from "../report/parts.ts";
import { nodeCluster } from "../shared/cluster.ts";
import type { SharedServices } from "../shared/services.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import { LogTail } from "../web/feed.ts";
import { exitCodeOf } from "./exit_code.ts";
import { LiveOutputs, type LiveRun } from "./live_outputs.ts";
import { checkWritable } from "./option_files.ts";
import type { Options } from "./options.ts";
import { requestedFiles } from "./report_files.ts";
import { runMetadata } from "./run_metadata.ts";

/** Reactions to Ctrl-C and SIGTERM. */
interface InterruptHandlers {
  /** The first signal: stop gracefully. */
  onFirst(): void;
  /** The second signal, right before the process exits. */
  beforeExit(): void;
}

/**
 * Handles Ctrl-C and SIGTERM until the process ends: a signal during shutdown must not change the exit
 * code.
 */
export function watchInterrupts(host: Host, handlers: InterruptHandlers): void {
  let interrupted = false;
  host.onInterrupt(() => {
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
export async function openLog(
  host: Host,
  { logfile, loglevel }: Pick<Options, "logfile" | "loglevel">,
): Promise<void> {
  if (logfile !== null) await checkWritable(host, "logfile", logfile);
  await configureLog(loglevel, (line) => {
    if (logfile === null) host.stderr.write(`${line}\n`);
    else host.appendLine(logfile, line);
  });
}

/** Presents one run, from its first log line to its exit code. */
export class RunSession {
  readonly host: Host;
  readonly options: Options;
  readonly #console: ConsoleOutput;
  readonly #log = new LogTail();
  #outputs: LiveOutputs | null = null;
  readonly #abilities: ConsoleAbilities;
  /** Whether the run has ended, so that its reports are written. */
  #isOver = false;
  #releaseConsole = (): void => {};
  /** Errors that nothing has caught, until a run counts them. */
  readonly #strayErrors: unknown[] = [];
  readonly #strayLog = new RepeatedLog((line) => logger.error(line));
  #countStrayError = (thrown: unknown): void => void this.#strayErrors.push(thrown);

  /** Opens nothing yet. The caller calls {@link close} in any case. */
  constructor(host: Host, options: Options) {
    this.host = host;
    this.options = options;
    this.#abilities = consoleAbilities(host.stdout, host.env);
    this.#console = new ConsoleOutput(host.stdout, { ...this.#abilities, log: host.stderr });
  }

  /**
   * Opens the log. From now on and until the process ends, errors that nothing catches are logged instead of
   * ending it, so that the test file's code cannot prevent the reports.
   *
   * @throws UsageError if a file that the run will write cannot be written.
   */
  async open(): Promise<void> {
    this.host.onUncaughtError((thrown) => {
      this.#strayLog.add(`Uncaught error: ${errorText(thrown)}`);
      this.#countStrayError(thrown);
    });
    const { logfile, loglevel } = this.options;
    if (logfile !== null) await checkWritable(this.host, "logfile", logfile);
    await configureLog(loglevel, (line, entry) => {
      this.#log.add(entry);
      if (logfile === null) this.print(line);
      else this.host.appendLine(logfile, line);
    });
    for (const { option, path } of requestedFiles(this.options)) {
      await checkWritable(this.host, option, path);
    }
  }

  /**
   * Emits `init` to the test file.
   *
   * @param options the options of this node.
   * @throws UsageError if a handler throws, or they take longer than `--setup-timeout`.
   */
  async init(node: string, options: Options = this.options): Promise<void> {
    // The test file gets no secrets: with a token it could run code on every node or control the run,
    // and the URLs may contain passwords.
    const { extra, token: _, webToken: __, redis: ___, otlp: ____, ...own } = options;
    const event = { options: { ...extra, ...own }, node, cluster: nodeCluster };
    const limit = { clock: systemClock, seconds: options.setupTimeout };
    await nodeCluster.init(() => prepareWithin(events, "init", event, limit));
  }

  /**
   * Opens the dashboard and the metrics export.
   *
   * @throws UsageError if one of them cannot be opened.
   */
  async show(run: LiveRun, services: Pick<SharedServices, "rendezvous">): Promise<void> {
    const { host, options } = this;
    const rendezvous = (): SharedServices["rendezvous"] => services.rendezvous;
    this.#outputs = await LiveOutputs.open({ host, options, run, log: this.#log, rendezvous });
  }

  /** Shows the current state; called once per second. */
  update(snapshot: Snapshot): void {
    this.#console.update(snapshot);
    this.#outputs?.update(snapshot);
  }

  /** Prints a line, above the panel if there is one. */
  print(line: string): void {
    this.#console.printAbove(line);
  }

  /** Closes the panel, the dashboard and the metrics export. */
  close(): void {
    this.#console.close();
    void this.#outputs?.close();
  }

  /**
   * Makes Ctrl-C and SIGTERM stop the run, and counts the errors that nothing has caught since
   * {@link open}.
   */
  guard(run: Stoppable): void {
    const { host } = this;
    watchInterrupts(host, {
      onFirst: () => {
        if (this.#isOver) return;
        logger.info("Stopping the users. Interrupt again to exit at once.");
        run.stop();
      },
      beforeExit: () => this.close(),
    });
    // Direct output of the test file would garble the panel.
    if (this.#abilities.panel) this.#releaseConsole = host.onConsole((text) => this.print(text));
    this.#countStrayError = (thrown) => run.countStrayError(thrown);
    for (const thrown of this.#strayErrors.splice(0)) run.countStrayError(thrown);
  }

  /**
   * Prints the report of a run that has ended and writes the report files; resolves with the exit code.
   *
   * @param failure the error that ended the run early; `null` if there is none.
   * @throws `failure` once the report is complete, or a UsageError if a file cannot be written.
   */
  async report(result: Snapshot, failure: unknown): Promise<number> {
    this.#isOver = true;
    this.#releaseConsole();
    this.#strayLog.flush();
    this.#console.close();
    const { host, options } = this;
    const exitCode = exitCodeOf(result, options.exitCodeOnError, failure);
    await this.#outputs?.end(result, exitCode);
    const { columns } = host.stdout;
    const { color, panel: bars } = this.#abilities;
    host.stdout.write(finalReport(result, { exitCode, columns, color, bars }));
    const run = { snapshot: result, exitCode, metadata: () => runMetadata(host, options) };
    const problems: string[] = [];
    for (const { option, path, make } of requestedFiles(options)) {
      const parts = encodedParts(await make(run));
      try {
        await host.writeFile(path, parts);
      } catch (error) {
        problems.push(`--${option} ${path}: cannot write the file: ${errorText(error)}`);
      }
    }
    if (failure !== null) throw failure;
    if (problems.length > 0) throw new UsageError(problems.join("\n"));
    return exitCode;
  }
}
