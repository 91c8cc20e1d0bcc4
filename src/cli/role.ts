/**
 * The role of this process in a run: local, master, worker, or a parent of worker processes. Decides it
 * from the options, and rejects options that contradict each other.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { ANY_ADDRESS } from "../core/network.ts";
import { isBelow } from "../report/sample_files.ts";
import { isLoopback } from "../web/allowed_hosts.ts";
import type { Options } from "./options.ts";
import { environmentName, flagOf } from "./setting_types.ts";
import { type Settings, settingsWithScope } from "./settings.ts";

/** The role of this process, with its settings. */
export type Role = LocalRole | MasterRole | ProcessesRole | WorkerRole | WorkerProcessesRole;

/** Runs the users itself. */
export interface LocalRole {
  readonly kind: "local";
}

/** Coordinates workers. */
export interface MasterRole {
  readonly kind: "master";
  readonly master: MasterSettings;
}

/** Coordinates workers, and starts some of them itself. */
export interface ProcessesRole {
  readonly kind: "processes";
  /** Number of workers that it starts. */
  readonly count: number;
  readonly master: MasterSettings;
  /** Address at which the workers on this machine reach the master. */
  readonly masterHost: string;
}

/** Runs users for a master. */
export interface WorkerRole {
  readonly kind: "worker";
  readonly worker: WorkerSettings;
  /** `null`: made from the host name. */
  readonly name: string | null;
  /** To be logged. */
  readonly warnings: readonly string[];
}

/** Starts workers on this machine for a master elsewhere. */
export interface WorkerProcessesRole {
  readonly kind: "workerProcesses";
  readonly count: number;
  readonly worker: WorkerSettings;
  /** To be logged. */
  readonly warnings: readonly string[];
}

/** Settings of a master. */
export interface MasterSettings {
  readonly bindHost: string;
  /** 0: any free port. */
  readonly bindPort: number;
  /** `null`: anything that reaches the port may join. */
  readonly token: string | null;
  readonly expectWorkers: number;
  /** Seconds; 0: no limit. */
  readonly expectWorkersMaxWait: number;
  readonly allowDifferentTestfile: boolean;
  /** File names; `null`: plain TCP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly journal: string | null;
  readonly resume: string | null;
}

/** How a worker connects to its master. */
export interface WorkerSettings {
  readonly masterHost: string;
  readonly masterPort: number;
  readonly token: string | null;
  /** Seconds. */
  readonly reconnectTimeout: number;
  /** File name of the certificate authority. */
  readonly tlsCa: string | null;
}

/** Facts about the machine that a role depends on. */
export interface MachineFacts {
  /** Cores that this process may use. */
  readonly cores: number;
  /** A new secret, for workers that only this process knows. */
  readonly freshToken: string;
}

/** Options that decide the role. */
export type RoleOptions = Omit<Options, "extra">;

/**
 * The role that the options ask for.
 *
 * @throws UsageError if options contradict each other.
 */
export function roleOf(options: RoleOptions, machine: MachineFacts): Role {
  checkConflicts(options);
  const { master, worker, processes } = options;
  if (worker) return workerRole(options, machine.cores);
  if (processes !== null) return processesRole(options, processes, machine);
  return master ? { kind: "master", master: masterSettings(options) } : { kind: "local" };
}

function workerRole(options: RoleOptions, cores: number): WorkerRole | WorkerProcessesRole {
  const { masterHost, masterPort, token, reconnectTimeout, tlsCa, processes } = options;
  const worker = { masterHost, masterPort, token, reconnectTimeout, tlsCa };
  const warnings = ignoredFlags(options.given);
  if (processes === null) return { kind: "worker", worker, name: options.workerName, warnings };
  return { kind: "workerProcesses", count: countOf(processes, cores), worker, warnings };
}

function processesRole(
  options: RoleOptions,
  processes: number,
  { cores, freshToken }: MachineFacts,
): ProcessesRole {
  const count = countOf(processes, cores);
  const configured = masterSettings(options);
  // Without --master, it accepts only its own workers.
  const master: MasterSettings = options.master
    ? { ...configured, expectWorkers: Math.max(count, configured.expectWorkers) }
    : {
      ...configured,
      bindHost: options.given.has("masterBindHost") ? configured.bindHost : LOOPBACK,
      bindPort: options.given.has("masterBindPort") ? configured.bindPort : 0,
      token: configured.token ?? freshToken,
      expectWorkers: count,
    };
  return { kind: "processes", count, master, masterHost: reachable(master.bindHost) };
}

function masterSettings(options: RoleOptions): MasterSettings {
  const { expectWorkers, expectWorkersMaxWait, allowDifferentTestfile } = options;
  const { masterBindHost, tlsCert, tlsKey } = options;
  return {
    bindHost: masterBindHost,
    bindPort: options.masterBindPort,
    token: options.token,
    expectWorkers,
    expectWorkersMaxWait,
    allowDifferentTestfile,
    tls: tlsCert === null || tlsKey === null ? null : { cert: tlsCert, key: tlsKey },
    journal: options.journal,
    resume: options.resume,
  };
}

const LOOPBACK = "127.0.0.1";

/** The address at which this machine reaches a listener. */
function reachable(bindHost: string): string {
  if (bindHost === ANY_ADDRESS || bindHost === "0.0.0.0") return LOOPBACK;
  return bindHost === "::" ? "::1" : bindHost;
}

function countOf(processes: number, cores: number): number {
  return processes === -1 ? cores : processes;
}

function ignoredFlags(given: RoleOptions["given"]): string[] {
  const ignored = settingsWithScope("master decides").filter((name) => given.has(name));
  if (ignored.length === 0) return [];
  const verb = ignored.length === 1 ? "is" : "are";
  return [`${ignored.map(flagOf).join(", ")} ${verb} ignored on a worker: the master decides.`];
}

/** Options that decide whether a test that waits to be started can be started. */
export type StartOptions = Pick<
  Settings,
  "noAutostart" | "keep" | "noWeb" | "webHost" | "webAllowedHost" | "webToken"
>;

/**
 * Checks that a test which waits to be started can be started.
 *
 * @throws UsageError if it cannot, with what to do about it.
 */
export function checkStartable(
  { noAutostart, keep, noWeb, webHost, webAllowedHost, webToken }: StartOptions,
): void {
  if (!noAutostart && !keep) return;
  const what = noAutostart ? "--no-autostart" : "--keep";
  if (noWeb) {
    throw new UsageError(
      `${what} cannot be used with --no-web: the dashboard starts the test`,
      "Remove one of them.",
    );
  }
  const isLocal = isLoopback(webHost);
  if (webToken !== null || isLocal && webAllowedHost.length === 0) return;
  const option = isLocal ? `--web-allowed-host ${webAllowedHost[0]}` : `--web-host ${webHost}`;
  throw new UsageError(
    `${what} with ${option} needs --web-token: without a token the dashboard is ` +
      "read-only there, and cannot start the test",
    "Prefer the environment variable AIOTEST_WEB_TOKEN.",
  );
}

/**
 * Checks that the dashboard has both a certificate and its key, or neither.
 *
 * @throws UsageError if one of them is missing.
 */
export function checkWebTls(
  { webTlsCert, webTlsKey }: Pick<Settings, "webTlsCert" | "webTlsKey">,
): void {
  if (webTlsCert !== null && webTlsKey === null) {
    throw new UsageError("--web-tls-cert needs --web-tls-key");
  }
  if (webTlsKey !== null && webTlsCert === null) {
    throw new UsageError("--web-tls-key needs --web-tls-cert");
  }
}

/**
 * Checks that the options about samples can be combined.
 *
 * @throws UsageError if they cannot.
 */
export function checkSampleOptions(
  { samples, samplesOnly }: Pick<Settings, "samples" | "samplesOnly">,
): void {
  if (samples !== null || samplesOnly === null) return;
  throw new UsageError(
    `--samples-only ${samplesOnly} needs --samples`,
    "For example: --samples run.jsonl",
  );
}

/**
 * Checks that the options of master and workers can be combined.
 *
 * @throws UsageError that names the flag, and says what to do.
 */
export function checkConflicts(options: RoleOptions): void {
  const { master, worker, processes, journal, resume, tlsCert, tlsKey, samples } = options;
  const { given } = options;
  if (options.once) checkOnce(options);
  if (master && worker) {
    throw new UsageError(
      "--master cannot be used with --worker: a process is one or the other",
      "To start a master with workers on the same machine, use --processes N.",
    );
  }
  if (processes !== null) {
    refuse(
      given,
      ["workerName"],
      "cannot be used with --processes: each worker needs its own name",
    );
    refuse(
      given,
      ["tlsCert", "tlsKey"],
      "cannot be used with --processes, whose workers connect without TLS: start master and " +
        "workers separately",
    );
  }
  const forMaster = settingsWithScope("master");
  if (worker) {
    refuse(
      given,
      [...forMaster, ...settingsWithScope("not worker")],
      "cannot be used with --worker: set it on the master",
    );
  } else {refuse(
      given,
      settingsWithScope("worker"),
      "needs --worker: only workers connect to a master",
    );}
  if (master && processes === null) {
    refuse(
      given,
      ["localAddress"],
      "cannot be used with --master, which opens no connections to the target: set it on each worker",
    );
    if (samples !== null && !isBelow(samples)) {
      throw new UsageError(
        `--samples ${samples} cannot be used with --master: its workers write only below their own ` +
          "working directories",
        "Give a relative path without .., or set --samples on each worker.",
      );
    }
  }
  if (!master && processes !== null) {
    refuse(
      given,
      ["expectWorkers", "expectWorkersMaxWait"],
      "needs --master: with --processes alone, the test waits for its own workers only",
    );
  }
  if (!master && !worker && processes === null) {
    refuse(given, forMaster, "needs --master: without a master there are no workers");
  }
  if (journal !== null && resume !== null) {
    throw new UsageError(
      "--journal cannot be used with --resume: a resumed run continues its own journal",
      "Remove --journal.",
    );
  }
  if (options.keep && (journal !== null || resume !== null)) {
    throw new UsageError(
      `--keep cannot be used with ${
        journal === null ? "--resume" : "--journal"
      }, which is for one run`,
      "Remove one of them.",
    );
  }
  checkStartable(options);
  checkWebTls(options);
  // A worker may get one of them from its master.
  if (!worker) checkSampleOptions(options);
  if (tlsCert !== null && tlsKey === null) throw new UsageError("--tls-cert needs --tls-key");
  if (tlsKey !== null && tlsCert === null) throw new UsageError("--tls-key needs --tls-cert");
}

/** Checks that one process can run the users once, now. */
function checkOnce({ master, worker, processes, noAutostart, keep }: RoleOptions): void {
  const other = master
    ? "--master"
    : worker
    ? "--worker"
    : processes !== null
    ? "--processes"
    : null;
  if (other !== null) {
    throw new UsageError(
      `--once cannot be used with ${other}: one process runs the users of a pass`,
      "Remove one of them.",
    );
  }
  if (noAutostart) {
    throw new UsageError("--once cannot be used with --no-autostart: a pass starts at once");
  }
  if (keep) throw new UsageError("--once cannot be used with --keep: a pass is over at once");
}

/** Refuses the first of some options that was given. */
function refuse(
  given: RoleOptions["given"],
  names: readonly (keyof Settings)[],
  reason: string,
): void {
  const name = names.find((name) => given.has(name));
  if (name === undefined) return;
  throw new UsageError(
    `${flagOf(name)} ${reason}`,
    `If it is not on the command line, it is set in ${
      environmentName(name)
    } or in the --config file.`,
  );
}
