/**
 * Several processes on one machine: a master with its workers, or workers for a master elsewhere.
 *
 * @module
 */

import type { Child } from "../core/child_process.ts";
import { type Random, systemClock, systemRandom } from "../core/clock.ts";
import { AiotestError, ExitCode } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import type { ForwardedFlags } from "./custom_flags.ts";
import type { CommandLine, Options } from "./options.ts";
import type { ProcessesRole, WorkerProcessesRole } from "./role.ts";
import { runMaster, type WorkerProcesses } from "./run_master.ts";
import { RunSession } from "./run_session.ts";
import { environmentName, HANDED_TO_CHILDREN } from "./settings.ts";
import type { TestFileExports } from "./test_file.ts";
import { workerName } from "./worker_link.ts";

// Workers on this machine, each a process of its own.

/** Which workers are started. */
interface FleetOptions {
  readonly count: number;
  readonly masterHost: string;
  readonly masterPort: number;
  readonly token: string | null;
  /** What this process was told; some of it holds for its workers, too. */
  readonly options: Options;
  /** Flags of the test file. */
  readonly passed: ForwardedFlags;
}

/** What the workers are started with, and who hears of them. */
interface FleetSurroundings {
  readonly host: Pick<Host, "hostname" | "spawnSelf">;
  readonly random: Random;
  /** Gets each line that a worker prints, with the worker's name before it. */
  readonly onLine: (text: string) => void;
  /** Called when a worker that nobody has ended ends with a code other than 0. */
  readonly onFailure: (name: string, code: number) => void;
}

/** How a worker has ended. */
interface EndedWorker {
  readonly name: string;
  /** Its exit code; a signal n counts as 128 + n. */
  readonly code: number;
}

/** Letters in the name that the workers of a fleet share. */
const NAME_LETTERS = 4;

/** The workers that this process has started. They end with it, in whatever way it ends. */
export class WorkerFleet {
  /** Resolves when all have ended, in the order of their numbers. */
  readonly ended: Promise<readonly EndedWorker[]>;
  readonly #surroundings: FleetSurroundings;
  readonly #children: readonly Child[];
  #ending = false;

  /** Starts them. */
  constructor(options: FleetOptions, surroundings: FleetSurroundings) {
    this.#surroundings = surroundings;
    const { host, random } = surroundings;
    const base = workerName(host.hostname, random, NAME_LETTERS);
    const env = environment(options);
    const workers = Array.from({ length: options.count }, (_, index) => {
      const name = `${base}-${index + 1}`;
      return { name, child: this.#start(name, options, env) };
    });
    this.#children = workers.map(({ child }) => child);
    this.ended = Promise.all(workers.map(({ name, child }) => this.#watch(name, child)));
  }

  /** Has all end well. */
  terminate(): void {
    this.#end("SIGTERM");
  }

  /** Ends all at once. */
  kill(): void {
    this.#end("SIGKILL");
  }

  #start(
    name: string,
    { masterHost, masterPort, options, passed }: FleetOptions,
    env: Readonly<Record<string, string>>,
  ): Child {
    const { host, onLine } = this.#surroundings;
    const args = [
      ...["-f", options.aiotestfile],
      ...["--worker", "--worker-name", name],
      ...["--master-host", masterHost, "--master-port", String(masterPort)],
      ...passed.args,
    ];
    return host.spawnSelf(args, { env, onLine: (text) => onLine(`[${name}] ${text}`) });
  }

  async #watch(name: string, child: Child): Promise<EndedWorker> {
    const code = await child.ended;
    if (code !== 0 && !this.#ending) this.#surroundings.onFailure(name, code);
    return { name, code };
  }

  #end(signal: "SIGTERM" | "SIGKILL"): void {
    this.#ending = true;
    for (const child of this.#children) child.kill(signal);
  }
}

function environment({ options, token, passed }: FleetOptions): Record<string, string> {
  const env: Record<string, string> = { ...passed.env };
  for (const name of HANDED_TO_CHILDREN) {
    if (options.given.has(name)) env[environmentName(name)] = String(options[name]);
  }
  if (token !== null) env[environmentName("token")] = token;
  return env;
}

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
    forwarded: commandLine.forwardedOptions(options),
    onListening(masterPort, stage, run): WorkerProcesses {
      const passed = commandLine.forwardedFlags();
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
  const stage = new RunSession(host, options);
  try {
    await stage.open();
    for (const text of warnings) logger.warn(text);
    const { masterHost, masterPort, token } = worker;
    const passed = commandLine.forwardedFlags();
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
  stage: RunSession,
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
