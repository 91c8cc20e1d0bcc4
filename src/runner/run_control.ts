/**
 * What can be done by hand to a run: begin it, and change its load.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { UsageError } from "../core/errors.ts";
import { isArrivals, loadProblem, type ResolvedLoad } from "../load/load.ts";
import { isOpen, type LoadProfile } from "../load/load_profile.ts";
import type { LoadDriver } from "./load_driver.ts";

/** A run in somebody's hand. */
export class RunControl {
  readonly #clock: Clock;
  readonly #isOpen: boolean;
  readonly #onSteered: (target: ResolvedLoad) => void;
  readonly #started = Promise.withResolvers<void>();
  #isWaiting: boolean;
  #target: ResolvedLoad | null = null;
  #driver: LoadDriver | null = null;

  /**
   * @param waits whether the test begins only when somebody says so.
   * @param onSteered called when another load holds than the planned one.
   */
  constructor(
    clock: Clock,
    plan: LoadProfile,
    waits: boolean,
    onSteered: (target: ResolvedLoad) => void = () => {},
  ) {
    this.#clock = clock;
    this.#onSteered = onSteered;
    this.#isOpen = isOpen(plan);
    this.#isWaiting = waits;
    if (!waits) this.#started.resolve();
  }

  /** Whether the run waits for {@link start}. */
  get canStart(): boolean {
    return this.#isWaiting;
  }

  /**
   * Begins the test.
   *
   * @param target its load; null: the one that was planned.
   * @throws UsageError where it has begun, or can have no such load.
   */
  start(target: ResolvedLoad | null): void {
    if (!this.#isWaiting) throw new UsageError("The test has begun already.");
    if (target !== null) this.#check(target);
    this.#target = target;
    this.#isWaiting = false;
    this.#started.resolve();
  }

  /**
   * Changes the load: from now on it is this one, until the plan is over.
   *
   * @throws UsageError where nothing runs whose load could be changed, or it can have no such load.
   */
  changeLoad(target: ResolvedLoad): void {
    this.#check(target);
    if (this.#driver === null) throw new UsageError("The test has not begun: start it first.");
    if (!this.#driver.changeLoad(target)) throw new UsageError("The test is over.");
    this.#onSteered(target);
  }

  /** Nobody waits any more. */
  cancelWait(): void {
    this.#isWaiting = false;
    this.#started.resolve();
  }

  /**
   * Resolves when the test is to begin, or {@link cancelWait} was called.
   *
   * @param onSecond called once a second until then.
   */
  async waitForStart(onSecond: () => void): Promise<void> {
    let timer = this.#clock.setTimer(() => {}, 0);
    const tick = (): void => {
      if (!this.#isWaiting) return;
      onSecond();
      timer = this.#clock.setTimer(tick, 1000);
    };
    tick();
    await this.#started.promise;
    this.#clock.clearTimer(timer);
  }

  /** The test has begun. */
  attach(driver: LoadDriver): void {
    this.#driver = driver;
    if (this.#target !== null) this.changeLoad(this.#target);
  }

  #check(target: ResolvedLoad): void {
    const problem = loadProblem(target);
    if (problem !== null) throw new UsageError(`The load cannot be so: ${problem}.`);
    if (isArrivals(target) === this.#isOpen) return;
    throw new UsageError(
      this.#isOpen
        ? "This test has an arrival rate, and not a number of users."
        : "This test has a number of users, and not an arrival rate.",
    );
  }
}
