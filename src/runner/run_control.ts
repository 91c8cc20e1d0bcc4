/**
 * Manual control of a run: starting it, pausing it, and changing its load.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { UsageError } from "../core/errors.ts";
import { loadProblem, type PartialLoad, type ResolvedLoad, resolveLoad } from "../load/load.ts";
import { type LoadPart, sharedPart } from "../load/load_parts.ts";
import { isOpen, type LoadProfile } from "../load/load_profile.ts";
import type { LoadDriver } from "./load_driver.ts";
import type { RunPauses } from "./run_pauses.ts";

/**
 * Starts a run, pauses it, and changes its load on request: that of the classes without a load of their own.
 */
export class RunControl {
  readonly #clock: Clock;
  /** `null` if each class has a load of its own. */
  readonly #profile: LoadProfile | null;
  /** Whether that load is one of the open model. */
  readonly #isOpen: boolean;
  readonly #onLoadChange: (load: ResolvedLoad) => void;
  readonly #started = Promise.withResolvers<void>();
  #isWaiting: boolean;
  /** The load that the test was started with; `null` for the one of its profile. */
  #firstLoad: ResolvedLoad | null = null;
  #driver: LoadDriver | null = null;
  #pauses: RunPauses | null = null;

  /**
   * @param waits whether the test starts only when {@link start} is called.
   * @param onLoadChange called when a load replaces the one of the profile.
   */
  constructor(
    clock: Clock,
    parts: readonly LoadPart[],
    waits: boolean,
    onLoadChange: (load: ResolvedLoad) => void = () => {},
  ) {
    this.#clock = clock;
    this.#profile = sharedPart(parts)?.profile ?? null;
    this.#isOpen = this.#profile !== null && isOpen(this.#profile);
    this.#onLoadChange = onLoadChange;
    this.#isWaiting = waits;
    if (!waits) this.#started.resolve();
  }

  /** Whether the run waits for {@link start}. */
  get canStart(): boolean {
    return this.#isWaiting;
  }

  /**
   * Starts the test. Returns its load if one was given.
   *
   * @param load its load, completed from the one of its profile; `null` to follow the profile.
   * @throws UsageError if the test has started, or the load is invalid for it.
   */
  start(load: PartialLoad | null): ResolvedLoad | null {
    if (!this.#isWaiting) throw new UsageError("The test has already started.");
    this.#firstLoad = load === null ? null : this.#completed(load);
    this.cancelWait();
    return this.#firstLoad;
  }

  /**
   * Replaces the load until the profile ends. What is left out stays as it is at this moment. Returns the
   * new load.
   *
   * @throws UsageError if the test is not running, or the load is invalid for it.
   */
  changeLoad(change: PartialLoad): ResolvedLoad {
    const load = this.#completed(change);
    if (this.#driver === null) throw new UsageError(NOT_STARTED);
    if (!this.#driver.changeLoad(load)) {
      throw new UsageError(this.#driver.stopped ? IS_OVER : SHARED_IS_OVER);
    }
    this.#onLoadChange(load);
    return load;
  }

  /**
   * Pauses the test: users finish their iterations and wait.
   *
   * @throws UsageError if it is not running, or is paused already.
   */
  pause(): void {
    const pauses = this.#running;
    if (pauses.isPaused) throw new UsageError("The test is paused already.");
    pauses.pause();
  }

  /**
   * Lets the test go on after a pause.
   *
   * @throws UsageError if it is not running, or not paused.
   */
  resume(): void {
    const pauses = this.#running;
    if (!pauses.isPaused) throw new UsageError("The test is not paused.");
    pauses.resume();
  }

  /** @throws UsageError if the test is not running. */
  get #running(): RunPauses {
    if (this.#driver === null || this.#pauses === null) throw new UsageError(NOT_STARTED);
    if (this.#driver.stopped) throw new UsageError(IS_OVER);
    return this.#pauses;
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

  /** From now on, the run can be paused and its load can be changed. */
  attach(driver: LoadDriver, pauses: RunPauses): void {
    this.#driver = driver;
    this.#pauses = pauses;
    if (this.#firstLoad !== null) this.changeLoad(this.#firstLoad);
  }

  /** A load with the parts of the current one, or of the profile, that a change leaves out. */
  #completed(change: PartialLoad): ResolvedLoad {
    if (this.#profile === null) throw new UsageError(EACH_HAS_ITS_OWN);
    const { load: configured, shape } = this.#profile;
    const isArrivals = "arrivalRate" in change || "maxUsers" in change;
    if (isArrivals !== this.#isOpen) {
      throw new UsageError(
        this.#isOpen
          ? "This test has an arrival rate, not a number of users."
          : "This test has a number of users, not an arrival rate.",
      );
    }
    // A shape has no load before the test has started.
    const current = this.#driver?.load ?? (shape === null ? configured : {});
    const load = resolveLoad({ ...current, ...change } as ResolvedLoad);
    const problem = loadProblem(load);
    if (problem !== null) throw new UsageError(`Invalid load: ${problem}.`);
    return load;
  }
}

/** Why the load cannot be changed by hand. */
const EACH_HAS_ITS_OWN =
  "Each user class of this test has a load of its own, which cannot be changed.";

const NOT_STARTED = "The test has not started: start it first.";

const IS_OVER = "The test is over.";

const SHARED_IS_OVER = "The load of the user classes without a load of their own has ended.";
