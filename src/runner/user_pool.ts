/**
 * The users of one node: starts them, stops them and counts them.
 *
 * @module
 */

import type { StartedRequest } from "../stats/stats_table.ts";
import type { NodeContext } from "../user/context.ts";
import type { DiscoveredClass } from "../user/discovery.ts";
import { type IterationScheduler, IterationSlot } from "../user/iteration_slot.ts";
import type { Recorder } from "../user/recorder.ts";
import { UserLoop } from "../user/user_loop.ts";

/** Decides when users start iterations, and may follow which users there are. */
export interface IterationExecutor extends IterationScheduler {
  /** A user with this slot was started. */
  userStarted?(slot: IterationSlot): void;
  /** The user with this slot has ended. */
  userEnded?(slot: IterationSlot): void;
}

/** What a pool needs to make users. */
export interface UserPoolOptions {
  readonly classes: readonly DiscoveredClass[];
  readonly shared: NodeContext;
  /** The id of the first user; the others count up from there. */
  readonly firstId: number;
  /** Where the users of each class count. */
  readonly recorders: readonly Recorder[];
  /** Called whenever the number of users has changed: of all, and of the class of this index. */
  readonly onCount: (alive: number, classIndex: number, aliveOfClass: number) => void;
}

/** The users of one node. */
export class UserPool {
  readonly #options: UserPoolOptions;
  /** Users that are not being stopped, by class; the newest is last. */
  readonly #active: UserLoop[][];
  /** Each with the index of its class. */
  readonly #alive = new Map<UserLoop, number>();
  /** How many of {@link #alive} there are of each class. */
  readonly #aliveOf: number[];
  /** What schedules the iterations of each class; `null` if nothing does. */
  readonly #executors: (IterationExecutor | null)[];
  #nextId: number;

  constructor(options: UserPoolOptions) {
    this.#options = options;
    this.#nextId = options.firstId;
    this.#active = options.classes.map(() => []);
    this.#aliveOf = options.classes.map(() => 0);
    this.#executors = options.classes.map(() => null);
  }

  /** Users that have started and not ended, including those that are stopping. */
  get alive(): number {
    return this.#alive.size;
  }

  /** Whether all users of a class that were started and not stopped have ended by themselves. */
  isGone(classIndex: number): boolean {
    return this.#aliveOf[classIndex] === 0 && this.#active[classIndex]!.length > 0;
  }

  /** The users of a class that have started and not ended. */
  aliveOf(classIndex: number): number {
    return this.#aliveOf[classIndex]!;
  }

  /** Whether no users of a class are alive. */
  isEmpty(classIndex: number): boolean {
    return this.#aliveOf[classIndex] === 0;
  }

  /** The requests that are in progress. Those that were answered and are being checked are not. */
  *inProgress(): IterableIterator<readonly [request: StartedRequest, classIndex: number]> {
    for (const [{ requests }, classIndex] of this.#alive) {
      for (let one = requests.first; one !== null; one = one.next) {
        if (one.check === null) yield [one, classIndex];
      }
    }
  }

  /** Counts all requests in progress as unfinished. @param now in milliseconds on the clock of the node. */
  cutOff(now: number): void {
    for (const { requests } of this.#alive.keys()) requests.close(now);
  }

  /** Sets what schedules the iterations of users of some classes that are started from now on. */
  useExecutor(executor: IterationExecutor, classes: readonly number[]): void {
    for (const classIndex of classes) this.#executors[classIndex] = executor;
  }

  /** Starts one more user of a class. Unlike those of {@link setUsers}, it is forgotten once it ends. */
  add(classIndex: number): void {
    const users = this.#active[classIndex]!;
    const user = this.#start(classIndex);
    users.push(user);
    void user.ended.then(() => {
      const index = users.indexOf(user);
      if (index >= 0) users.splice(index, 1);
    });
  }

  /**
   * Starts or stops users until each class has its number of them, except for classes whose users are started
   * for their iterations. The youngest are stopped first.
   *
   * @param stopTimeoutMs how long the test of a stopping user may continue, in milliseconds.
   */
  setUsers(counts: readonly number[], stopTimeoutMs: number): void {
    for (const [classIndex, count] of counts.entries()) {
      if (this.#executors[classIndex]?.scheduled) continue;
      const users = this.#active[classIndex]!;
      while (users.length > count) users.pop()!.stop(stopTimeoutMs);
      while (users.length < count) users.push(this.#start(classIndex));
    }
  }

  /** Stops all users of some classes. */
  stop(classes: Iterable<number>, stopTimeoutMs: number): void {
    for (const classIndex of classes) {
      for (const user of this.#active[classIndex]!.splice(0).reverse()) user.stop(stopTimeoutMs);
    }
  }

  /** Stops all users; resolves when the last one has ended. */
  async stopAll(stopTimeoutMs: number): Promise<void> {
    this.stop(this.#active.keys(), stopTimeoutMs);
    await Promise.all([...this.#alive.keys()].map((user) => user.ended));
  }

  #start(classIndex: number): UserLoop {
    const { classes, shared, recorders, onCount } = this.#options;
    const executor = this.#executors[classIndex]!;
    const iterationSlot = executor === null ? null : new IterationSlot(executor, classIndex);
    const user = new UserLoop(classes[classIndex]!, {
      ...shared,
      recorder: recorders[classIndex]!,
      id: this.#nextId++,
      iterationSlot,
    });
    this.#alive.set(user, classIndex);
    this.#aliveOf[classIndex]!++;
    if (iterationSlot !== null) executor!.userStarted?.(iterationSlot);
    onCount(this.#alive.size, classIndex, this.#aliveOf[classIndex]!);
    void user.ended.then(() => {
      this.#alive.delete(user);
      this.#aliveOf[classIndex]!--;
      if (iterationSlot !== null) executor!.userEnded?.(iterationSlot);
      onCount(this.#alive.size, classIndex, this.#aliveOf[classIndex]!);
    });
    user.start();
    return user;
  }
}
