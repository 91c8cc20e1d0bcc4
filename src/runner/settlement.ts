import type { Clock } from "../core/clock.ts";
import { Condition } from "./condition.ts";
import { stopDeadline } from "./stop_deadline.ts";
import type { WorkerHall } from "./worker_hall.ts";

/** The end of a run: its workers stop, and their last counts come in. */
export class Settlement {
  readonly #hall: Pick<WorkerHall, "stop" | "settled">;
  readonly #settled: Condition;

  constructor(clock: Clock, hall: Pick<WorkerHall, "stop" | "settled">) {
    this.#hall = hall;
    this.#settled = new Condition(clock);
  }

  /** Something may have come in. */
  look(): void {
    this.#settled.look();
  }

  /**
   * Resolves when nobody's counts are waited for any more.
   *
   * @param stopTimeout seconds that a stopping user's test may still run.
   */
  async end(stopTimeout: number): Promise<void> {
    const deadline = stopDeadline(stopTimeout);
    this.#hall.stop(deadline);
    await this.#settled.wait(() => this.#hall.settled, deadline * 1000);
  }
}
