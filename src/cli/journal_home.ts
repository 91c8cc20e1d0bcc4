import { REDIS_SERVICE } from "../cluster/redis_answers.ts";
import type { SharedRecord } from "../cluster/restored_run.ts";
import { UsageError } from "../core/errors.ts";

/**
 * Checks that counters and queues of a run that goes on are where they were. Otherwise they would begin
 * anew, or all that was done to them would be done to those of Redis.
 *
 * @throws UsageError where a record says that they were elsewhere.
 */
export function checkHome(record: SharedRecord, withRedis: boolean): void {
  if (record.type !== "call") return;
  const { service } = record;
  if (!withRedis && service === REDIS_SERVICE) {
    throw new UsageError(
      "--resume needs --redis, too: the run's counters and queues are in Redis",
      "Give the URL that the run was begun with.",
    );
  }
  if (withRedis && (service === "counter" || service === "queue")) {
    throw new UsageError(
      "--resume cannot go with --redis: the run's counters and queues are in its journal",
      "Leave --redis out.",
    );
  }
}
