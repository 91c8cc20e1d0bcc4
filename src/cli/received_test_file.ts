/**
 * Downloads the test file of the master, for a worker that has none.
 *
 * @module
 */

import { join, sep } from "node:path";
import { type DownloadedFiles, FileDownload } from "../cluster/files.ts";
import { systemRandom } from "../core/clock.ts";
import { AiotestError, ExitCode, systemReason, UsageError } from "../core/errors.ts";
import { events } from "../core/events.ts";
import type { PrivateFolder } from "../core/files.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import type { CommandLine, Options } from "./options.ts";
import { type Role, roleOf, type WorkerSettings } from "./role.ts";
import { RunSession } from "./run_session.ts";
import { importTestFile, isTestFile, type TestFileExports } from "./test_file.ts";
import { linkOptions, NAME_LETTERS, workerName } from "./worker_link.ts";

/** A test file that the master has sent. */
export interface ReceivedTestFile {
  readonly exports: TestFileExports;
  /** The options of this worker, including the flags that the test file adds. */
  readonly options: Options;
  /** The master compares it with its own. */
  readonly hash: string;
  /** The name that the worker used for the download. */
  readonly workerId: string;
}

/** Whether this process is a worker that was given no test file and finds none. */
export async function lacksTestFile(host: Host, commandLine: CommandLine): Promise<boolean> {
  const { worker, aiotestfile, given } = commandLine.known();
  return worker && !given.has("aiotestfile") && !await isTestFile(host, aiotestfile);
}

/** Where the files are written to. */
export interface Destination {
  readonly folder: PrivateFolder;
  /** Whether the worker has been interrupted in the meantime. */
  isInterrupted(): boolean;
}

/**
 * Downloads and imports the test file, and validates the command line with the flags that it adds.
 * Resolves with `null` if the worker is interrupted.
 *
 * @throws AiotestError if there is no token or no master, or if the test file or its flags are invalid.
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
      `This worker has no test file: ${options.aiotestfile} not found`,
      "Name it with -f, or set the same token on master and workers (AIOTEST_TOKEN), so that the master " +
        "sends its own. Without a token, anyone could send code to this worker.",
    );
  }
  const workerId = options.workerName ?? workerName(host.hostname, systemRandom, NAME_LETTERS);
  const session = new RunSession(host, options);
  let release = (): void => {};
  try {
    await session.open(null);
    const link = await linkOptions(host, worker, { workerId, testfileHash: "" });
    let received: ReceivedTestFile | null = null;
    const fetch = new FileDownload({
      connection: link,
      use: async (bundle) => {
        const unpacked = await unpack(host, commandLine, bundle, folder);
        received = { ...unpacked, hash: bundle.hash, workerId };
      },
    });
    logger.info(`No test file found. Requesting the master's from ${link.master}.`);
    release = session.guard({
      stopping: "Interrupted before the master has sent its test file.",
      stop: () => fetch.stop(),
      countStrayError: () => {},
    });
    if (isInterrupted()) fetch.stop();
    return await fetch.run() ? received : null;
  } finally {
    release();
    session.close();
  }
}

async function unpack(
  host: Host,
  commandLine: CommandLine,
  { entry, origin, files }: DownloadedFiles,
  folder: PrivateFolder,
): Promise<Pick<ReceivedTestFile, "exports" | "options">> {
  await writeAll(files, folder);
  const path = join(folder.path, entry);
  try {
    const { importTimeout } = commandLine.known();
    const exports = await importTestFile(host, path, importTimeout);
    await events.prepare("initCommandLineParser", { parser: commandLine.parser });
    commandLine.useTestFile(path);
    return { exports, options: commandLine.parse() };
  } catch (error) {
    throw inOrigin(error, folder.path, origin);
  }
}

async function writeAll(files: DownloadedFiles["files"], folder: PrivateFolder): Promise<void> {
  try {
    for (const { path, bytes } of files) await folder.write(path, bytes);
  } catch (error) {
    throw new AiotestError(
      `Cannot write the master's test file to ${folder.path}: ${systemReason(error)}`,
      ExitCode.cluster,
    );
  }
}

/** Names the files by their paths on the master, where the user can fix them. */
function inOrigin(error: unknown, folder: string, origin: string): unknown {
  if (!(error instanceof AiotestError)) return error;
  const there = origin.replace(/[/\\]?$/, sep);
  const message = error.message.replaceAll(`${folder}${sep}`, there);
  return new AiotestError(message, error.exitCode, error.hint, error);
}

function workerSettings(role: Role): WorkerSettings {
  if (role.kind === "worker" || role.kind === "workerProcesses") return role.worker;
  throw new Error(`A ${role.kind} has its own test file`);
}
