/**
 * A local run for the command line: what was asked for becomes a plan, and the run is shown, reported
 * and judged.
 *
 * @module
 */

import { systemClock, systemRandom } from "../core/clock.ts";
import { ExitCode } from "../core/errors.ts";
import { events } from "../core/events.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { LocalRun } from "../runner/local_run.ts";
import { nodeCluster } from "../shared/cluster.ts";
import { RpcServer } from "../shared/rpc.ts";
import type { SharedServices } from "../shared/services.ts";
import type { Options } from "./options.ts";
import { RunSession } from "./run_session.ts";
import { checkBreakable, type RunSetup, setUpRun } from "./run_setup.ts";
import { openSharedServices } from "./shared_services.ts";
import { showShape } from "./show_shape.ts";
import { readTestFile, type TestFileExports } from "./test_file.ts";

/** What this process is called. */
const NODE = "local";

/**
 * Runs a test file's users as the options say; resolves with the exit code.
 *
 * @param done ends the run when it resolves, whatever time is left.
 */
export async function runLocal(
  host: Host,
  exports: TestFileExports,
  options: Options,
  done?: Promise<void>,
): Promise<number> {
  const stage = new RunSession(host, options);
  try {
    await stage.open();
    await stage.init(NODE);
    const preparation = setUpRun(readTestFile(exports), options);
    if (options.showUsersWeight) return showShares(host, preparation);
    if (options.showShape) return showShape(host, preparation);
    checkBreakable(preparation);
    return await runOn(stage, preparation, done);
  } finally {
    stage.close();
  }
}

/** Prints how the user classes share the users, instead of running them. */
export function showShares(host: Host, { mix }: RunSetup): number {
  host.stdout.write(`${JSON.stringify(mix.shares(), null, 2)}\n`);
  return ExitCode.passed;
}

async function runOn(
  stage: RunSession,
  preparation: RunSetup,
  done: Promise<void> | undefined,
): Promise<number> {
  const { hub, close } = await openSharedServices(stage.host, stage.options);
  try {
    return await runWith(stage, preparation, { hub, done });
  } finally {
    close();
  }
}

async function runWith(
  stage: RunSession,
  { profile, classes, mix, thresholds, warnings }: RunSetup,
  { hub, done }: { readonly hub: SharedServices; readonly done: Promise<void> | undefined },
): Promise<number> {
  const { host, options } = stage;
  const exchange = new RpcServer({
    hub,
    node: NODE,
    names: [NODE, "master", "workers", "all"],
    clock: systemClock,
    deliver: (letter) => nodeCluster.deliver(letter),
    warn: (text) => logger.warn(text),
  });
  nodeCluster.attach(exchange.port);
  const run = new LocalRun({
    runId: crypto.randomUUID(),
    hostname: host.hostname,
    profile,
    classes,
    mix,
    host: options.host,
    insecure: options.insecure,
    resetStats: options.resetStats,
    waitsForStart: options.noAutostart,
    thresholds,
    abortOnThreshold: options.abortOnThreshold,
    warnings,
    events,
    clock: systemClock,
    random: systemRandom,
    env: (name) => host.env(name),
    cpuSeconds: () => host.cpuSeconds(),
    openFileLimit: await host.openFileLimit(),
    onSecond: (snapshot) => stage.update(snapshot),
    onWarning: (text) => logger.warn(text),
  });
  await stage.show(run, hub);
  const release = stage.guard(run);
  void done?.then(() => run.stop());
  const result = await run.run();
  release();
  return await stage.report(result, run.failure);
}
