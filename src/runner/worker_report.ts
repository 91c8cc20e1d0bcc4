import type { Report } from "../cluster/report_message.ts";
import type { Events, WorkerReport } from "../core/events.ts";

/** Tells whoever listens that a worker has reported; with nobody there it costs nothing. */
export function emitReport(events: Events, workerId: string, report: Report): void {
  if (!events.has("workerReport")) return;
  void events.emit("workerReport", { workerId, report: workerReport(report) });
}

/** A worker's report as handlers of events get it. */
function workerReport({ from, to, users, cpu, lag }: Report): WorkerReport {
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
