/**
 * Runs several processes on this machine: a master with its workers, or workers for a master elsewhere.
 *
 * @module
 */

import { AwakeClock } from "../core/awake_clock.ts";
import { systemClock, systemRandom } from "../core/clock.ts";
import { formatDuration } from "../core/duration.ts";
import { AiotestError, ExitCode } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import type { CommandLine, Options } from "./options.ts";
import type { ProcessesRole, WorkerProcessesRole } from "./role.ts";
import type { Lobby } from "./lobby.ts";
import { type MasterContext, runMaster, type WorkerProcesses } from "./run_master.ts";
import { RunSession } from "./run_session.ts";
import type { TestFileExports } from "./test_file.ts";
import { type EndedWorker, type FleetContext, MAX_RESTARTS, WorkerFleet } from "./worker_fleet.ts";

/** Time for workers to end by themselves: a little more than handlers of `quitting` may take. */
const QUIT_TIMEOUT_MS = 6_000;

/** Time for handlers of the test file to finish when workers are stopped. */
const STOP_TIMEOUT_MS = 10_000;

/** The role of a parent of worker processes, and the command line whose flags it hands on. */
export interface ParentContext<Role> {
  readonly role: Role;
  readonly commandLine: CommandLine;
}

/** The run that the workers of a master work for, or the lobby in which they wait for the next one. */
interface Employer {
  readonly session: RunSession;
  readonly run: Parameters<NonNullable<MasterContext["onListening"]>>[2];
  /** Ends the run because of its workers. */
  fail(message: string, exitCode: number): void;
}

/** Runs a master that starts its own workers; resolves with the exit code. */
export function runProcesses(
  host: Host,
  exports: TestFileExports,
  options: Options,
  { role: { master, count, masterHost }, commandLine }: ParentContext<ProcessesRole>,
): Promise<number> {
  let employer: Employer;
  let lobby: Lobby | null = null;
  let fleet: WorkerFleet | null = null;
  let left = count;
  let dismissed: ReadonlySet<string> = new Set();
  const startFleet = (masterPort: number): WorkerFleet => {
    const customFlags = commandLine.forwardedFlags();
    left = count;
    const started: WorkerFleet = new WorkerFleet(
      { count, masterHost, masterPort, token: master.token, options, customFlags },
      {
        host,
        random: systemRandom,
        clock: systemClock,
        onLine: (text) => employer.session.print(text),
        mayReplace: () => lobby !== null || !employer.run.isEnding,
        onEnded(worker): void {
          left = worker.left;
          if (lobby !== null) {
            lobby.processEnded(worker.name, worker.how);
            const { name, how, successor } = worker;
            const next = successor === null ? "" : ` Worker ${successor} is started in its place.`;
            if (worker.code !== 0) logger.warn(`Worker ${name} ${how}.${next}`);
            return;
          }
          const { run, fail } = employer;
          const { startedAt, elapsedSeconds } = run.snapshot();
          const isEnding = run.isEnding;
          run.processEnded(worker.name, worker.how);
          run.ownProcesses = worker.left;
          if (isEnding || worker.successor === null && startedAt === null) {
            if (worker.code !== 0) logger.error(`Worker ${worker.name} ${worker.how}.`);
          } else if (worker.code !== 0) {
            run.warn(endedText(worker, startedAt === null ? null : elapsedSeconds));
          }
          if (isEnding || startedAt !== null || worker.successor !== null) return;
          // Before the start, the test waits for all of its workers. Of those elsewhere, others may join.
          if (worker.code === 0 && options.master) return;
          fail(
            `The test did not start because worker ${worker.name} ${
              worker.hasDied ? worker.how : "exited"
            }${worker.isOverLimit ? `, after ${REPLACED}` : ""}`,
            worker.code === ExitCode.usage ? ExitCode.usage : ExitCode.cluster,
          );
        },
      },
    );
    void started.ended.then(() => {
      fleet = null;
      // Without --master, no other worker can join.
      if (lobby === null && !employer.run.isEnding && !options.master) {
        employer.fail("No worker is left to run users", ExitCode.cluster);
      }
    });
    return started;
  };
  return runMaster(host, exports, options, {
    settings: master,
    forwarded: (one, others) => commandLine.forwardedOptions(one, others),
    commandLine,
    onIdle: (one) => void (lobby = one),
    onDismissed: (names) => void (dismissed = names),
    onListening(masterPort, session, run): WorkerProcesses {
      let failure: AiotestError | null = null;
      lobby = null;
      employer = {
        session,
        run,
        fail(message, exitCode): void {
          failure ??= new AiotestError(message, exitCode);
          run.stop();
        },
      };
      const working = fleet ??= startFleet(masterPort);
      run.ownProcesses = left;
      return {
        get failure(): AiotestError | null {
          return failure;
        },
        async stop(stay): Promise<void> {
          if (stay) return;
          // Workers that have taken part end by themselves, and a signal would cut their last handlers short.
          const { startedAt, workers } = run.snapshot();
          const joined = new Set(startedAt === null ? [] : workers.map(({ id }) => id));
          await endFleet(working, joined, session);
        },
      };
    },
  }).finally(async () => {
    // They have waited for another run.
    if (fleet !== null) await endFleet(fleet, dismissed, employer.session);
  });
}

/**
 * Ends worker processes; resolves when all have exited.
 *
 * @param told the names of those that end by themselves.
 */
async function endFleet(
  fleet: WorkerFleet,
  told: ReadonlySet<string>,
  session: RunSession,
): Promise<void> {
  fleet.terminate((name) => !told.has(name));
  const clock = new AwakeClock(systemClock);
  clock.start();
  const timers = [
    clock.setTimer(() => fleet.terminate(), QUIT_TIMEOUT_MS),
    // A process that hangs ignores the signal. One that was suspended, like this one, did not.
    clock.setTimer(() => fleet.kill(), STOP_TIMEOUT_MS),
  ];
  const ended = await fleet.ended;
  // That is how a worker says that a file of its own lacks a part.
  if (ended.some(({ code }) => code === ExitCode.failures)) session.outputIncomplete();
  for (const timer of timers) clock.clearTimer(timer);
  clock.stop();
}

/**
 * Runs worker processes for a master that may be elsewhere; resolves with the exit code.
 *
 * @param isInterrupted whether the process has been interrupted in the meantime.
 */
export async function runWorkerProcesses(
  host: Host,
  options: Options,
  { role: { worker, count, warnings }, commandLine }: ParentContext<WorkerProcessesRole>,
  isInterrupted: () => boolean,
): Promise<number> {
  const session = new RunSession(host, options);
  try {
    await session.open(null);
    for (const text of warnings) logger.warn(text);
    const { masterHost, masterPort, token } = worker;
    const customFlags = commandLine.forwardedFlags();
    let isOver = false;
    const fleet = new WorkerFleet(
      { count, masterHost, masterPort, token, options, customFlags },
      {
        ...sources(host, session),
        // A worker that ends by itself has been told that the run is over, or cannot take part.
        mayReplace: () => !isOver,
        onEnded(worker): void {
          if (!worker.hasDied) isOver = true;
          if (worker.hasDied) logger.warn(endedText(worker, null));
          else if (worker.code !== 0) logger.error(`Worker ${worker.name} ${worker.how}.`);
        },
      },
    );
    session.guard({
      stopping: "Stopping the workers. Interrupt again to exit at once.",
      stop: () => fleet.terminate(),
      countStrayError: () => {},
    });
    if (isInterrupted()) fleet.terminate();
    const ended = await fleet.ended;
    // What a worker had counted when it died is missing.
    const codes = ended.map(({ code, hasDied }) => hasDied ? ExitCode.cluster : code);
    return session.exitCode(Math.max(ExitCode.passed, ...codes));
  } finally {
    session.close();
  }
}

function sources(
  host: Host,
  session: RunSession,
): Pick<FleetContext, "host" | "random" | "clock" | "onLine"> {
  return {
    host,
    random: systemRandom,
    clock: systemClock,
    onLine: (text) => session.print(text),
  };
}

const REPLACED = `${MAX_RESTARTS} workers were replaced within a minute`;

/**
 * What has become of a worker, and of its place; sentences.
 *
 * @param atSeconds when it ended, in seconds since the start of the test; `null` if it has not started.
 */
function endedText(
  { name, how, successor, isOverLimit, left }: EndedWorker,
  atSeconds: number | null,
): string {
  const when = atSeconds === null ? "" : `, ${formatDuration(Math.floor(atSeconds))} into the test`;
  const what = `Worker ${name} ${how}${when}.`;
  if (successor !== null) return `${what} Worker ${successor} is started in its place.`;
  const rest = left === 0
    ? "no worker is left"
    : `the run continues with ${left} ${left === 1 ? "worker" : "workers"} of this machine`;
  return isOverLimit
    ? `${what} It is not replaced, because ${REPLACED}: ${rest}.`
    : `${what} It is not replaced: ${rest}.`;
}
