/**
 * `aiotest` without a command: runs a test file, in the role that the options give this process.
 *
 * @module
 */

import { ExitCode } from "../../core/errors.ts";
import { events } from "../../core/events.ts";
import type { Host } from "../../core/host.ts";
import type { CommandLine, Options } from "../options.ts";
import { lacksTestFile, type ReceivedTestFile, receiveTestFile } from "../received_test_file.ts";
import { withEarlierFiles } from "../report_files.ts";
import { roleOf } from "../role.ts";
import { runLocalSeries } from "../run_local.ts";
import { runMaster } from "../run_master.ts";
import { runProcesses, runWorkerProcesses } from "../run_processes.ts";
import { openLog } from "../run_session.ts";
import { runWorker } from "../run_worker.ts";
import { importTestFile, isTestFile, type TestFileExports } from "../test_file.ts";

/** Runs the test file of the command line or of the master; resolves with the exit code. */
export async function runTestFile(host: Host, commandLine: CommandLine): Promise<number> {
  // A test file that blocks the event loop while it is imported can be interrupted as well.
  const activity = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)).fill(-1);
  const watchdog = host.startWatchdog({ activity, tests: [], summaryPath: null });
  try {
    return await runImported(host, commandLine);
  } finally {
    watchdog.end();
  }
}

async function runImported(host: Host, commandLine: CommandLine): Promise<number> {
  return await lacksTestFile(host, commandLine)
    ? await runMastersTestFile(host, commandLine)
    : await runOwnTestFile(host, commandLine);
}

/** Runs the test file on this machine. */
async function runOwnTestFile(host: Host, commandLine: CommandLine): Promise<number> {
  const known = commandLine.known();
  const { aiotestfile } = known;
  let exports: TestFileExports;
  let options: Options;
  try {
    // Without a test file, nothing can add flags: an unknown flag is reported before the missing file.
    if (!await isTestFile(host, aiotestfile)) commandLine.parse();
    // The test file may log while it is imported.
    await openLog(host, known);
    exports = await importTestFile(host, aiotestfile, known.importTimeout);
    await events.prepare("initCommandLineParser", { parser: commandLine.parser });
    options = commandLine.parse();
  } catch (error) {
    throw await withEarlierFiles(host, known, error);
  }
  return await runRole(host, exports, options, { commandLine, ...ON_THIS_MACHINE });
}

/** Runs the test file that the master sends to a worker. Its files are deleted when the process ends. */
async function runMastersTestFile(host: Host, commandLine: CommandLine): Promise<number> {
  let isInterrupted = false;
  const release = host.onInterrupt(() => isInterrupted = true);
  const interruption = { isInterrupted: (): boolean => isInterrupted };
  const folder = host.createPrivateFolder();
  try {
    const received = await receiveTestFile(host, commandLine, { folder, ...interruption });
    if (received === null) return ExitCode.passed;
    // The files stay until the process ends: handlers of "quitting" may still read them.
    return await runRole(host, received.exports, received.options, {
      commandLine,
      received,
      ...interruption,
    });
  } catch (error) {
    folder.remove();
    throw error;
  } finally {
    release();
  }
}

/** Where a worker's test file comes from. */
interface TestFileOrigin {
  /** `null`: it is on this machine. */
  readonly received: ReceivedTestFile | null;
  /** Whether the worker has been interrupted in the meantime. */
  isInterrupted(): boolean;
}

const ON_THIS_MACHINE: TestFileOrigin = { received: null, isInterrupted: () => false };

/** Runs the test file in the role of this process. */
function runRole(
  host: Host,
  exports: TestFileExports,
  options: Options,
  { commandLine, received, isInterrupted }: TestFileOrigin & { readonly commandLine: CommandLine },
): Promise<number> {
  const role = roleOf(options, { cores: host.cores, freshToken: crypto.randomUUID() });
  switch (role.kind) {
    case "local":
      return runLocalSeries(host, options, { commandLine, exports });
    case "master":
      return runMaster(host, exports, options, {
        settings: role.master,
        forwarded: (one, others) => commandLine.forwardedOptions(one, others),
        commandLine,
      });
    case "processes":
      return runProcesses(host, exports, options, { role, commandLine });
    case "worker":
      return runWorker(host, exports, options, {
        role,
        commandLine,
        received,
        isInterrupted,
      });
    case "workerProcesses":
      return runWorkerProcesses(host, options, { role, commandLine }, isInterrupted);
  }
}
