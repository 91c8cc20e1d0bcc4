/**
 * Runs a test in this process alone.
 *
 * @module
 */

import { systemClock, systemRandom } from "../core/clock.ts";
import { currentRun } from "../core/current_run.ts";
import { ExitCode } from "../core/errors.ts";
import { events } from "../core/events.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { LocalRun } from "../runner/local_run.ts";
import { nodeCluster } from "../shared/cluster.ts";
import { RpcServer } from "../shared/rpc.ts";
import type { SharedServices } from "../shared/services.ts";
import { metrics } from "../user/metrics.ts";
import { loadClassFiles } from "./class_files.ts";
import type { Options } from "./options.ts";
import { showShape, showShares } from "./previews.ts";
import { loggedSocketKind, RunSession, STOPPING_USERS } from "./run_session.ts";
import { keepRunning, type RunSeries, type SeriesSource } from "./run_series.ts";
import { runLabels } from "./run_metadata.ts";
import { allObservers, openRunObservers } from "./run_observers.ts";
import { checkBreakable, type RunSetup, setUpRun } from "./run_setup.ts";
import { checkLocalAddresses, checkProxies, connectionOptions } from "./connection_options.ts";
import { openSharedServices } from "./shared_services.ts";
import { readTestFile, type TestFileExports } from "./test_file.ts";
import type { Observers } from "../user/observers.ts";

/** The name of this process as a node. */
const NODE = "local";

/**
 * Runs the users of a test file as often as `--keep` allows; resolves with the exit code.
 *
 * @throws UsageError if the test cannot be run with these options.
 */
export async function runLocalSeries(
  host: Host,
  options: Options,
  source: SeriesSource,
): Promise<number> {
  const { exports } = source;
  if (!options.keep) return await runLocal(host, exports, options);
  return await keepRunning(
    host,
    options,
    source,
    (one, series) => runLocal(host, exports, one, undefined, series),
  );
}

/**
 * Runs the users of a test file; resolves with the exit code.
 *
 * @param series the runs that this one is part of; `null` if it is the only one.
 * @param done stops the run when it resolves, even before its time is up.
 */
export async function runLocal(
  host: Host,
  exports: TestFileExports,
  options: Options,
  done?: Promise<void>,
  series: RunSeries | null = null,
): Promise<number> {
  // A pass is over before anyone could look at it.
  const shown = options.once ? { ...options, noWeb: true } : options;
  const session = new RunSession(host, shown, series);
  try {
    await session.open(exports);
    await session.init(NODE);
    const connections = await connectionOptions(host, options);
    const setup = setUpRun(readTestFile(exports), options, connections);
    if (options.showUsersWeight) return showShares(host, setup);
    if (options.showShape) return showShape(host, setup);
    checkBreakable(setup);
    checkLocalAddresses(host, setup.classes, setup.connections);
    checkProxies(host, setup.classes, options.host);
    await loadClassFiles(host, options.aiotestfile, setup.classes);
    return await runWithServices(session, setup, { done, series });
  } catch (error) {
    throw await session.explained(error);
  } finally {
    session.close();
  }
}

async function runWithServices(
  session: RunSession,
  setup: RunSetup,
  { done, series }: {
    readonly done: Promise<void> | undefined;
    readonly series: RunSeries | null;
  },
): Promise<number> {
  const { host, options } = session;
  const { services, close } = await openSharedServices(host, options);
  try {
    const runId = crypto.randomUUID();
    const opened = await openRunObservers({
      host,
      options,
      runId,
      node: NODE,
      isWorker: false,
      onIncomplete: () => session.outputIncomplete(),
      growing: session.growing,
      print: (text) => session.print(text),
    });
    try {
      const observers = session.pass === null
        ? opened
        : allObservers(opened, session.pass.observers);
      return await runUsers(session, setup, { runId, services, observers, done, series });
    } finally {
      await opened.end();
    }
  } finally {
    close();
  }
}

async function runUsers(
  session: RunSession,
  { parts, connections, thresholds, warnings, ...setup }: RunSetup,
  { runId, services, observers, done, series }: {
    readonly runId: string;
    readonly services: SharedServices;
    readonly observers: Observers;
    readonly done: Promise<void> | undefined;
    readonly series: RunSeries | null;
  },
): Promise<number> {
  const { host, options, pass } = session;
  const classes = pass?.classes(setup.classes) ?? setup.classes;
  const functions = pass?.functions(setup.functions) ?? setup.functions;
  const rpc = new RpcServer({
    services,
    node: NODE,
    names: [NODE, "master", "workers", "all"],
    clock: systemClock,
    deliver: (message) => nodeCluster.deliver(message),
    warn: (text) => logger.warn(text),
  });
  nodeCluster.attach(rpc.localRpc);
  const run = new LocalRun({
    runId,
    ...runLabels(options),
    hostname: host.hostname,
    parts,
    classes,
    host: options.host,
    connections,
    resetStats: options.resetStats,
    setupTimeout: options.setupTimeout,
    functions,
    waitsForStart: options.noAutostart,
    shortages: () => services.shortages,
    thresholds,
    abortOnThreshold: options.abortOnThreshold,
    abortAfter: options.abortAfter,
    warnings,
    events,
    metrics,
    clock: systemClock,
    random: systemRandom,
    env: (name) => host.env(name),
    activity: session.activity,
    observers,
    places: session.places,
    cpuSeconds: () => host.cpuSeconds(),
    openFileLimit: await host.openFileLimit(),
    sockets: loggedSocketKind(),
    onSecond: (snapshot) => session.update(snapshot),
    onInfo: (text) => logger.info(text),
    onWarning: (text) => logger.warn(text),
  });
  currentRun.attach(run.info);
  await session.show(run, services);
  session.begin();
  session.guard({
    stopping: STOPPING_USERS,
    stop: () => run.stop(),
    countStrayError: (thrown) => run.countStrayError(thrown),
  });
  // A run that something else ends has no code of a test file.
  if (done === undefined) session.watchBlocks(classes);
  void done?.then(() => run.stop());
  const result = await run.run();
  if (series?.isReplaced) return ExitCode.passed;
  await session.messagesHandled();
  return await session.report(result, run.failure);
}
