/**
 * Runs several processes on this machine: a master with its workers, or workers for a master elsewhere.
 *
 * @module
 */

import type { Child } from "../core/child_process.ts";
import { AwakeClock } from "../core/awake_clock.ts";
import { type Random, systemClock, systemRandom } from "../core/clock.ts";
import { AiotestError, ExitCode } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import type { ForwardedFlags } from "./custom_flags.ts";
import type { CommandLine, Options } from "./options.ts";
import type { ProcessesRole, WorkerProcessesRole } from "./role.ts";
import { runMaster, type WorkerProcesses } from "./run_master.ts";
import { RunSession } from "./run_session.ts";
import { environmentName } from "./setting_types.ts";
import { HANDED_TO_CHILDREN } from "./settings.ts";
import type { TestFileExports } from "./test_file.ts";
import { workerName } from "./worker_link.ts";

/** The workers to start. */
interface FleetOptions {
  readonly count: number;
  readonly masterHost: string;
  readonly masterPort: number;
  readonly token: string | null;
  /** The options of this process; some of them are handed on to the workers. */
  readonly options: Options;
  /** Flags of the test file. */
  readonly customFlags: ForwardedFlags;
}

interface FleetContext {
  readonly host: Pick<Host, "hostname" | "spawnSelf">;
  readonly random: Random;
  /** Gets each line that a worker prints, prefixed with the worker's name. */
  readonly onLine: (text: string) => void;
  /** Called when a worker exits with a code other than 0 without having been stopped. */
  readonly onFailure: (name: string, code: number) => void;
}

/** A worker that has exited. */
interface EndedWorker {
  readonly name: string;
  /** Its exit code; a signal n counts as 128 + n. */
  readonly code: number;
}

/** Random letters in the name that the workers of this process share. */
const NAME_LETTERS = 4;

/** Worker processes of this process. They exit when it does, however it ends. */
export class WorkerFleet {
  /** Resolves when all have exited, in the order of their numbers. */
  readonly ended: Promise<readonly EndedWorker[]>;
  readonly #context: FleetContext;
  readonly #children: readonly Child[];
  #ending = false;

  /** Starts the workers. */
  constructor(options: FleetOptions, context: FleetContext) {
    this.#context = context;
    const { host, random } = context;
    const base = workerName(host.hostname, random, NAME_LETTERS);
    const env = environment(options);
    const workers = Array.from({ length: options.count }, (_, index) => {
      const name = `${base}-${index + 1}`;
      return { name, child: this.#start(name, options, env) };
    });
    this.#children = workers.map(({ child }) => child);
    this.ended = Promise.all(workers.map(({ name, child }) => this.#watch(name, child)));
  }

  /** From now on, they may exit without having been stopped, and with any code. */
  dismiss(): void {
    this.#ending = true;
  }

  /** Stops all of them gracefully. */
  terminate(): void {
    this.#end("SIGTERM");
  }

  /** Ends all immediately. */
  kill(): void {
    this.#end("SIGKILL");
  }

  #start(
    name: string,
    { masterHost, masterPort, options, customFlags }: FleetOptions,
    env: Readonly<Record<string, string>>,
  ): Child {
    const { host, onLine } = this.#context;
    const args = [
      ...["-f", options.aiotestfile],
      ...["--worker", "--worker-name", name],
      ...["--master-host", masterHost, "--master-port", String(masterPort)],
      ...customFlags.args,
    ];
    return host.spawnSelf(args, { env, onLine: (text) => onLine(`[${name}] ${text}`) });
  }

  async #watch(name: string, child: Child): Promise<EndedWorker> {
    const code = await child.ended;
    if (code !== 0 && !this.#ending) this.#context.onFailure(name, code);
    return { name, code };
  }

  #end(signal: "SIGTERM" | "SIGKILL"): void {
    this.#ending = true;
    for (const child of this.#children) child.kill(signal);
  }
}

/**
 * Everything else is decided by the master, or applies to the parent only: workers do not see the
 * configuration file, whose `processes = 4` would make each of them start workers.
 */
function environment({ options, token, customFlags }: FleetOptions): Record<string, string> {
  const env: Record<string, string> = { ...customFlags.env };
  for (const name of HANDED_TO_CHILDREN) {
    if (options.given.has(name)) env[environmentName(name)] = String(options[name]);
  }
  if (token !== null) env[environmentName("token")] = token;
  return env;
}

/** Time for workers to end by themselves: a little more than handlers of `quitting` may take. */
const QUIT_TIMEOUT_MS = 6_000;

/** Time for handlers of the test file to finish when workers are stopped. */
const STOP_TIMEOUT_MS = 10_000;

/** The role of a parent of worker processes, and the command line whose flags it hands on. */
export interface ParentContext<Role> {
  readonly role: Role;
  readonly commandLine: CommandLine;
}

/** Runs a master that starts its own workers; resolves with the exit code. */
export function runProcesses(
  host: Host,
  exports: TestFileExports,
  options: Options,
  { role: { master, count, masterHost }, commandLine }: ParentContext<ProcessesRole>,
): Promise<number> {
  return runMaster(host, exports, options, {
    settings: master,
    forwarded: commandLine.forwardedOptions(options),
    onListening(masterPort, session, run): WorkerProcesses {
      const customFlags = commandLine.forwardedFlags();
      let failure: AiotestError | null = null;
      const fleet = new WorkerFleet(
        { count, masterHost, masterPort, token: master.token, options, customFlags },
        context(host, session, (name, code) => {
          // Before the start, the test waits for all of its workers, and none can be replaced.
          if (run.snapshot().startedAt !== null) return;
          failure ??= new AiotestError(
            `The test did not start because worker ${name} exited`,
            code === ExitCode.usage ? ExitCode.usage : ExitCode.cluster,
          );
          run.stop();
        }),
      );
      void fleet.ended.then(() => {
        const { state } = run.snapshot();
        if (state === "stopping" || state === "stopped") return;
        // However they ended, no other worker will join.
        failure ??= new AiotestError("No worker is left to run users", ExitCode.cluster);
        run.stop();
      });
      return {
        get failure(): AiotestError | null {
          return failure;
        },
        async stop(): Promise<void> {
          fleet.dismiss();
          const clock = new AwakeClock(systemClock);
          clock.start();
          // Workers that have taken part end by themselves, and a signal would cut their last handlers short.
          const hasStarted = run.snapshot().startedAt !== null;
          const timers = [
            clock.setTimer(() => fleet.terminate(), hasStarted ? QUIT_TIMEOUT_MS : 0),
            // A process that hangs ignores the signal. One that was suspended, like this one, did not.
            clock.setTimer(() => fleet.kill(), STOP_TIMEOUT_MS),
          ];
          await fleet.ended;
          for (const timer of timers) clock.clearTimer(timer);
          clock.stop();
        },
      };
    },
  });
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
    const fleet = new WorkerFleet(
      { count, masterHost, masterPort, token, options, customFlags },
      context(host, session, () => {}),
    );
    session.guard({
      stopping: "Stopping the workers. Interrupt again to exit at once.",
      stop: () => fleet.terminate(),
      countStrayError: () => {},
    });
    if (isInterrupted()) fleet.terminate();
    const ended = await fleet.ended;
    return session.exitCode(Math.max(ExitCode.passed, ...ended.map(({ code }) => code)));
  } finally {
    session.close();
  }
}

function context(
  host: Host,
  session: RunSession,
  onFailure: FleetContext["onFailure"],
): FleetContext {
  return {
    host,
    random: systemRandom,
    onLine: (text) => session.print(text),
    onFailure(name, code): void {
      logger.error(`Worker ${name} exited with code ${code}.`);
      onFailure(name, code);
    },
  };
}
