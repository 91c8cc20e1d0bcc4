/**
 * A test file on its way to being run, in whatever part this process has.
 *
 * @module
 */

import { ExitCode } from "../../core/errors.ts";
import { events } from "../../core/events.ts";
import type { Host } from "../../core/host.ts";
import type { CommandLine } from "../options.ts";
import { lacksTestFile, type ReceivedTestFile, receiveTestFile } from "../received_test_file.ts";
import { roleOf } from "../role.ts";
import { runLocal } from "../run_local.ts";
import { runMaster } from "../run_master.ts";
import { runProcesses, runWorkerProcesses } from "../run_processes.ts";
import { runWorker } from "../run_worker.ts";
import { importTestFile, isTestFile, type TestFileExports } from "../test_file.ts";

/** Runs the test file that the command line names, or that the master sends; resolves with the exit code. */
export async function runTestFile(host: Host, commandLine: CommandLine): Promise<number> {
  return await lacksTestFile(host, commandLine)
    ? await runReceived(host, commandLine)
    : await runOwn(host, commandLine);
}

/** Runs the test file that lies here. */
async function runOwn(host: Host, commandLine: CommandLine): Promise<number> {
  const { aiotestfile } = commandLine.known();
  // Without a test file nobody adds flags: then one that is unknown is the first thing to mend.
  if (!await isTestFile(host, aiotestfile)) commandLine.parse();
  const exports = await importTestFile(host, aiotestfile);
  await events.emit("initCommandLineParser", { parser: commandLine.parser });
  return await runRole(host, exports, commandLine);
}

/** Runs, on a worker, the test file that the master sends; nothing of it outlives the process. */
async function runReceived(host: Host, commandLine: CommandLine): Promise<number> {
  let isInterrupted = false;
  const release = host.onInterrupt(() => isInterrupted = true);
  const arrival = { isInterrupted: (): boolean => isInterrupted };
  const folder = host.createPrivateFolder();
  try {
    const received = await receiveTestFile(host, commandLine, { folder, ...arrival });
    if (received === null) return ExitCode.passed;
    // Handlers of "quitting" may still read its files: they go with the process.
    return await runRole(host, received.exports, commandLine, { received, ...arrival });
  } catch (error) {
    folder.remove();
    throw error;
  } finally {
    release();
  }
}

/** How a test file has come to a worker. */
interface Arrival {
  /** Null: it was there. */
  readonly received: ReceivedTestFile | null;
  /** Whether somebody has ended the worker by now. */
  isInterrupted(): boolean;
}

const WAS_THERE: Arrival = { received: null, isInterrupted: () => false };

/** Runs the test file in the part that this process has. */
function runRole(
  host: Host,
  exports: TestFileExports,
  commandLine: CommandLine,
  { received, isInterrupted }: Arrival = WAS_THERE,
): Promise<number> {
  const options = commandLine.parse();
  const role = roleOf(options, { cores: host.cores, freshToken: crypto.randomUUID() });
  switch (role.kind) {
    case "local":
      return runLocal(host, exports, options);
    case "master":
      return runMaster(host, exports, options, {
        settings: role.master,
        forwarded: commandLine.forwardedOptions(options),
      });
    case "processes":
      return runProcesses(host, exports, commandLine, role);
    case "worker":
      return runWorker(host, exports, commandLine, role, received, isInterrupted);
    case "workerProcesses":
      return runWorkerProcesses(host, commandLine, role, isInterrupted);
  }
}
