/**
 * What a worker has counted, on its way to the master.
 *
 * @module
 */

import type { MasterLink } from "../cluster/master_link.ts";
import { ReportOutbox } from "../cluster/report_outbox.ts";
import type { Clock, Timer } from "../core/clock.ts";
import type { Health } from "./generator_health.ts";
import type { LoadGenerator } from "./load_generator.ts";

/** What a reporter takes from, and where it hands on. */
export interface ReporterOptions {
  readonly runId: string;
  readonly clock: Clock;
  readonly generator: LoadGenerator;
  readonly link: Pick<MasterLink, "connected" | "sendFrame">;
  /** The part of the run that is counted first. */
  readonly phase: number;
}

/** So that a second has ended when it is looked for. */
const AFTER_THE_SECOND_MS = 1;

/** Hands every second that a generator has counted to the master, each once. */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #outbox: ReportOutbox;
  #phase: number;
  #health: Health = { cpu: 0, lagMs: 0 };
  #timer: Timer | null = null;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#outbox = new ReportOutbox(options.runId);
    this.#phase = options.phase;
  }

  /** The number of the last report that was made. */
  get lastSeq(): number {
    return this.#outbox.lastSeq;
  }

  /** Whether the master has everything, and nothing more comes. */
  get drained(): boolean {
    return this.#outbox.drained;
  }

  /** Begins to report the seconds of the generator, which has just begun to count. */
  start(): void {
    const { clock, generator } = this.#options;
    const waitMs = 1000 - (generator.elapsedSeconds * 1000) % 1000 + AFTER_THE_SECOND_MS;
    this.#timer = clock.setTimer(() => {
      this.start();
      this.#health = generator.check();
      for (const interval of generator.take()) this.#add(interval);
      this.pump();
    }, waitMs);
  }

  /** What is counted from now on belongs to another part of the run. */
  turnTo(phase: number): void {
    if (phase === this.#phase) return;
    for (const interval of this.#options.generator.flush()) this.#add(interval);
    this.#phase = phase;
  }

  /** Hands on what is left; nothing comes after it. */
  finish(): void {
    this.end();
    for (const interval of this.#options.generator.flush()) this.#add(interval);
    this.#outbox.finish(this.#facts());
    this.pump();
  }

  /** Stops to look for seconds. */
  end(): void {
    if (this.#timer !== null) this.#options.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  /** The master has this report, and all before it. */
  acknowledged(seq: number): void {
    this.#outbox.acknowledged(seq, this.#options.clock.now());
    this.pump();
  }

  /** The master lacks this report. */
  resume(seq: number): void {
    this.#outbox.resume(seq);
    this.pump();
  }

  /** There is a new connection, and this is what the master has. */
  reconnected(ackedSeq: number): void {
    this.#outbox.reconnected(ackedSeq, this.#options.clock.now());
    this.pump();
  }

  /** Sends what may be sent now. */
  pump(): void {
    const { link, clock } = this.#options;
    while (link.connected) {
      const frame = this.#outbox.next(clock.now());
      if (frame === null) return;
      link.sendFrame(frame);
    }
  }

  #add(interval: Parameters<ReportOutbox["add"]>[0]): void {
    this.#outbox.add(interval, this.#facts());
  }

  #facts(): Parameters<ReportOutbox["add"]>[1] {
    return { cpu: this.#health.cpu, lag: this.#health.lagMs, phase: this.#phase };
  }
}
