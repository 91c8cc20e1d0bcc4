import type { WorkerIdentity } from "../cluster/handshake.ts";
import type { MasterConnectionOptions } from "../cluster/master_connection.ts";
import { type Random, systemClock, systemRandom } from "../core/clock.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import type { WorkerSettings } from "./role.ts";
import { readPem } from "./run_master.ts";

/** Letters behind the name of the machine, in a worker's name. */
export const NAME_LETTERS = 6;

/**
 * The way from a worker to its master.
 *
 * @throws UsageError where the authority's file cannot be read.
 */
export async function linkOptions(
  host: Host,
  { masterHost: hostname, masterPort: port, token, reconnectTimeout, tlsCa }: WorkerSettings,
  who: Pick<WorkerIdentity, "workerId" | "testfileHash">,
): Promise<MasterConnectionOptions> {
  const tls = tlsCa === null ? null : { caCerts: [await readPem(host, "tls-ca", tlsCa)] };
  return {
    master: `${hostname}:${port}`,
    connect: () => host.connect({ hostname, port, tls }),
    identity: {
      ...who,
      incarnation: crypto.randomUUID(),
      host: host.hostname,
      pid: host.pid,
      cpus: host.cores,
    },
    token,
    timeoutMs: reconnectTimeout * 1000,
    clock: systemClock,
    random: systemRandom,
    info: (text) => logger.info(text),
    warn: (text) => logger.warn(text),
  };
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/**
 * A name for what runs on a machine, where nobody has given it one: there may be more on the same
 * machine, and two workers of one name are not let in.
 *
 * @param length how many letters and digits come behind the host's name.
 */
export function workerName(hostname: string, random: Random, length: number): string {
  const letter = (): string => LETTERS[Math.floor(random() * LETTERS.length)]!;
  return `${hostname}-${Array.from({ length }, letter).join("")}`;
}
