/**
 * The master of a distributed run, for the command line.
 *
 * @module
 */

import { resolve } from "node:path";
import { FileServer } from "../cluster/files.ts";
import { NO_JOURNAL, type RunJournal } from "../cluster/journal.ts";
import {
  createJournal,
  type RestoredRun,
  resumeJournal,
  type SharedRecord,
} from "../cluster/restore.ts";
import { systemClock } from "../core/clock.ts";
import { errorText, UsageError } from "../core/errors.ts";
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
import type { Options } from "./options.ts";
import type { MasterSettings } from "./role.ts";
import { showShares } from "./run_local.ts";
import { RunSession } from "./run_session.ts";
import { checkBreakable, type RunSetup, setUpRun } from "./run_setup.ts";
import { openSharedServices } from "./shared_services.ts";
import { showShape } from "./show_shape.ts";
import type { ForwardedOptions } from "./sources.ts";
import { testBundle } from "./test_bundle.ts";
import { readTestFile, type TestFileExports, testFileHash } from "./test_file.ts";

/**
 * Checks that counters and queues of a run that goes on are where they were. Otherwise they would begin
 * anew, or all that was done to them would be done to those of Redis.
 *
 * @throws UsageError where a record says that they were elsewhere.
 */
export function checkHome(record: SharedRecord, withRedis: boolean): void {
  if (record.type !== "call") return;
  const { service } = record;
  if (!withRedis && service === REDIS_SERVICE) {
    throw new UsageError(
      "--resume needs --redis, too: the run's counters and queues are in Redis",
      "Give the URL that the run was begun with.",
    );
  }
  if (withRedis && (service === "counter" || service === "queue")) {
    throw new UsageError(
      "--resume cannot be used with --redis: the run's counters and queues are in its journal",
      "Leave --redis out.",
    );
  }
}

/** What this process is called. */
const NODE = "master";

/** Workers that a master has started itself. */
export interface WorkerProcesses {
  /** Why the test cannot begin; null where nothing speaks against it. */
  readonly failure: unknown;
  /** Resolves when none of them is left. */
  dismiss(): Promise<void>;
}

/** What a master is told beside the options. */
export interface MasterOrders {
  readonly settings: MasterSettings;
  /** What holds on every node, for workers that were told nothing. */
  readonly forwarded: ForwardedOptions;
  /**
   * Called when workers can come; starts those that the master has for itself.
   *
   * @param port where the master listens
   */
  onListening?(
    port: number,
    stage: RunSession,
    run: Pick<MasterRun, "stop" | "snapshot">,
  ): WorkerProcesses;
}

/** Directs a test whose users run on workers; resolves with the exit code. */
export async function runMaster(
  host: Host,
  exports: TestFileExports,
  options: Options,
  orders: MasterOrders,
): Promise<number> {
  const stage = new RunSession(host, options);
  try {
    await stage.open();
    await stage.init(NODE);
    const preparation = setUpRun(readTestFile(exports), options);
    if (options.showUsersWeight) return showShares(host, preparation);
    if (options.showShape) return showShape(host, preparation);
    checkBreakable(preparation);
    const desk = await openDesk(stage, exports, orders.settings);
    const { hub, close } = await openSharedServices(host, options);
    try {
      return await direct(
        stage,
        await openRun(stage, preparation, { ...orders, desk, hub }),
        orders,
      );
    } finally {
      close();
    }
  } finally {
    stage.close();
  }
}

async function direct(
  stage: RunSession,
  { run, journal, port, hub }: OpenRun,
  { onListening }: MasterOrders,
): Promise<number> {
  await stage.show(run, hub);
  // The master counts nothing itself.
  const release = stage.guard({ stop: () => run.stop(), noteStrayError: () => {} });
  const crew = onListening?.(port, stage, run);
  try {
    // What workers still print comes before the report: its last line is what people look for.
    const result = await run.run().finally(() => crew?.dismiss());
    return await stage.report(result, run.failure ?? crew?.failure ?? null);
  } finally {
    release();
    journal.close();
  }
}

/**
 * Null where no worker may need it: those that the master starts itself have the test file, and nobody
 * whom it does not know gets one.
 */
async function openDesk(
  { host, options }: RunSession,
  exports: TestFileExports,
  { token }: MasterSettings,
): Promise<FileServer | null> {
  if (token === null || !options.master) return null;
  const bundle = await testBundle(host, options.aiotestfile, exports);
  return new FileServer(bundle, {
    clock: systemClock,
    info: (text) => logger.info(text),
    warn: (text) => logger.warn(text),
  });
}

interface OpenRun {
  readonly run: MasterRun;
  readonly hub: SharedServices;
  readonly journal: RunJournal;
  readonly port: number;
}

async function openRun(
  stage: RunSession,
  { profile, classes, mix, thresholds, warnings }: RunSetup,
  { settings, forwarded, desk, hub }: MasterOrders & {
    readonly desk: FileServer | null;
    readonly hub: SharedServices;
  },
): Promise<OpenRun> {
  const { host, options } = stage;
  const testfileHash = await testFileHash(host, options.aiotestfile);
  const runId = crypto.randomUUID();
  const exchange = new RpcServer({
    hub,
    node: NODE,
    names: [NODE, "all"],
    clock: systemClock,
    deliver: (letter) => nodeCluster.deliver(letter),
    warn: (text) => logger.warn(text),
  });
  const { journal, restored, warnings: found } = await openJournal(host, settings, {
    runId,
    testfileHash,
    exchange,
    withRedis: options.redis !== null,
  });
  exchange.keep(journal);
  const listener = await openPort(host, settings);
  const where = `${settings.bindHost}:${listener.port}`;
  logger.info(`Waiting for workers at ${where}.`);
  const run = new MasterRun({
    runId,
    testfileHash,
    restored,
    journal,
    rpc: exchange,
    listener,
    address: where,
    token: settings.token,
    allowDifferentTestfile: settings.allowDifferentTestfile,
    files: desk,
    setup: JSON.stringify(forwarded),
    profile,
    classNames: classes.map(({ name }) => name),
    mix,
    expectedWorkers: settings.expectWorkers,
    expectSeconds: settings.expectWorkersMaxWait,
    resetStats: options.resetStats,
    waitsForStart: options.noAutostart,
    thresholds,
    abortOnThreshold: options.abortOnThreshold,
    events,
    clock: systemClock,
    warnings: [...warnings, ...found],
    onSecond: (snapshot) => stage.update(snapshot),
    onInfo: (text) => logger.info(text),
    onWarning: (text) => logger.warn(text),
  });
  nodeCluster.attach(exchange.port);
  return { run, hub, journal, port: listener.port };
}

/** @throws UsageError where the port is taken, or the certificate is none. */
async function openPort(host: Host, settings: MasterSettings): Promise<StreamListener> {
  const { bindHost: hostname, bindPort: port, tls } = settings;
  const files = tls === null ? null : {
    cert: await readPem(host, "tls-cert", tls.cert),
    key: await readPem(host, "tls-key", tls.key),
  };
  try {
    return host.listen({ hostname, port, tls: files });
  } catch (error) {
    const problem = errorText(error);
    if (error instanceof Deno.errors.InvalidData || problem.includes("KeyMismatch")) {
      throw new UsageError(
        `--tls-cert and --tls-key make no certificate: ${problem}`,
        "Both are PEM files, and the key is that of the certificate.",
      );
    }
    const reason = error instanceof Deno.errors.AddrInUse ? "somebody else listens there" : problem;
    throw new UsageError(
      `The master cannot listen at ${hostname}:${port}: ${reason}`,
      "--master-bind-host and --master-bind-port say where it listens.",
    );
  }
}

/**
 * The text of a PEM file.
 *
 * @throws UsageError where it cannot be read.
 */
export async function readPem(host: Host, flag: string, path: string): Promise<string> {
  try {
    return await host.readTextFile(resolve(host.cwd, path));
  } catch (error) {
    throw new UsageError(`--${flag} ${path} cannot be read: ${errorText(error)}`);
  }
}

interface OpenJournal {
  readonly journal: RunJournal;
  /** Null where the run is new. */
  readonly restored: RestoredRun | null;
  /** What the person at the command line should know. */
  readonly warnings: readonly string[];
}

async function openJournal(
  host: Host,
  { journal: journalPath, resume: resumePath }: MasterSettings,
  { exchange, withRedis, ...run }: {
    readonly runId: string;
    readonly testfileHash: string;
    readonly exchange: RpcServer;
    readonly withRedis: boolean;
  },
): Promise<OpenJournal> {
  const onFailure = (reason: string): void => {
    logger.error(
      `The journal cannot be written any more, so nobody can go on with the run: ${reason}`,
    );
  };
  if (resumePath !== null) {
    const path = resolve(host.cwd, resumePath);
    const { run: restored, journal, brokenBytes } = await resumeJournal(
      host,
      { path, onFailure },
      (record) => {
        checkHome(record, withRedis);
        exchange.replay(record);
      },
    );
    if (restored.book.testfileHash !== run.testfileHash) {
      throw new UsageError(
        `--resume ${resumePath}: the run was begun with another test file`,
        "A run goes on with the test file that it was begun with.",
      );
    }
    const warnings = brokenBytes === 0
      ? []
      : [`The journal's last ${brokenBytes} bytes cannot be read: what was counted there is lost.`];
    return { journal, restored, warnings };
  }
  if (journalPath === null) return { journal: NO_JOURNAL, restored: null, warnings: [] };
  const path = resolve(host.cwd, journalPath);
  const record = {
    type: "run",
    ...run,
    version: VERSION,
    createdAt: systemClock.wallTime(),
  } as const;
  return {
    journal: await createJournal(host, record, { path, onFailure }),
    restored: null,
    warnings: [],
  };
}
