/**
 * Manual control of a run: starting it, and changing its load.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { UsageError } from "../core/errors.ts";
import { isArrivals, loadProblem, type ResolvedLoad } from "../load/load.ts";
import { isOpen, type LoadProfile } from "../load/load_profile.ts";
import type { LoadDriver } from "./load_driver.ts";

/** Starts a run and changes its load on request. */
export class RunControl {
  readonly #clock: Clock;
  readonly #isOpen: boolean;
  readonly #onLoadChange: (load: ResolvedLoad) => void;
  readonly #started = Promise.withResolvers<void>();
  #isWaiting: boolean;
  /** The load that the test was started with; `null` for the one of its profile. */
  #firstLoad: ResolvedLoad | null = null;
  #driver: LoadDriver | null = null;

  /**
   * @param waits whether the test starts only when {@link start} is called.
   * @param onLoadChange called when a load replaces the one of the profile.
   */
  constructor(
    clock: Clock,
    profile: LoadProfile,
    waits: boolean,
    onLoadChange: (load: ResolvedLoad) => void = () => {},
  ) {
    this.#clock = clock;
    this.#onLoadChange = onLoadChange;
    this.#isOpen = isOpen(profile);
    this.#isWaiting = waits;
    if (!waits) this.#started.resolve();
  }

  /** Whether the run waits for {@link start}. */
  get canStart(): boolean {
    return this.#isWaiting;
  }

  /**
   * Starts the test.
   *
   * @param load its load; `null` for the one of its profile.
   * @throws UsageError if the test has started, or the load is invalid for it.
   */
  start(load: ResolvedLoad | null): void {
    if (!this.#isWaiting) throw new UsageError("The test has already started.");
    if (load !== null) this.#check(load);
    this.#firstLoad = load;
    this.cancelWait();
  }

  /**
   * Replaces the load until the profile ends.
   *
   * @throws UsageError if the test is not running, or the load is invalid for it.
   */
  changeLoad(load: ResolvedLoad): void {
    this.#check(load);
    if (this.#driver === null) throw new UsageError("The test has not started: start it first.");
    if (!this.#driver.changeLoad(load)) throw new UsageError("The test is over.");
    this.#onLoadChange(load);
  }

  /** Ends the wait for {@link start}. */
  cancelWait(): void {
    this.#isWaiting = false;
    this.#started.resolve();
  }

  /**
   * Resolves when the test is to start, or {@link cancelWait} was called.
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

  /** From now on, the load of the run can be changed. */
  attach(driver: LoadDriver): void {
    this.#driver = driver;
    if (this.#firstLoad !== null) this.changeLoad(this.#firstLoad);
  }

  #check(load: ResolvedLoad): void {
    const problem = loadProblem(load);
    if (problem !== null) throw new UsageError(`Invalid load: ${problem}.`);
    if (isArrivals(load) === this.#isOpen) return;
    throw new UsageError(
      this.#isOpen
        ? "This test has an arrival rate, not a number of users."
        : "This test has a number of users, not an arrival rate.",
    );
  }
}
