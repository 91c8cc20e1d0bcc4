/**
 * Several processes on one machine: a master with its workers, or workers for a master elsewhere.
 *
 * @module
 */

import { systemClock } from "../core/clock.ts";
import { AiotestError } from "../core/errors.ts";
import { ExitCode } from "../core/exit_code.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { systemRandom } from "../core/random.ts";
import type { CommandLine } from "./options.ts";
import type { ProcessesRole, WorkerProcessesRole } from "./role.ts";
import { type Crew, runMaster } from "./run_master.ts";
import { Stage } from "./stage.ts";
import type { TestFileExports } from "./test_file.ts";
import { type FleetSurroundings, WorkerFleet } from "./worker_fleet.ts";

/** What a test file does at its end may take so long. */
const LONGEST_END_MS = 10_000;

/** A master, and workers that it has started itself. */
export function runProcesses(
  host: Host,
  exports: TestFileExports,
  commandLine: CommandLine,
  { master, count, masterHost }: ProcessesRole,
): Promise<number> {
  const options = commandLine.parse();
  return runMaster(host, exports, options, {
    settings: master,
    handedOn: commandLine.handedOn(options),
    onListening(masterPort, stage, run): Crew {
      const passed = commandLine.passedFlags();
      let failure: AiotestError | null = null;
      const fleet = new WorkerFleet(
        { count, masterHost, masterPort, token: master.token, options, passed },
        surroundings(host, stage, (name, code) => {
          // Before it began the test waits for all of them, and nobody comes in the place of one.
          if (run.snapshot().startedAt !== null) return;
          failure ??= new AiotestError(
            `The test has not begun, as worker ${name} could not start`,
            code === ExitCode.usage ? ExitCode.usage : ExitCode.cluster,
          );
          run.stop();
        }),
      );
      void fleet.ended.then(() => {
        const { state } = run.snapshot();
        if (state === "stopping" || state === "stopped") return;
        // Whether they were killed or told to go: nobody else is going to come.
        failure ??= new AiotestError("No worker is left to run users", ExitCode.cluster);
        run.stop();
      });
      return {
        get failure(): AiotestError | null {
          return failure;
        },
        async dismiss(): Promise<void> {
          fleet.terminate();
          // One that stands still hears nothing.
          const timer = systemClock.setTimer(() => fleet.kill(), LONGEST_END_MS);
          await fleet.ended;
          systemClock.clearTimer(timer);
        },
      };
    },
  });
}

/**
 * Workers of this machine for a master that may be elsewhere.
 *
 * @param isInterrupted whether somebody has ended them by now.
 */
export async function runWorkerProcesses(
  host: Host,
  commandLine: CommandLine,
  { worker, count, warnings }: WorkerProcessesRole,
  isInterrupted: () => boolean,
): Promise<number> {
  const options = commandLine.parse();
  const stage = new Stage(host, options);
  try {
    await stage.open();
    for (const text of warnings) logger.warn(text);
    const { masterHost, masterPort, token } = worker;
    const passed = commandLine.passedFlags();
    const fleet = new WorkerFleet(
      { count, masterHost, masterPort, token, options, passed },
      surroundings(host, stage, () => {}),
    );
    const release = stage.guard({ stop: () => fleet.terminate(), noteStrayError: () => {} });
    if (isInterrupted()) fleet.terminate();
    const ended = await fleet.ended;
    release();
    return Math.max(ExitCode.passed, ...ended.map(({ code }) => code));
  } finally {
    stage.close();
  }
}

function surroundings(
  host: Host,
  stage: Stage,
  onFailure: FleetSurroundings["onFailure"],
): FleetSurroundings {
  return {
    host,
    random: systemRandom,
    onLine: (text) => stage.print(text),
    onFailure(name, code): void {
      logger.error(`Worker ${name} has ended with exit code ${code}.`);
      onFailure(name, code);
    },
  };
}
