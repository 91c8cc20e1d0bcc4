/**
 * A local run for the command line: what was asked for becomes a plan, and the run is shown, reported
 * and judged.
 *
 * @module
 */

import { systemClock } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import { events } from "../core/events.ts";
import { ExitCode } from "../core/exit_code.ts";
import type { Host } from "../core/host.ts";
import { configureLog, logger } from "../core/logger.ts";
import { systemRandom } from "../core/random.ts";
import { VERSION } from "../core/version.ts";
import { Console, type ConsoleAbilities, consoleAbilities } from "../report/console.ts";
import { summary, summaryJson } from "../report/summary.ts";
import { finalReport } from "../report/tables.ts";
import { LocalRun } from "../runner/local_run.ts";
import { watchInterrupts } from "./interrupts.ts";
import type { Options } from "./options.ts";
import { judge } from "./outcome.ts";
import { type Preparation, prepare } from "./preparation.ts";
import { readTestFile, type TestFileExports } from "./test_file.ts";
import { checkWritable } from "./writable.ts";

/**
 * Runs a test file's users as the options say; resolves with the exit code.
 *
 * @param done ends the run when it resolves, whatever time is left.
 */
export async function runLocal(
  host: Host,
  exports: TestFileExports,
  options: Options,
  done?: Promise<void>,
): Promise<number> {
  const abilities = consoleAbilities(host.stdout, host.env);
  const console = new Console(host.stdout, { ...abilities, log: host.stderr });
  try {
    await openLog(host, options, console);
    const init = { options: { ...options.extra, ...options }, node: "local" };
    await events.emit("init", init);
    const preparation = prepare(readTestFile(exports), options);
    if (options.showUsersWeight) {
      host.stdout.write(`${JSON.stringify(preparation.mix.shares(), null, 2)}\n`);
      return ExitCode.passed;
    }
    if (options.json !== null) await checkWritable(host, "json", options.json);
    return await runAndReport(host, preparation, options, { console, abilities, done });
  } finally {
    console.close();
  }
}

async function openLog(host: Host, options: Options, console: Console): Promise<void> {
  const { logfile, loglevel } = options;
  if (logfile !== null) await checkWritable(host, "logfile", logfile);
  await configureLog(
    loglevel,
    logfile === null
      ? (line) => console.printAbove(line)
      : (line) => host.appendLine(logfile, line),
  );
}

/** What a run is shown on, and what may end it. */
interface RunSurroundings {
  readonly console: Console;
  readonly abilities: ConsoleAbilities;
  readonly done: Promise<void> | undefined;
}

async function runAndReport(
  host: Host,
  { plan, classes, mix, warnings }: Preparation,
  options: Options,
  { console, abilities, done }: RunSurroundings,
): Promise<number> {
  const run = new LocalRun({
    runId: crypto.randomUUID(),
    hostname: host.hostname,
    plan,
    classes,
    mix,
    host: options.host,
    insecure: options.insecure,
    resetStats: options.resetStats,
    warnings,
    events,
    clock: systemClock,
    random: systemRandom,
    env: (name) => host.env(name),
    cpuSeconds: () => host.cpuSeconds(),
    openFileLimit: await host.openFileLimit(),
    onSecond: (snapshot) => console.update(snapshot),
    onWarning: (text) => logger.warn(text),
  });
  const releases = [
    host.onStrayError((thrown) => {
      logger.error(`Thrown where no test could catch it: ${errorText(thrown)}`);
      run.noteStrayError(thrown);
    }),
    // What test files print would tear the panel.
    abilities.panel ? host.onConsole((text) => console.printAbove(text)) : () => {},
    watchInterrupts(host, {
      onFirst: () => {
        logger.info("Stopping the users; once more, and aiotest exits at once.");
        run.stop();
      },
      beforeExit: () => console.close(),
    }),
  ];
  void done?.then(() => run.stop());
  const result = await run.run();
  for (const release of releases) release();
  console.close();
  const exitCode = judge(result, options.exitCodeOnError, run.failure);
  const { columns } = host.stdout;
  host.stdout.write(finalReport(result, { exitCode, columns, color: abilities.color }));
  if (options.json !== null) {
    const text = summaryJson(summary(result, { version: VERSION, exitCode }));
    await host.writeTextFile(options.json, text);
  }
  if (run.failure !== null) throw run.failure;
  return exitCode;
}
