/**
 * Runs a worker of a distributed test.
 *
 * @module
 */

import { WORKER_LOG_LINES } from "../cluster/run_state.ts";
import { systemClock, systemRandom } from "../core/clock.ts";
import { currentRun } from "../core/current_run.ts";
import { ExitCode, UsageError } from "../core/errors.ts";
import { events } from "../core/events.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { isBelow } from "../report/sample_files.ts";
import { RemoteIterationQuota } from "../runner/shared_iterations_executor.ts";
import { type WorkerLoad, WorkerRun } from "../runner/worker.ts";
import { nodeCluster } from "../shared/cluster.ts";
import { RemoteRpc } from "../shared/rpc_client.ts";
import { metrics } from "../user/metrics.ts";
import { checkLocalAddresses, checkProxies, connectionOptions } from "./connection_options.ts";
import { loadClassFiles } from "./class_files.ts";
import type { CommandLine, Options } from "./options.ts";
import type { ReceivedTestFile } from "./received_test_file.ts";
import type { WorkerRole } from "./role.ts";
import { loggedSocketKind, RunSession, STOPPING_USERS } from "./run_session.ts";
import { openRunObservers } from "./run_observers.ts";
import { setUpRun } from "./run_setup.ts";
import type { ForwardedOptions } from "./sources.ts";
import { readTestFile, type TestFileExports, testFileHash } from "./test_file.ts";
import { withoutForeignKey } from "./target_tls.ts";
import { linkOptions, NAME_LETTERS, workerName } from "./worker_link.ts";
import { NO_OBSERVERS, type Observers } from "../user/observers.ts";

/** What a worker needs in addition to its options. */
export interface WorkerContext {
  readonly role: WorkerRole;
  /** Read again with the options that the master sends. */
  readonly commandLine: CommandLine;
  /** The master's test file; `null` if the worker has its own. */
  readonly received: Pick<ReceivedTestFile, "hash" | "workerId"> | null;
  /** Whether the worker has been interrupted in the meantime. */
  isInterrupted(): boolean;
}

/** Runs users for a master, in each of its runs; resolves with the highest exit code. */
export async function runWorker(
  host: Host,
  exports: TestFileExports,
  options: Options,
  context: WorkerContext,
): Promise<number> {
  const { role: { name }, received } = context;
  const workerId = received?.workerId ?? name ??
    workerName(host.hostname, systemRandom, NAME_LETTERS);
  let exitCode: number = ExitCode.passed;
  for (;;) {
    const { code, again } = await runOnce(host, exports, options, { ...context, workerId });
    exitCode = Math.max(exitCode, code);
    if (!again) return exitCode;
  }
}

async function runOnce(
  host: Host,
  exports: TestFileExports,
  options: Options,
  { role: { worker, warnings }, commandLine, received, isInterrupted, workerId }: WorkerContext & {
    readonly workerId: string;
  },
): Promise<{ readonly code: number; readonly again: boolean }> {
  const session = new RunSession(host, options);
  let observers: Observers = NO_OBSERVERS;
  try {
    await session.open(null);
    for (const text of warnings) logger.warn(text);
    // What only depends on this worker is checked before it joins, and with the rest when the master has sent
    // its options.
    checkLocalAddresses(host, [], await connectionOptions(host, options));
    const rpc = new RemoteRpc(workerId, (message) => nodeCluster.deliver(message));
    const run = new WorkerRun({
      rpc,
      connection: await linkOptions(host, worker, {
        workerId,
        testfileHash: received?.hash ?? await testFileHash(host, options.aiotestfile),
      }),
      openFileLimit: await host.openFileLimit(),
      sockets: loggedSocketKind(),
      events,
      metrics,
      cpuSeconds: () => host.cpuSeconds(),
      env: (variable) => host.env(variable),
      activity: session.activity,
      places: session.places,
      newLogLines: () => session.newLogLines(WORKER_LOG_LINES),
      setUp: async (forwarded) => {
        const load = await setUpNode(session, exports, commandLine, {
          runId: run.info.id,
          rpc,
          forwarded,
        });
        observers = load.observers;
        return load;
      },
    });
    currentRun.attach(run.info);
    let isLeaving = false;
    const release = session.guard({
      get stopping(): string {
        return run.hasBegun ? STOPPING_USERS : "Interrupted before a test started on this worker.";
      },
      stop: () => {
        isLeaving = true;
        run.leave();
      },
      countStrayError: (thrown) => run.countStrayError(thrown),
    });
    if (isInterrupted()) run.leave();
    await run.run();
    await session.messagesHandled();
    const failure = session.exitFailure("this worker", ExitCode.passed);
    if (failure !== null) throw failure;
    const again = run.masterStays && !isLeaving;
    if (again) release();
    return { code: session.exitCode(ExitCode.passed), again };
  } finally {
    await observers.end?.();
    session.close();
  }
}

/** The master's options apply unless this worker was given its own. */
async function setUpNode(
  session: RunSession,
  exports: TestFileExports,
  commandLine: CommandLine,
  { runId, rpc, forwarded }: {
    readonly runId: string;
    readonly rpc: RemoteRpc;
    readonly forwarded: string;
  },
): Promise<WorkerLoad> {
  const options = commandLine.parse(
    withoutForeignKey(parseForwarded(forwarded), commandLine.known().given),
  );
  await session.init(rpc.node, options);
  const connections = await connectionOptions(session.host, options);
  const { classes, parts } = setUpRun(readTestFile(exports), options, connections);
  checkLocalAddresses(session.host, classes, connections);
  checkProxies(session.host, classes, options.host);
  await loadClassFiles(session.host, options.aiotestfile, classes);
  session.watchBlocks(classes);
  nodeCluster.attach(rpc);
  const limited = parts.find(({ profile }) => profile.iterations !== null);
  const iterations = limited === undefined
    ? null
    : { source: new RemoteIterationQuota(rpc, systemClock), classes: limited.classes };
  const { host, setupTimeout } = options;
  checkMastersSamples(options, commandLine);
  const observers = await openRunObservers({
    host: session.host,
    options,
    runId,
    node: rpc.node,
    isWorker: true,
    onIncomplete: () => session.outputIncomplete(),
    growing: session.growing,
    print: (text) => session.print(text),
  });
  return { classes, host, connections, observers, setupTimeout, iterations };
}

/** A master decides where below its working directory a worker writes its samples, and not where else. */
function checkMastersSamples({ samples }: Options, commandLine: CommandLine): void {
  if (samples === null || isBelow(samples) || commandLine.known().given.has("samples")) return;
  throw new UsageError(
    `The master asks for samples in ${samples}, which is not below this worker's working directory`,
    `To allow it, start the worker with --samples ${samples}.`,
  );
}

function parseForwarded(json: string): ForwardedOptions {
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
  throw new UsageError("The master sent invalid options");
}
