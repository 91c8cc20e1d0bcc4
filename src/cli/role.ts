/**
 * What part this process has in the run.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { isLoopback } from "../web/security.ts";
import type { ClusterSettings, Settings, WebSettings } from "./settings.ts";
import { environmentName, kebabCase } from "./sources.ts";

/** What decides whether somebody can start a test that waits for it. */
export type StartOptions = Pick<WebSettings, "noAutostart" | "noWeb" | "webHost" | "webToken">;

/**
 * Checks that a test which waits to be started can be started.
 *
 * @throws UsageError where nobody could, with what to do.
 */
export function checkStartable({ noAutostart, noWeb, webHost, webToken }: StartOptions): void {
  if (!noAutostart) return;
  if (noWeb) {
    throw new UsageError(
      "--no-autostart cannot go with --no-web: the test is started in the dashboard",
      "Leave one of them out.",
    );
  }
  if (webToken !== null || isLoopback(webHost)) return;
  throw new UsageError(
    `--no-autostart needs --web-token with --web-host ${webHost}: nobody could start the test, ` +
      "as without a token the dashboard is only to look at",
    "A token is better given as AIOTEST_WEB_TOKEN.",
  );
}

/** What decides the role. */
export interface RoleOptions extends ClusterSettings, StartOptions {
  readonly given: ReadonlySet<keyof Settings>;
}

/** What is said only to a master. */
const FOR_MASTER = [
  "expectWorkers",
  "expectWorkersMaxWait",
  "masterBindHost",
  "masterBindPort",
  "journal",
  "resume",
  "tlsCert",
  "tlsKey",
] as const;

/** What the master has, and the single process where there are no workers. */
const NOT_FOR_WORKER = [
  ...FOR_MASTER,
  "redis",
  "webHost",
  "webPort",
  "webToken",
  "noAutostart",
  "buckets",
  "otlp",
  "threshold",
  "abortOnThreshold",
] as const;

/** What is said only to a worker. */
const FOR_WORKER = [
  "masterHost",
  "masterPort",
  "reconnectTimeout",
  "workerName",
  "tlsCa",
] as const;

/**
 * Checks that the options of master and workers go together.
 *
 * @throws UsageError that names the flag, and says what to do.
 */
export function checkConflicts(options: RoleOptions): void {
  const { master, worker, processes, journal, resume, tlsCert, tlsKey } = options;
  const { given } = options;
  if (master && worker) {
    throw new UsageError(
      "--master cannot go with --worker: a process is one or the other",
      "A master that starts workers on its own machine: --processes N.",
    );
  }
  if (processes !== null) {
    refuse(given, ["workerName"], "cannot go with --processes, whose workers need a name each");
    refuse(
      given,
      ["tlsCert", "tlsKey"],
      "cannot go with --processes, whose workers connect without TLS: start master and workers by themselves",
    );
  }
  if (worker) refuse(given, NOT_FOR_WORKER, "cannot go with --worker: give it to the master");
  else refuse(given, FOR_WORKER, "needs --worker, as nobody but a worker looks for a master");
  if (!master && processes !== null) {
    refuse(
      given,
      ["expectWorkers", "expectWorkersMaxWait"],
      "needs --master: with --processes alone, nobody but its own workers is waited for",
    );
  }
  if (!master && !worker && processes === null) {
    refuse(given, FOR_MASTER, "needs --master, as there are no workers without one");
  }
  if (journal !== null && resume !== null) {
    throw new UsageError(
      "--journal cannot go with --resume: a resumed run goes on in its own journal",
      "Leave --journal out.",
    );
  }
  checkStartable(options);
  if (tlsCert !== null && tlsKey === null) throw new UsageError("--tls-cert needs --tls-key, too");
  if (tlsKey !== null && tlsCert === null) throw new UsageError("--tls-key needs --tls-cert, too");
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
    `If it is not on the command line, it is in ${environmentName(name)} or in the --config file.`,
  );
}

/** The flag of an option, with its dashes. */
export function flagOf(name: keyof Settings): string {
  return `--${kebabCase(name)}`;
}

/** The part of this process, with all that it needs to know for it. */
export type Role = LocalRole | MasterRole | ProcessesRole | WorkerRole | WorkerProcessesRole;

/** It runs the users itself. */
export interface LocalRole {
  readonly kind: "local";
}

/** It leads workers, wherever they are. */
export interface MasterRole {
  readonly kind: "master";
  readonly master: MasterSettings;
}

/** It leads workers, of which it starts some itself. */
export interface ProcessesRole {
  readonly kind: "processes";
  /** Workers that it starts. */
  readonly count: number;
  readonly master: MasterSettings;
  /** Where the workers on this machine find the master. */
  readonly masterHost: string;
}

/** It runs users for a master. */
export interface WorkerRole {
  readonly kind: "worker";
  readonly worker: WorkerSettings;
  /** What the command line was told: null where it should be called after its machine. */
  readonly name: string | null;
  /** What the person at the command line should know. */
  readonly warnings: readonly string[];
}

/** It starts workers on this machine for a master elsewhere. */
export interface WorkerProcessesRole {
  readonly kind: "workerProcesses";
  readonly count: number;
  readonly worker: WorkerSettings;
  /** What the person at the command line should know. */
  readonly warnings: readonly string[];
}

/** How a master meets its workers. */
export interface MasterSettings {
  readonly bindHost: string;
  /** 0: any that is free. */
  readonly bindPort: number;
  /** Null: whoever reaches the port may join. */
  readonly token: string | null;
  readonly expectWorkers: number;
  /** Seconds; 0: for ever. */
  readonly expectWorkersMaxWait: number;
  readonly allowDifferentTestfile: boolean;
  /** Names of files; null: plain TCP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly journal: string | null;
  readonly resume: string | null;
}

/** How a worker finds its master. */
export interface WorkerSettings {
  readonly masterHost: string;
  readonly masterPort: number;
  readonly token: string | null;
  /** Seconds. */
  readonly reconnectTimeout: number;
  /** Name of the authority's file. */
  readonly tlsCa: string | null;
}

/** What a role takes from its machine. */
export interface RoleSurroundings {
  /** Cores that this process may use. */
  readonly cores: number;
  /** A secret that nobody knows yet, for workers that nobody else has to know. */
  readonly freshToken: string;
}

/** What a worker hears from its master, whatever its own command line says. */
const DECIDED_BY_MASTER = [
  "users",
  "rate",
  "runTime",
  "stopTimeout",
  "json",
  "resetStats",
  "exitCodeOnError",
  "allowDifferentTestfile",
] as const;

/**
 * The role that the options ask for.
 *
 * @throws UsageError where options do not go together.
 */
export function roleOf(options: RoleOptions, surroundings: RoleSurroundings): Role {
  checkConflicts(options);
  const { master, worker, processes } = options;
  if (worker) return workerRole(options, surroundings.cores);
  if (processes !== null) return processesRole(options, processes, surroundings);
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
  { cores, freshToken }: RoleSurroundings,
): ProcessesRole {
  const count = countOf(processes, cores);
  const said = masterSettings(options);
  // As long as nobody calls it a master, it is meant for its own workers alone.
  const master: MasterSettings = options.master
    ? { ...said, expectWorkers: Math.max(count, said.expectWorkers) }
    : {
      ...said,
      bindHost: options.given.has("masterBindHost") ? said.bindHost : LOOPBACK,
      bindPort: options.given.has("masterBindPort") ? said.bindPort : 0,
      token: said.token ?? freshToken,
      expectWorkers: count,
    };
  return { kind: "processes", count, master, masterHost: reachable(master.bindHost) };
}

function masterSettings(options: RoleOptions): MasterSettings {
  const { expectWorkers, expectWorkersMaxWait, allowDifferentTestfile } = options;
  const { masterBindHost, tlsCert, tlsKey } = options;
  return {
    bindHost: masterBindHost === "*" ? ALL_INTERFACES : masterBindHost,
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

const ALL_INTERFACES = "0.0.0.0";

/** Where this machine reaches what listens at an address. */
function reachable(bindHost: string): string {
  if (bindHost === ALL_INTERFACES) return LOOPBACK;
  return bindHost === "::" ? "::1" : bindHost;
}

function countOf(processes: number, cores: number): number {
  return processes === -1 ? cores : processes;
}

function ignoredFlags(given: RoleOptions["given"]): string[] {
  const ignored = DECIDED_BY_MASTER.filter((name) => given.has(name)).map(flagOf);
  if (ignored.length === 0) return [];
  const [verb, them] = ignored.length === 1 ? ["is", "it"] : ["are", "them"];
  return [`${ignored.join(", ")} ${verb} ignored: the master decides ${them}.`];
}
