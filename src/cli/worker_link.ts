/**
 * How a worker connects to its master, and what it is called.
 *
 * @module
 */

import type { WorkerIdentity } from "../cluster/handshake.ts";
import type { MasterConnectionOptions } from "../cluster/master_connection.ts";
import { type Random, systemClock, systemRandom } from "../core/clock.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { MAX_WORKER_NAME } from "../core/run_info.ts";
import { visiblePart } from "../core/text.ts";
import { readPemFile } from "./option_files.ts";
import type { WorkerSettings } from "./role.ts";

/** Random letters after the host name in a worker's name. */
export const NAME_LETTERS = 6;

/**
 * The options of a worker's connection to its master.
 *
 * @throws UsageError if the file of the certificate authority cannot be read.
 */
export async function linkOptions(
  host: Host,
  { masterHost: hostname, masterPort: port, token, reconnectTimeout, tlsCa }: WorkerSettings,
  who: Pick<WorkerIdentity, "workerId" | "testfileHash">,
): Promise<MasterConnectionOptions> {
  const tls = tlsCa === null ? null : { caCerts: [await readPemFile(host, "tls-ca", tlsCa)] };
  return {
    master: `${hostname}:${port}`,
    connect: () => host.connect({ hostname, port, tls }),
    identity: {
      ...who,
      incarnation: crypto.randomUUID(),
      host: visiblePart(host.hostname, 256),
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

/** What may follow the host name in a worker's name: letters, and the number of a process. */
const MAX_SUFFIX = 20;

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/**
 * A name for a worker that was given none. It is unique even on one machine, because the master rejects a
 * second worker of the same name.
 *
 * @param length number of letters and digits after the host name.
 */
export function workerName(hostname: string, random: Random, length: number): string {
  const letter = (): string => LETTERS[Math.floor(random() * LETTERS.length)]!;
  const name = visiblePart(hostname, MAX_WORKER_NAME - MAX_SUFFIX);
  return `${name}-${Array.from({ length }, letter).join("")}`;
}
