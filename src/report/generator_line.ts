import type { Snapshot } from "../stats/snapshot.ts";
import { attendance, isPresent } from "./attendance.ts";
import { cpuGauge, lagGauge } from "./gauges.ts";
import { label } from "./panel_label.ts";
import { type Span, span } from "./styled_line.ts";

/** How busy and how late the processes are that generate load: the worst of them. */
export function generatorLine({ mode, workers }: Snapshot): Span[] {
  if (workers.length === 0) return [label("workers"), span("none yet", "warning")];
  const present = workers.filter(isPresent);
  const count = span(attendance(workers), "strong");
  // How those were that are gone says nothing of now.
  if (present.length === 0) return [label("workers"), count];
  const cpu = Math.max(...present.map((worker) => worker.cpu));
  const lag = Math.max(...present.map((worker) => worker.lagMs));
  return [
    ...(mode === "local" ? [label("process")] : [label("workers"), count, span("   ")]),
    span(present.length > 1 ? "busiest cpu " : "cpu ", "quiet"),
    cpuGauge(cpu),
    span("   loop lag ", "quiet"),
    lagGauge(lag),
    span(" ms"),
  ];
}
