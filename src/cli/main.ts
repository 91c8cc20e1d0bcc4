/**
 * The command line, from its first word to its exit code.
 *
 * @module
 */

import { systemClock } from "../core/clock.ts";
import { debugLog } from "../core/debug_log.ts";
import {
  AiotestError,
  atLeastFailed,
  ExitCode,
  INTERRUPTED_EARLY,
  isInstance,
  stackText,
} from "../core/errors.ts";
import { emitWithin, events, stopHandlersLimit } from "../core/events.ts";
import { HOW_TO_STOP } from "../core/exit_calls.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { versionText } from "../core/version.ts";
import { repeatedFlags } from "./flag_parser.ts";
import { commandHelpText } from "./help.ts";
import { CommandLine } from "./options.ts";

/** Runs the command and resolves with the exit code of the process. Never rejects. */
export async function main(host: Host): Promise<number> {
  // A worker process must not outlive the process that started it.
  host.onParentGone(() => host.exit(ExitCode.cluster));
  host.onStalled(() => {
    host.stderr.write(STALLED);
    host.exit(ExitCode.usage);
  });
  host.onUncaughtError((thrown) => {
    void explain(host, thrown).then((exitCode) => flush(host).then(() => host.exit(exitCode)));
  });
  // The runtime's own console throws if the disk is full, or if the reader of a pipe is slow.
  host.onConsole((text, stream) => host[stream].write(`${text}\n`));
  const interrupted = Promise.withResolvers<never>();
  host.onEarlyInterrupt(() => {
    // The parent of a child has said it.
    if (host.isChild) host.exit(ExitCode.interrupted);
    interrupted.reject(interruption(host));
  });
  let isExitCalled = false;
  host.onExitCall((call) => {
    if (!isExitCalled) logger.error(`${call.message}. ${HOW_TO_STOP}`);
    isExitCalled = true;
  });
  // Such a run has not done what its test file wanted.
  const least = (code: number): number => isExitCalled ? atLeastFailed(code) : code;
  try {
    const ownExitCode = await Promise.race([runCommand(host), interrupted.promise])
      .catch((error) => explain(host, error));
    const exitCode = least(await afterOutput(host, ownExitCode));
    await quit(host, exitCode);
    return least(exitCode);
  } catch (error) {
    return await explain(host, error);
  } finally {
    debugLog.flush();
    await flush(host);
  }
}

/** Commands that run no test. */
const OTHER_COMMANDS: readonly (string | undefined)[] = [
  "init",
  "compare",
  "report",
  "history",
  "control",
];

function interruption({ args }: Host): AiotestError {
  const isRun = !OTHER_COMMANDS.includes(args[0]);
  return new AiotestError(isRun ? INTERRUPTED_EARLY : "Interrupted", ExitCode.interrupted);
}

const STALLED = "aiotest: The test file waits for something that can never happen\n" +
  "One of its event handlers awaits a promise that nothing will settle.\n";

/** Emits `quitting`. An interrupt ends handlers that take long. */
async function quit(host: Host, exitCode: number): Promise<void> {
  if (!events.has("quitting")) return;
  const interrupted = Promise.withResolvers<void>();
  const release = host.onInterrupt(interrupted.resolve);
  const { overdue } = await emitWithin(events, "quitting", { exitCode }, {
    clock: systemClock,
    seconds: stopHandlersLimit(0),
    cancelled: interrupted.promise,
  });
  release();
  if (overdue !== null) logger.warn(`${overdue}.`);
}

/** The exit code of a command whose output may have been lost. */
async function afterOutput({ stdout, stderr }: Host, exitCode: number): Promise<number> {
  await stdout.flush();
  if (stdout.problem === null) return exitCode;
  stderr.write(`aiotest: cannot write to standard output: ${stdout.problem}\n`);
  return atLeastFailed(exitCode);
}

/** Waits for slow readers. */
async function flush({ stdout, stderr }: Host): Promise<void> {
  await Promise.all([stdout.flush(), stderr.flush()]);
}

/** Prints an error and returns the exit code; the only place that does so. */
async function explain({ stderr }: Host, thrown: unknown): Promise<number> {
  const error = isInstance(thrown, AiotestError) ? thrown : await errorOfTestFile(thrown);
  if (error !== null) {
    stderr.write(`aiotest: ${error.message}\n${error.hint === "" ? "" : `${error.hint}\n`}`);
    return error.exitCode;
  }
  stderr.write(
    `aiotest: internal error: ${stackText(thrown)}\n` +
      `This is a bug in ${versionText()}. Please report it, together with the lines above.\n`,
  );
  return ExitCode.failures;
}

/** What the test file's own code has thrown; `null` if aiotest has thrown it. */
async function errorOfTestFile(thrown: unknown): Promise<AiotestError | null> {
  try {
    const { testFileError } = await import("./test_file.ts");
    return testFileError(thrown);
  } catch {
    // A module of aiotest that cannot be loaded may be what was thrown. Explaining it must not throw again.
    return null;
  }
}

/** Each command is imported when it runs: importing all of them would slow down every start. */
async function runCommand(host: Host): Promise<number> {
  const commandLine = await CommandLine.preview(host);
  const { command, print } = commandLine.request;
  if (print === "version") {
    host.stdout.write(`${versionText()}\n`);
    return ExitCode.passed;
  }
  if (print === "help") {
    if (command === "run") await addFlagsOfTestFile(host, commandLine);
    const text = command === "run" ? commandLine.help() : commandHelpText(command);
    host.stdout.write(`${text}\n`);
    return ExitCode.passed;
  }
  if (print === "config-schema") {
    if (command === "run") await addFlagsOfTestFile(host, commandLine);
    const { configSchema } = await import("./config_schema.ts");
    host.stdout.write(`${JSON.stringify(configSchema(commandLine.customFlags), null, 2)}\n`);
    return ExitCode.passed;
  }
  if (command !== "init" && command !== "control") {
    for (const text of repeatedFlags(host.args, command)) host.stderr.write(`aiotest: ${text}\n`);
  }
  switch (command) {
    case "check":
      return await (await import("./commands/check.ts")).runCheck(host, commandLine);
    case "init":
      return await (await import("./commands/init.ts")).runInit(host);
    case "compare":
      return await (await import("./commands/compare.ts")).runCompare(host);
    case "report":
      return await (await import("./commands/report.ts")).runReport(host);
    case "control":
      return await (await import("./commands/control.ts")).runControl(host);
    case "history":
      return await (await import("./commands/history.ts")).runHistory(host);
    case "quick":
      return await (await import("./commands/quick.ts")).runQuick(host);
    case "demo":
      return await (await import("./commands/demo.ts")).runDemo(host, commandLine.parse());
    case "run":
      return await (await import("./commands/run.ts")).runTestFile(host, commandLine);
  }
}

/** Help and schema are also printed if there is no test file, or if it cannot be imported. */
async function addFlagsOfTestFile(host: Host, commandLine: CommandLine): Promise<void> {
  try {
    const { aiotestfile, importTimeout } = commandLine.known();
    const { importTestFile } = await import("./test_file.ts");
    await importTestFile(host, aiotestfile, importTimeout);
    await events.prepare("initCommandLineParser", { parser: commandLine.parser });
  } catch (error) {
    if (!(error instanceof AiotestError)) throw error;
  }
}
