/**
 * Runs the master of a distributed test: opens its port, its journal and what nodes share.
 *
 * @module
 */

import { resolve } from "node:path";
import { MAX_SETUP } from "../cluster/protocol.ts";
import { formatBytes } from "../report/quantity.ts";
import { isPresent } from "../report/worker_counts.ts";
import { filesOfNodes } from "../report/sample_files.ts";
import { FileServer } from "../cluster/files.ts";
import { NO_JOURNAL, type RunJournal } from "../cluster/journal.ts";
import {
  createJournal,
  type RestoredRun,
  resumeJournal,
  type SharedRecord,
} from "../cluster/restore.ts";
import { AwakeClock } from "../core/awake_clock.ts";
import { systemClock } from "../core/clock.ts";
import { currentRun } from "../core/current_run.ts";
import { errorText, ExitCode, UsageError } from "../core/errors.ts";
import { events } from "../core/events.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import type { StreamListener } from "../core/network.ts";
import { VERSION } from "../core/version.ts";
import { MasterRun } from "../runner/master.ts";
import { nodeCluster } from "../shared/cluster.ts";
import { REDIS_SERVICE } from "../shared/redis.ts";
import { RpcServer } from "../shared/rpc.ts";
import type { SharedServices } from "../shared/services.ts";
import { metrics } from "../user/metrics.ts";
import { loadClassFiles } from "./class_files.ts";
import { connectionOptions } from "./connection_options.ts";
import { exposedKeyWarning, forwardedTls } from "./target_tls.ts";
import { readPemFile } from "./option_files.ts";
import { KeptListener, type Lobby, openLobby } from "./lobby.ts";
import type { CommandLine, Options, OtherTexts } from "./options.ts";
import { showShape, showShares } from "./previews.ts";
import type { MasterSettings } from "./role.ts";
import { RunSession, STOPPING_USERS } from "./run_session.ts";
import { keepRunning, type RunSeries } from "./run_series.ts";
import { runLabels } from "./run_metadata.ts";
import { checkBreakable, type RunSetup, setUpRun } from "./run_setup.ts";
import { openSharedServices } from "./shared_services.ts";
import type { ForwardedOptions } from "./sources.ts";
import { testBundle } from "./test_bundle.ts";
import { readTestFile, type TestFileExports, testFileHash } from "./test_file.ts";

/**
 * Checks that a resumed run stores counters and queues where the original run did. Otherwise they would
 * start from zero, or the recorded changes would be applied to those in Redis once more.
 *
 * @throws UsageError if a record shows that they were stored elsewhere.
 */
export function checkStorage(record: SharedRecord, withRedis: boolean): void {
  if (record.type !== "call") return;
  const { service } = record;
  if (!withRedis && service === REDIS_SERVICE) {
    throw new UsageError(
      "--resume needs --redis: the counters and queues of this run are in Redis",
      "Use the same URL as the original run.",
    );
  }
  if (withRedis && (service === "counter" || service === "queue")) {
    throw new UsageError(
      "--resume cannot be used with --redis: the counters and queues of this run are in its journal",
      "Remove --redis.",
    );
  }
}

/** The name of this process as a node. */
const NODE = "master";

/** Workers that the master itself has started. */
export interface WorkerProcesses {
  /** Why the test cannot start or continue; `null` if it can. */
  readonly failure: unknown;
  /** Stops them; resolves when all have exited. @param stay whether they are to wait for another run instead. */
  stop(stay: boolean): Promise<void>;
}

/** What a master needs in addition to the options. */
export interface MasterContext {
  readonly settings: MasterSettings;
  /** Options for workers that were not given their own, of a run with these options. */
  readonly forwarded: (options: Options, others?: OtherTexts) => ForwardedOptions;
  /**
   * Called when the master listens; starts its own workers.
   *
   * @param port the port that the master listens on.
   */
  onListening?(
    port: number,
    session: RunSession,
    run: Pick<
      MasterRun,
      "stop" | "snapshot" | "warn" | "isEnding" | "processEnded" | "ownProcesses"
    >,
  ): WorkerProcesses;
  /** The workers that it has started may wait there. */
  onIdle?(lobby: Lobby): void;
  /** No run follows, and workers of these names have been told so. */
  onDismissed?(names: ReadonlySet<string>): void;
}

/** Runs a test on workers as often as `--keep` allows; resolves with the exit code. */
export async function runMaster(
  host: Host,
  exports: TestFileExports,
  options: Options,
  { commandLine, ...context }: MasterContext & { readonly commandLine: CommandLine },
): Promise<number> {
  if (!options.keep) return await runMasterOnce(host, exports, options, context, null);
  let { settings } = context;
  const kept: Kept = { listener: null, classFiles: [], workers: 0 };
  return await keepRunning(
    host,
    options,
    { commandLine, exports },
    (one, series) => runMasterOnce(host, exports, one, { ...context, settings, kept }, series),
    async () => {
      const lobby = await openLobby({
        settings,
        listener: kept.listener!.view(),
        expected: kept.workers,
        testfileHash: await testFileHash(host, options.aiotestfile),
        openFiles: (clock) =>
          openFileServer({ host, options }, exports, settings, { ...kept, clock }),
      });
      context.onIdle?.(lobby);
      return {
        workers: () => lobby.workers(),
        async end(stays): Promise<void> {
          const workers = await lobby.end(stays);
          if (!stays) context.onDismissed?.(workers);
          // The next run starts with those that are there.
          if (workers.size > 0) settings = { ...settings, expectWorkers: workers.size };
        },
      };
    },
  ).finally(() => kept.listener?.close());
}

/** What a master that stays knows of its last run. */
interface Kept {
  /** `null` before the first run. */
  listener: KeptListener | null;
  /** Workers that were there at its end. */
  workers: number;
  /** Files that the user classes need. */
  classFiles: readonly string[];
}

/** Runs a test whose users run on workers; resolves with the exit code. */
async function runMasterOnce(
  host: Host,
  exports: TestFileExports,
  options: Options,
  context: MasterContext & { readonly kept?: Kept },
  series: RunSeries | null,
): Promise<number> {
  const session = new RunSession(host, options, series);
  const awakeClock = new AwakeClock(systemClock);
  awakeClock.start();
  try {
    await session.open(exports);
    await session.init(NODE);
    const connections = await connectionOptions(host, options);
    const setup = setUpRun(readTestFile(exports), options, connections);
    if (options.showUsersWeight) return showShares(host, setup);
    if (options.showShape) return showShape(host, setup);
    checkBreakable(setup);
    const classFiles = await loadClassFiles(host, options.aiotestfile, setup.classes);
    if (context.kept !== undefined) context.kept.classFiles = classFiles;
    const { samples } = options;
    if (samples !== null) {
      logger.info(
        `--samples: each worker writes ${
          filesOfNodes(samples)
        }, with its name in place of *, in its ` +
          "own working directory.",
      );
    }
    const { tls } = connections;
    const forwarded = {
      ...context.forwarded(options, series?.others),
      ...forwardedTls(tls, context.settings),
    };
    const exposed = exposedKeyWarning(tls, context.settings);
    if (exposed !== null) logger.warn(exposed);
    const fileServer = await openFileServer(session, exports, context.settings, {
      classFiles,
      clock: awakeClock,
    });
    const { services, close } = await openSharedServices(host, options);
    try {
      return await runUntilEnd(
        session,
        await openRun(session, setup, {
          ...context,
          ...{ forwarded, fileServer, services, awakeClock },
          stays: () => series !== null && !series.isQuitting,
        }),
        context,
        series,
      );
    } finally {
      close();
    }
  } catch (error) {
    throw await session.explained(error);
  } finally {
    awakeClock.stop();
    session.close();
  }
}

async function runUntilEnd(
  session: RunSession,
  { run, journal, port, services }: OpenRun,
  { onListening, kept }: MasterContext & { readonly kept?: Kept },
  series: RunSeries | null,
): Promise<number> {
  await session.show(run, services);
  session.begin();
  // The master measures nothing itself.
  session.guard({
    stopping: STOPPING_USERS,
    stop: () => run.stop(),
    countStrayError: () => {},
  });
  session.watchBlocks([]);
  const processes = onListening?.(port, session, run);
  try {
    // The workers' last output precedes the report, whose last line is the verdict.
    const result = await run.run()
      .finally(() => processes?.stop(series !== null && !series.isQuitting));
    if (kept !== undefined) kept.workers = result.workers.filter(isPresent).length;
    if (series?.isReplaced) return ExitCode.passed;
    return await session.report(result, run.failure ?? processes?.failure ?? null);
  } finally {
    journal.close();
  }
}

/**
 * Serves the test file to workers that have none. Returns `null` if there cannot be any: the master's own
 * workers have the file, and without a token, workers are not trusted with it.
 */
async function openFileServer(
  { host, options }: Pick<RunSession, "host" | "options">,
  exports: TestFileExports,
  { token }: MasterSettings,
  { classFiles, clock }: { readonly classFiles: readonly string[]; readonly clock: AwakeClock },
): Promise<FileServer | null> {
  if (token === null || !options.master) return null;
  const bundle = await testBundle(host, options.aiotestfile, exports, classFiles);
  return new FileServer(bundle, {
    clock,
    info: (text) => logger.info(text),
    warn: (text) => logger.warn(text),
  });
}

interface OpenRun {
  readonly run: MasterRun;
  readonly services: SharedServices;
  readonly journal: RunJournal;
  readonly port: number;
}

async function openRun(
  session: RunSession,
  { parts, classes, thresholds, functions, warnings }: RunSetup,
  { settings, kept, forwarded, fileServer, services, awakeClock, stays }: {
    readonly kept?: Kept;
    readonly settings: MasterSettings;
    readonly forwarded: ForwardedOptions;
    readonly stays: () => boolean;
    readonly fileServer: FileServer | null;
    readonly services: SharedServices;
    readonly awakeClock: AwakeClock;
  },
): Promise<OpenRun> {
  const { host, options } = session;
  const testfileHash = await testFileHash(host, options.aiotestfile);
  const runId = crypto.randomUUID();
  const rpc = new RpcServer({
    services,
    node: NODE,
    names: [NODE, "all"],
    clock: systemClock,
    deliver: (message) => nodeCluster.deliver(message),
    warn: (text) => logger.warn(text),
  });
  const { journal, restored } = await openJournal(host, settings, {
    runId,
    testfileHash,
    rpc,
    withRedis: options.redis !== null,
    onFailure: (text) => {
      run.warn(text);
      session.outputIncomplete();
    },
  });
  rpc.useJournal(journal);
  const listener = await listen(host, settings, kept);
  const where = `${settings.bindHost}:${listener.port}`;
  logger.info(`Waiting for workers at ${where}.`);
  const run = new MasterRun({
    runId,
    host: options.host,
    ...runLabels(options),
    testfileHash,
    restored,
    journal,
    rpc,
    messagesHandled: () => nodeCluster.messagesHandled(),
    listener,
    address: where,
    token: settings.token,
    allowDifferentTestfile: settings.allowDifferentTestfile,
    files: fileServer,
    setup: setupText(forwarded),
    stays,
    parts,
    classNames: classes.map(({ name }) => name),
    expectedWorkers: settings.expectWorkers,
    expectSeconds: settings.expectWorkersMaxWait,
    resetStats: options.resetStats,
    setupTimeout: options.setupTimeout,
    functions,
    places: session.places,
    waitsForStart: options.noAutostart,
    shortages: () => services.shortages,
    thresholds,
    abortOnThreshold: options.abortOnThreshold,
    abortAfter: options.abortAfter,
    events,
    metrics,
    clock: systemClock,
    awakeClock,
    warnings,
    onSecond: (snapshot) => session.update(snapshot),
    onInfo: (text) => logger.info(text),
    onWarning: (text) => logger.warn(text),
  });
  nodeCluster.attach(rpc.localRpc);
  currentRun.attach(run.info);
  return { run, services, journal, port: listener.port };
}

/** @throws UsageError if the message would be too large. */
function setupText(forwarded: ForwardedOptions): string {
  const text = JSON.stringify(forwarded);
  if (text.length <= MAX_SETUP) return text;
  const [[largest, value]] = Object.entries(forwarded).toSorted(([, a], [, b]) =>
    b.length - a.length
  ) as [[string, string]];
  throw new UsageError(
    `The options for workers are too large: ${formatBytes(text.length)} of at most ${
      formatBytes(MAX_SETUP)
    }`,
    `${largest} has ${formatBytes(value.length)}.`,
  );
}

/** @throws UsageError as {@link openPort}. */
async function listen(
  host: Host,
  settings: MasterSettings,
  kept: Kept | undefined,
): Promise<StreamListener> {
  if (kept === undefined) return await openPort(host, settings);
  kept.listener ??= new KeptListener(await openPort(host, settings));
  return kept.listener.view();
}

/** @throws UsageError if the port is in use or the certificate is invalid. */
async function openPort(host: Host, settings: MasterSettings): Promise<StreamListener> {
  const { bindHost: hostname, bindPort: port, tls } = settings;
  const files = tls === null ? null : {
    cert: await readPemFile(host, "tls-cert", tls.cert),
    key: await readPemFile(host, "tls-key", tls.key),
  };
  try {
    return host.listen({ hostname, port, tls: files });
  } catch (error) {
    const problem = errorText(error);
    if (error instanceof Deno.errors.InvalidData || problem.includes("KeyMismatch")) {
      throw new UsageError(
        `Invalid --tls-cert or --tls-key: ${problem}`,
        "Both must be PEM files, and the key must belong to the certificate.",
      );
    }
    const reason = error instanceof Deno.errors.AddrInUse ? "the port is already in use" : problem;
    throw new UsageError(
      `The master cannot listen on ${hostname}:${port}: ${reason}`,
      "Choose another address with --master-bind-host and --master-bind-port.",
    );
  }
}

interface OpenJournal {
  readonly journal: RunJournal;
  /** `null` if the run is new. */
  readonly restored: RestoredRun | null;
}

async function openJournal(
  host: Host,
  { journal: journalPath, resume: resumePath }: MasterSettings,
  { rpc, withRedis, onFailure, ...run }: {
    readonly runId: string;
    readonly testfileHash: string;
    readonly rpc: RpcServer;
    readonly withRedis: boolean;
    /** Is called with a sentence if the journal can no longer be written. */
    readonly onFailure: (text: string) => void;
  },
): Promise<OpenJournal> {
  const failing = (path: string) => (reason: string): void =>
    onFailure(
      `The journal ${path} can no longer be written (${reason}). ` +
        "The run continues, but it cannot be resumed if this master dies.",
    );
  if (resumePath !== null) {
    const path = resolve(host.cwd, resumePath);
    const { run: restored, journal } = await resumeJournal(
      host,
      { path, onFailure: failing(path) },
      (record) => {
        checkStorage(record, withRedis);
        rpc.replay(record);
      },
    );
    if (restored.state.testfileHash !== run.testfileHash) {
      throw new UsageError(
        `--resume ${resumePath}: the run was started with a different test file`,
        "Resume it with the original test file.",
      );
    }
    return { journal, restored };
  }
  if (journalPath === null) return { journal: NO_JOURNAL, restored: null };
  const path = resolve(host.cwd, journalPath);
  const record = {
    type: "run",
    ...run,
    version: VERSION,
    createdAt: systemClock.wallTime(),
  } as const;
  return {
    journal: await createJournal(host, record, { path, onFailure: failing(path) }),
    restored: null,
  };
}
