import type { WorkerIdentity } from "../cluster/introduction.ts";
import type { LinkOptions } from "../cluster/master_link.ts";
import { systemClock } from "../core/clock.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { systemRandom } from "../core/random.ts";
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
): Promise<LinkOptions> {
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
