/**
 * Workers on this machine, each a process of its own.
 *
 * @module
 */

import type { Child } from "../core/child_process.ts";
import type { Host } from "../core/host.ts";
import type { Random } from "../core/random.ts";
import type { Options } from "./options.ts";
import type { PassedFlags } from "./passed_flags.ts";
import type { Settings } from "./settings.ts";
import { environmentName } from "./sources.ts";
import { workerName } from "./worker_name.ts";

/** Which workers are started. */
export interface FleetOptions {
  readonly count: number;
  readonly masterHost: string;
  readonly masterPort: number;
  readonly token: string | null;
  /** What this process was told; some of it holds for its workers, too. */
  readonly options: Options;
  /** Flags of the test file. */
  readonly passed: PassedFlags;
}

/** What the workers are started with, and who hears of them. */
export interface FleetSurroundings {
  readonly host: Pick<Host, "hostname" | "spawnSelf">;
  readonly random: Random;
  /** Gets each line that a worker prints, with the worker's name before it. */
  readonly onLine: (text: string) => void;
  /** Called when a worker that nobody has ended ends with a code other than 0. */
  readonly onFailure: (name: string, code: number) => void;
}

/** How a worker has ended. */
export interface EndedWorker {
  readonly name: string;
  /** Its exit code; a signal n counts as 128 + n. */
  readonly code: number;
}

/**
 * What a worker must be told as this process was told. All else is either the master's to decide, or
 * would have the worker do what its parent does: a configuration file that says `processes = 4` is for
 * the parent alone, and so the workers never see the file.
 */
const HANDED_ON: readonly (keyof Settings)[] = [
  "host",
  "tags",
  "excludeTags",
  "insecure",
  "loglevel",
  "reconnectTimeout",
  "tlsCa",
];

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
  for (const name of HANDED_ON) {
    if (options.given.has(name)) env[environmentName(name)] = String(options[name]);
  }
  if (token !== null) env[environmentName("token")] = token;
  return env;
}
