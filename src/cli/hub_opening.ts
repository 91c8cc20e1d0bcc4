import { ClusterHub } from "../cluster/cluster_hub.ts";
import { nodeCluster } from "../cluster/node_cluster.ts";
import { readRows } from "../cluster/row_reader.ts";
import { systemClock } from "../core/clock.ts";
import type { Host } from "../core/host.ts";
import { systemRandom } from "../core/random.ts";

/**
 * What the nodes of a run are going to share, with the rows of all feeders that the test file has made.
 *
 * @throws UsageError where rows cannot be read.
 */
export async function openHub(host: Host): Promise<ClusterHub> {
  const feeders = [];
  for (const feeder of nodeCluster.feeders) {
    feeders.push({ ...feeder, rows: await readRows(host, feeder) });
  }
  return new ClusterHub({ feeders, clock: systemClock, random: systemRandom });
}
