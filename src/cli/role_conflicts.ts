import { UsageError } from "../core/errors.ts";
import type { ClusterSettings } from "./cluster_settings.ts";
import { kebabCase } from "./config_file.ts";
import type { Settings } from "./settings.ts";
import { environmentName } from "./sources.ts";
import { checkStartable, type StartOptions } from "./start_check.ts";

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
