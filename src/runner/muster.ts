import type { Member } from "../cluster/member.ts";
import type { Clock } from "../core/clock.ts";
import { AiotestError } from "../core/errors.ts";
import { ExitCode } from "../core/exit_code.ts";
import { Condition } from "./condition.ts";
import type { WorkerHall } from "./worker_hall.ts";

/** Who is waited for. */
export interface MusterOptions {
  readonly clock: Clock;
  readonly hall: Pick<WorkerHall, "staff" | "isConnected">;
  /** The test begins when so many workers are ready. */
  readonly expectedWorkers: number;
  /** How long they are waited for; 0: for ever. */
  readonly expectSeconds: number;
  /** Called every second of the wait. */
  readonly onSecond: () => void;
  /** Called with what is good to know. */
  readonly onInfo: (text: string) => void;
}

/** Hundreds of workers that come at once are not worth a line each. */
const ANNOUNCED_MS = 1_000;

/** Waits for workers, before the test begins or goes on. */
export class Muster {
  readonly #options: MusterOptions;
  readonly #condition: Condition;
  #givenUp = false;
  #announced = 0;
  #announcedAt = -Infinity;

  constructor(options: MusterOptions) {
    this.#options = options;
    this.#condition = new Condition(options.clock);
  }

  /**
   * Resolves when enough workers are ready, or {@link giveUp} was called.
   *
   * @throws AiotestError where they do not come in time.
   */
  async ofNew(): Promise<void> {
    const { hall, expectedWorkers, expectSeconds } = this.#options;
    const ready = (): number => hall.staff.filter((one) => hall.isConnected(one)).length;
    const enough = (): boolean => this.#givenUp || ready() >= expectedWorkers;
    const came = await this.#wait(
      enough,
      expectSeconds === 0 ? null : expectSeconds * 1000,
    );
    if (came) return;
    throw new AiotestError(
      `${ready()} of ${expectedWorkers} workers came within ${expectSeconds} s`,
      ExitCode.cluster,
      "--expect-workers-max-wait says how long they are waited for.",
    );
  }

  /** Resolves when all of these are connected, or the time is over, or {@link giveUp} was called. */
  async of(members: readonly Member[], limitMs: number): Promise<void> {
    const { hall } = this.#options;
    const back = (): boolean => this.#givenUp || members.every((one) => hall.isConnected(one));
    await this.#wait(back, limitMs);
  }

  /** Says how many workers are ready, where that has changed. */
  announce(): void {
    const { clock, hall, expectedWorkers, onInfo } = this.#options;
    const { length } = hall.staff;
    const isDue = clock.now() - this.#announcedAt >= ANNOUNCED_MS || length === expectedWorkers;
    if (length === this.#announced || !isDue) return;
    this.#announced = length;
    this.#announcedAt = clock.now();
    onInfo(`${length} of ${expectedWorkers} workers are ready.`);
  }

  /** Waits for nobody any more. */
  giveUp(): void {
    this.#givenUp = true;
    this.#condition.look();
  }

  /** Looks who has come. */
  look(): void {
    this.#condition.look();
  }

  async #wait(isSo: () => boolean, limitMs: number | null): Promise<boolean> {
    const { clock, onSecond } = this.#options;
    const announce = (): void => this.announce();
    let timer = clock.setTimer(function tick(): void {
      timer = clock.setTimer(tick, 1000);
      announce();
      onSecond();
    }, 1000);
    const came = await this.#condition.wait(isSo, limitMs);
    clock.clearTimer(timer);
    return came;
  }
}
