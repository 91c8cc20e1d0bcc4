/**
 * What part this process has in the run.
 *
 * @module
 */

import { checkConflicts, flagOf, type RoleOptions } from "./role_conflicts.ts";

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
 * ```ts
 * import { roleOf } from "./role.ts";
 * import { CLUSTER_SETTINGS } from "./cluster_settings.ts";
 * import { defaultsOf } from "./setting.ts";
 * import { WEB_SETTINGS } from "./web_settings.ts";
 * import assert from "node:assert/strict";
 *
 * const alone = {
 *   ...defaultsOf(CLUSTER_SETTINGS),
 *   ...defaultsOf(WEB_SETTINGS),
 *   given: new Set<never>(),
 * };
 * const surroundings = { cores: 8, freshToken: "s3cret" };
 * assert.deepEqual(roleOf(alone, surroundings), { kind: "local" });
 *
 * const role = roleOf({ ...alone, processes: -1 }, surroundings);
 * assert.equal(role.kind === "processes" && role.count, 8);
 * ```
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
