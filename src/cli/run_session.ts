/**
 * What a run of the command line is shown on: log, panel, final report, files.
 *
 * @module
 */

import { errorText, ExitCode } from "../core/errors.ts";
import { events } from "../core/events.ts";
import type { Host } from "../core/host.ts";
import { configureLog, logger } from "../core/logger.ts";
import { type ConsoleAbilities, consoleAbilities, ConsoleOutput } from "../report/console.ts";
import { finalReport } from "../report/final_report.ts";
import { nodeCluster } from "../shared/cluster.ts";
import type { SharedServices } from "../shared/services.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import { LogTail } from "../web/feed.ts";
import { judge, LiveOutputs, type ShownRun } from "./live_outputs.ts";
import type { Options } from "./options.ts";
import { checkWritable, requestedFiles } from "./report_files.ts";
import { runMetadata } from "./run_metadata.ts";

/** What is done when somebody wants a run to end. */
interface InterruptHandlers {
  /** The first time: end well. */
  onFirst(): void;
  /** The second time, right before the process ends. */
  beforeExit(): void;
}

/**
 * Watches for Ctrl-C and SIGTERM for as long as the process lives: one that comes while it is about to
 * exit must not end it otherwise.
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

/** A run that somebody may want to end. */
export interface Stoppable {
  /** Ends it well. */
  stop(): void;
  /** Counts what was thrown where no test could catch it. */
  noteStrayError(thrown: unknown): void;
}

/** Shows one run, from its first line in the log to its exit code. */
export class RunSession {
  readonly host: Host;
  readonly options: Options;
  readonly #console: ConsoleOutput;
  readonly #log = new LogTail();
  #showing: LiveOutputs | null = null;
  readonly #abilities: ConsoleAbilities;

  /** Opens nothing yet; {@link close} is to be called in any case. */
  constructor(host: Host, options: Options) {
    this.host = host;
    this.options = options;
    this.#abilities = consoleAbilities(host.stdout, host.env);
    this.#console = new ConsoleOutput(host.stdout, { ...this.#abilities, log: host.stderr });
  }

  /** @throws UsageError where a file that is to be written cannot be. */
  async open(): Promise<void> {
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

  /** Tells the test file what was asked for. @param options those of this node. */
  async init(node: string, options: Options = this.options): Promise<void> {
    // Whoever has a token can run code on every node, or change the run, and URLs may have a password
    // in them: they are no business of the test file's.
    const { extra, token: _, webToken: __, redis: ___, otlp: ____, ...own } = options;
    const event = { options: { ...extra, ...own }, node, cluster: nodeCluster };
    await nodeCluster.init(() => events.emit("init", event));
  }

  /**
   * Shows a run elsewhere, too: on the dashboard, and to whoever collects its figures.
   *
   * @throws UsageError where that cannot be opened.
   */
  async show(run: ShownRun, hub: Pick<SharedServices, "rendezvous">): Promise<void> {
    const { host, options } = this;
    const rendezvous = (): SharedServices["rendezvous"] => hub.rendezvous;
    this.#showing = await LiveOutputs.open({ host, options, run, log: this.#log, rendezvous });
  }

  /** Shows the run as it is now. */
  update(snapshot: Snapshot): void {
    this.#console.update(snapshot);
    this.#showing?.update(snapshot);
  }

  /** Prints a line above the panel, where there is one. */
  print(line: string): void {
    this.#console.printAbove(line);
  }

  /** Ends the panel, and all else that shows the run. */
  close(): void {
    this.#console.close();
    void this.#showing?.close();
  }

  /**
   * Lets Ctrl-C and SIGTERM end the run, and, until the function returned is called, keeps what it
   * cannot catch from ending the process.
   */
  guard(run: Stoppable): () => void {
    const { host } = this;
    watchInterrupts(host, {
      onFirst: () => {
        logger.info("Stopping the users; once more, and aiotest exits at once.");
        run.stop();
      },
      beforeExit: () => this.close(),
    });
    const releases = [
      host.onUncaughtError((thrown) => {
        logger.error(`Thrown where no test could catch it: ${errorText(thrown)}`);
        run.noteStrayError(thrown);
      }),
      // What test files print would tear the panel.
      this.#abilities.panel ? host.onConsole((text) => this.print(text)) : () => {},
    ];
    return () => releases.forEach((release) => release());
  }

  /**
   * Reports a run that has ended; resolves with what the process is to exit with.
   *
   * @param failure what ended the run before its time; null where nothing did.
   * @throws `failure` once all is reported.
   */
  async report(result: Snapshot, failure: unknown): Promise<number> {
    this.#console.close();
    const { host, options } = this;
    const exitCode = judge(result, options.exitCodeOnError, failure);
    await this.#showing?.end(result, exitCode);
    const { columns } = host.stdout;
    const { color, panel: bars } = this.#abilities;
    host.stdout.write(finalReport(result, { exitCode, columns, color, bars }));
    const run = { snapshot: result, exitCode, metadata: () => runMetadata(host, options) };
    for (const { path, make } of requestedFiles(options)) {
      await host.writeTextFile(path, await make(run));
    }
    if (failure !== null) throw failure;
    return exitCode;
  }
}
