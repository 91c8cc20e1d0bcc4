/**
 * A worker of a distributed run, for the command line.
 *
 * @module
 */

import { systemClock, systemRandom } from "../core/clock.ts";
import { ExitCode, UsageError } from "../core/errors.ts";
import { events } from "../core/events.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { RemoteIterationQuota } from "../runner/shared_iterations_executor.ts";
import { type WorkerLoad, WorkerRun } from "../runner/worker.ts";
import { nodeCluster } from "../shared/cluster.ts";
import { MasterRpc } from "../shared/rpc_client.ts";
import type { CommandLine } from "./options.ts";
import type { ReceivedTestFile } from "./received_test_file.ts";
import type { WorkerRole } from "./role.ts";
import { RunSession } from "./run_session.ts";
import { setUpRun } from "./run_setup.ts";
import type { ForwardedOptions } from "./sources.ts";
import { readTestFile, type TestFileExports, testFileHash } from "./test_file.ts";
import { linkOptions, NAME_LETTERS, workerName } from "./worker_link.ts";

/**
 * Runs users as a master says; resolves with the exit code.
 *
 * @param received what the master has sent; null where the test file is this worker's own.
 * @param isInterrupted whether somebody has ended the worker by now.
 */
export async function runWorker(
  host: Host,
  exports: TestFileExports,
  commandLine: CommandLine,
  { worker, name, warnings }: WorkerRole,
  received: Pick<ReceivedTestFile, "hash" | "workerId"> | null,
  isInterrupted: () => boolean,
): Promise<number> {
  const options = commandLine.parse();
  const stage = new RunSession(host, options);
  try {
    await stage.open();
    for (const text of warnings) logger.warn(text);
    const workerId = received?.workerId ?? name ??
      workerName(host.hostname, systemRandom, NAME_LETTERS);
    const line = new MasterRpc(workerId, (letter) => nodeCluster.deliver(letter));
    const run = new WorkerRun({
      rpc: line,
      connection: await linkOptions(host, worker, {
        workerId,
        testfileHash: received?.hash ?? await testFileHash(host, options.aiotestfile),
      }),
      openFileLimit: await host.openFileLimit(),
      events,
      cpuSeconds: () => host.cpuSeconds(),
      env: (variable) => host.env(variable),
      setUp: (handedOn) => prepareNode(stage, exports, commandLine, { line, handedOn }),
    });
    const release = stage.guard({
      stop: () => run.leave(),
      noteStrayError: (thrown) => run.noteStrayError(thrown),
    });
    if (isInterrupted()) run.leave();
    await run.run();
    release();
    return ExitCode.passed;
  } finally {
    stage.close();
  }
}

/** What the master has said holds where this node was told nothing. */
async function prepareNode(
  stage: RunSession,
  exports: TestFileExports,
  commandLine: CommandLine,
  { line, handedOn }: { readonly line: MasterRpc; readonly handedOn: string },
): Promise<WorkerLoad> {
  const options = commandLine.parse(parseHandedOn(handedOn));
  await stage.init(line.node, options);
  const { classes, profile } = setUpRun(readTestFile(exports), options);
  nodeCluster.attach(line);
  const iterations = profile.iterations === null
    ? null
    : new RemoteIterationQuota(line, systemClock);
  return { classes, host: options.host, insecure: options.insecure, iterations };
}

function parseHandedOn(json: string): ForwardedOptions {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = null;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const entries = Object.entries(value);
    if (entries.every(([, text]) => typeof text === "string")) return Object.fromEntries(entries);
  }
  throw new UsageError("The master's options make no sense to this worker");
}
