import type { Report } from "../cluster/message.ts";
import type { WorkerReport } from "../core/events.ts";

/** A worker's report as handlers of events get it. */
export function workerReport({ from, to, users, cpu, lag }: Report): WorkerReport {
  const sum = (field: "requests" | "failures"): number =>
    users.reduce((total, second) => total + second[field], 0);
  return {
    from,
    to,
    users: users.at(-1)?.users ?? 0,
    requests: sum("requests"),
    failures: sum("failures"),
    cpu,
    lagMs: lag,
  };
}
