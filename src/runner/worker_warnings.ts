/**
 * What a master warns of because of the reports of its workers.
 *
 * @module
 */

import type { Message } from "../cluster/protocol.ts";
import type { WorkerState } from "../cluster/run_state.ts";
import { peerText } from "../core/text.ts";
import { GeneratorWatch } from "../stats/generator_watch.ts";
import { GeneratorStandstills, type Warnings } from "./warnings.ts";

/** Whether a worker keeps up with the load that it generates. */
interface WorkerHealth {
  readonly limits: GeneratorWatch;
  readonly standstills: GeneratorStandstills;
}

/** Watches whether each worker keeps up with the load that it generates, and passes on its own warnings. */
export class WorkerWarnings {
  readonly #warnings: Warnings;
  readonly #health = new WeakMap<WorkerState, WorkerHealth>();

  constructor(warnings: Warnings) {
    this.#warnings = warnings;
  }

  /** A worker has sent a report, which is counted. */
  reported(worker: WorkerState, report: Message<"REPORT">): void {
    const { id, cpu, lagMs } = worker;
    const health = this.#health.get(worker) ?? workerHealth(`Worker ${id}`);
    this.#health.set(worker, health);
    for (const text of health.limits.update({ cpu, lagMs })) {
      this.#warnings.addOfWorkers("health", text);
    }
    for (const text of health.standstills.add(report.seconds)) {
      this.#warnings.addOfWorkers("standstill", text);
    }
    if (report.damaged) {
      this.#warnings.addOfWorkers(
        "damaged",
        `Worker ${id} could not report some of its counts; its log says why.`,
      );
    }
    for (const text of report.warnings) {
      this.#warnings.addOfWorkers("own", `Worker ${id}: ${peerText(text)}`);
    }
  }
}

function workerHealth(name: string): WorkerHealth {
  return { limits: new GeneratorWatch(name), standstills: new GeneratorStandstills(name) };
}
