import { sleep, systemClock, systemRandom } from "../../src/core/clock.ts";
import { Latencies } from "../../src/stats/request_stats.ts";
import { SimulatedLoad } from "./simulated_load.ts";
import { SimulatedWorker, type SimulatedWorkerOptions } from "./simulated_worker.ts";

/** Which workers a crew has. */
export interface CrewOptions
  extends Pick<SimulatedWorkerOptions, "masterPort" | "token" | "testfileHash"> {
  readonly size: number;
  /** Over how much of each second their reports are spread; 0: all come in the same moment. */
  readonly spreadMs: number;
}

/** So that a second has ended when it is reported. */
const AFTER_THE_SECOND_MS = 1;

/** Between two looks at the workers. */
const LOOK_MS = 10;

/** Simulated workers of one master, all in this process. */
export class SimulatedCrew {
  /** What they have counted. */
  readonly load = new SimulatedLoad(systemRandom);
  /** Milliseconds from the sending of each report to its ACK. */
  readonly delays = new Latencies();
  readonly workers: readonly SimulatedWorker[];
  /** Resolves when the master has sent all of them home. */
  readonly ended: Promise<void>;

  /** Starts all of them at once. */
  constructor({ size, spreadMs, masterPort, token, testfileHash }: CrewOptions) {
    const { load, delays } = this;
    const surroundings = { clock: systemClock, random: systemRandom };
    const common = { masterPort, token, testfileHash, load, delays, ...surroundings };
    this.workers = Array.from({ length: size }, (_, number) => {
      const reportAfterMs = AFTER_THE_SECOND_MS + spreadMs * number / size;
      return new SimulatedWorker({ ...common, number, reportAfterMs });
    });
    this.ended = Promise.all(this.workers.map((worker) => worker.run())).then(() => {});
    // Whoever waits for the workers hears of it, wherever it happens.
    this.ended.catch(() => {});
  }

  /** Ends all of them, if they have not ended yet. */
  [Symbol.dispose](): void {
    for (const worker of this.workers) worker.end();
  }

  /** Cuts all connections, in the same moment. */
  cut(): void {
    for (const worker of this.workers) worker.cut();
  }

  /**
   * Resolves with the milliseconds that it takes from now until something holds for every worker.
   *
   * @throws where it does not within `limitMs`, or the crew has ended with an error.
   */
  async until(isSo: (worker: SimulatedWorker) => boolean, limitMs: number): Promise<number> {
    const from = systemClock.now();
    for (;;) {
      const passed = systemClock.now() - from;
      const missing = this.workers.filter((worker) => !isSo(worker)).length;
      if (missing === 0) return passed;
      if (passed > limitMs) throw new Error(`not so for ${missing} workers after ${limitMs} ms`);
      await Promise.race([sleep(systemClock, LOOK_MS), this.#failed]);
    }
  }

  /** Never resolves. */
  get #failed(): Promise<never> {
    return this.ended.then(() => new Promise<never>(() => {}));
  }
}
