/**
 * Follows a plan in real time: asks it once a second how many users should run, and starts or stops
 * them one by one at the rate asked for.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import type { ClassMix } from "../load/class_mix.ts";
import { type Plan, targetAt } from "../load/plan.ts";
import { SpawnPacer } from "../load/spawn_pacer.ts";
import type { Target } from "../load/target.ts";

/** Who carries out what the driver decides, and hears of its time. */
export interface DriverHooks {
  /** Makes so many users of each class run. */
  scaleTo(counts: readonly number[]): void;
  /** A new target holds from now on. */
  onTarget(target: Target): void;
  /** The first target number of users runs. */
  onStarted(users: number): void;
  /** Another second of the run is over. */
  onSecond(): void;
}

/** How far a run has come that goes on elsewhere, or after a break. */
export interface DriverProgress {
  /** Seconds since the run began. */
  readonly elapsedSeconds: number;
  /** Users that run. */
  readonly users: number;
  /** Whether the first target number of users has run. */
  readonly started: boolean;
}

const AT_THE_START: DriverProgress = { elapsedSeconds: 0, users: 0, started: false };

/** Starting many users takes time, in which nothing else runs; so they start in portions. */
const STARTED_AT_ONCE = 100;

/** Drives the load of one run from its beginning to its end. */
export class LoadDriver {
  readonly #clock: Clock;
  readonly #plan: Plan;
  readonly #mix: ClassMix;
  readonly #hooks: DriverHooks;
  readonly #pacer: SpawnPacer;
  readonly #startedAt: number;
  #users: number;
  #started: boolean;
  #stopped = false;
  #wake: (() => void) | null = null;

  /** The run begins now, or goes on from where it was. */
  constructor(
    clock: Clock,
    plan: Plan,
    mix: ClassMix,
    hooks: DriverHooks,
    progress: DriverProgress = AT_THE_START,
  ) {
    this.#clock = clock;
    this.#plan = plan;
    this.#mix = mix;
    this.#hooks = hooks;
    this.#startedAt = clock.now() - progress.elapsedSeconds * 1000;
    this.#pacer = new SpawnPacer(progress.users);
    this.#users = progress.users;
    this.#started = progress.started;
  }

  /** Whether users are still to be started or stopped. */
  get spawning(): boolean {
    return this.#pacer.nextAt(this.#elapsed()) !== null;
  }

  /** Resolves when the plan is over, or {@link stop} was called. */
  async drive(): Promise<void> {
    let tickAt = 0;
    while (!this.#stopped) {
      const now = this.#elapsed();
      if (now >= tickAt) {
        const target = targetAt(this.#plan, now);
        if (target === null) return;
        this.#aimAt(target, now);
        if (tickAt > 0) this.#hooks.onSecond();
        tickAt = this.#nextTick(now);
      }
      if (this.#spawn(now)) await this.#clock.nextTurn();
      else await this.#sleepUntil(Math.min(tickAt, this.#pacer.nextAt(now) ?? Infinity));
    }
  }

  /** Ends the drive, whatever the plan says. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  /** Goes on telling of every second until something else is done: what comes after the plan. */
  async until(done: Promise<void>): Promise<void> {
    let over = false;
    const all = done.finally(() => {
      over = true;
      this.#wake?.();
    });
    while (!over) {
      await this.#sleepUntil(Math.floor(this.#elapsed()) + 1);
      if (!over) this.#hooks.onSecond();
    }
    await all;
  }

  #elapsed(): number {
    return (this.#clock.now() - this.#startedAt) / 1000;
  }

  /** The next whole second, or the end of the plan where that comes first. */
  #nextTick(now: number): number {
    const next = Math.floor(now) + 1;
    const { shape, runTime } = this.#plan;
    return shape === null && runTime !== null && runTime > now ? Math.min(next, runTime) : next;
  }

  #aimAt(target: Target, now: number): void {
    const users = Math.min(target.users, this.#mix.limit);
    this.#pacer.retarget({ users, rate: target.rate }, now);
    this.#hooks.onTarget(target);
  }

  /** Starts or stops the users that are due; whether there are more of them than one portion. */
  #spawn(now: number): boolean {
    const due = this.#pacer.usersAt(now);
    const users = Math.min(due, this.#users + STARTED_AT_ONCE);
    if (users !== this.#users) {
      this.#users = users;
      this.#hooks.scaleTo(this.#mix.counts(users));
    }
    if (!this.#started && users === due && this.#pacer.nextAt(now) === null) {
      this.#started = true;
      this.#hooks.onStarted(users);
    }
    return users < due;
  }

  #sleepUntil(seconds: number): Promise<void> {
    const ms = this.#startedAt + seconds * 1000 - this.#clock.now();
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(resolve, Math.max(0, ms));
      this.#wake = () => {
        this.#clock.clearTimer(timer);
        resolve();
      };
    });
  }
}
