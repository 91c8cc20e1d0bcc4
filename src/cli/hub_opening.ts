import { ClusterHub } from "../cluster/cluster_hub.ts";
import { nodeCluster } from "../cluster/node_cluster.ts";
import { readRows } from "../cluster/row_reader.ts";
import { systemClock } from "../core/clock.ts";
import type { Host } from "../core/host.ts";
import { systemRandom } from "../core/random.ts";
import type { Options } from "./options.ts";
import { openRedis } from "./redis_opening.ts";

/** What the nodes of a run share, until it is closed. */
export interface OpenHub {
  readonly hub: ClusterHub;
  close(): void;
}

/**
 * What the nodes of a run are going to share, with the rows of all feeders that the test file has made.
 *
 * @throws UsageError where rows cannot be read, or Redis cannot be used.
 */
export async function openHub(
  host: Host,
  { redis: redisUrl, iterations }: Pick<Options, "redis" | "iterations">,
): Promise<OpenHub> {
  const feeders = [];
  for (const feeder of nodeCluster.feeders) {
    feeders.push({ ...feeder, rows: await readRows(host, feeder) });
  }
  const redis = redisUrl === null ? null : await openRedis(redisUrl);
  return {
    hub: new ClusterHub({
      feeders,
      clock: systemClock,
      random: systemRandom,
      redis,
      passes: iterations,
    }),
    close: () => redis?.close(),
  };
}
