/**
 * A test file that a worker gets from its master.
 *
 * @module
 */

import { join, sep } from "node:path";
import { type DownloadedFiles, FileDownload } from "../cluster/files.ts";
import { systemRandom } from "../core/clock.ts";
import { AiotestError, errorText, ExitCode, UsageError } from "../core/errors.ts";
import { events } from "../core/events.ts";
import type { PrivateFolder } from "../core/files.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import type { CommandLine } from "./options.ts";
import { type Role, roleOf, type WorkerSettings } from "./role.ts";
import { RunSession } from "./run_session.ts";
import { importTestFile, isTestFile, type TestFileExports } from "./test_file.ts";
import { linkOptions, NAME_LETTERS, workerName } from "./worker_link.ts";

/** What a worker has that had no test file. */
export interface ReceivedTestFile {
  readonly exports: TestFileExports;
  /** By which the master knows it. */
  readonly hash: string;
  /** What the worker has called itself. */
  readonly workerId: string;
}

/** Whether this process is a worker that was given no test file, and finds none. */
export async function lacksTestFile(host: Host, commandLine: CommandLine): Promise<boolean> {
  const { worker, aiotestfile, given } = commandLine.known();
  return worker && !given.has("aiotestfile") && !await isTestFile(host, aiotestfile);
}

/** Where a test file goes that is on its way. */
export interface Destination {
  readonly folder: PrivateFolder;
  /** Whether somebody has ended the worker by now. */
  isInterrupted(): boolean;
}

/**
 * Fetches the test file, and reads the command line with the flags that it adds; null where somebody has
 * ended the worker before.
 *
 * @throws AiotestError where there is no token, no master, or a mistake in the test file or in its flags.
 */
export async function receiveTestFile(
  host: Host,
  commandLine: CommandLine,
  { folder, isInterrupted }: Destination,
): Promise<ReceivedTestFile | null> {
  const options = commandLine.known();
  const role = roleOf(options, { cores: host.cores, freshToken: "" });
  const worker = workerSettings(role);
  if (worker.token === null) {
    throw new UsageError(
      `This worker has no test file: there is no ${options.aiotestfile} here`,
      "Name it with -f; or give master and workers the same token (AIOTEST_TOKEN): then the " +
        "master sends its own. Without a token, anyone could send this worker code to run.",
    );
  }
  const workerId = options.workerName ?? workerName(host.hostname, systemRandom, NAME_LETTERS);
  const stage = new RunSession(host, options);
  try {
    await stage.open();
    const link = await linkOptions(host, worker, { workerId, testfileHash: "" });
    let received: ReceivedTestFile | null = null;
    const fetch = new FileDownload({
      link,
      use: async (bundle) => {
        const exports = await unpack(host, commandLine, bundle, folder);
        received = { exports, hash: bundle.hash, workerId };
      },
    });
    logger.info(`There is no test file here: the master at ${link.master} is asked for its own.`);
    const release = stage.guard({ stop: () => fetch.stop(), noteStrayError: () => {} });
    if (isInterrupted()) fetch.stop();
    return await fetch.run().finally(release) ? received : null;
  } finally {
    stage.close();
  }
}

async function unpack(
  host: Host,
  commandLine: CommandLine,
  { entry, origin, files }: DownloadedFiles,
  folder: PrivateFolder,
): Promise<TestFileExports> {
  await writeAll(files, folder);
  const path = join(folder.path, entry);
  try {
    const exports = await importTestFile(host, path);
    await events.emit("initCommandLineParser", { parser: commandLine.parser });
    commandLine.useTestFile(path);
    commandLine.parse();
    return exports;
  } catch (error) {
    throw inOrigin(error, folder.path, origin);
  }
}

async function writeAll(files: DownloadedFiles["files"], folder: PrivateFolder): Promise<void> {
  try {
    for (const { path, bytes } of files) await folder.write(path, bytes);
  } catch (error) {
    throw new AiotestError(
      `The master's test file cannot be written to ${folder.path}: ${errorText(error)}`,
      ExitCode.cluster,
    );
  }
}

/** Nobody knows the folder that the files have gone to; where they come from is where they are mended. */
function inOrigin(error: unknown, folder: string, origin: string): unknown {
  if (!(error instanceof AiotestError)) return error;
  const there = origin.replace(/[/\\]?$/, sep);
  const message = error.message.replaceAll(`${folder}${sep}`, there);
  return new AiotestError(message, error.exitCode, error.hint, error);
}

function workerSettings(role: Role): WorkerSettings {
  if (role.kind === "worker" || role.kind === "workerProcesses") return role.worker;
  throw new Error(`A ${role.kind} has a test file of its own`);
}
