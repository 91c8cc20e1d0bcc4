import type { NodeContext } from "../user/context.ts";
import type { DiscoveredClass } from "../user/discovery.ts";
import { type IterationScheduler, IterationSlot } from "../user/iteration_slot.ts";
import { UserLoop } from "../user/user_loop.ts";

/** Hands passes out, and hears of the users that want some. */
export interface IterationExecutor extends IterationScheduler {
  /** A user of this seat was started. */
  entered(seat: IterationSlot): void;
  /** It has ended. */
  left(seat: IterationSlot): void;
}

/** What a pool needs to make users. */
export interface UserPoolOptions {
  readonly classes: readonly DiscoveredClass[];
  readonly shared: NodeContext;
  /** The id of its first user; the others count on from there. */
  readonly firstId: number;
  /** Called whenever the number of users that are alive has changed. */
  readonly onCount: (alive: number) => void;
}

/** The users of this node: starts them, stops them, and knows how many there are. */
export class UserPool {
  readonly #options: UserPoolOptions;
  /** Users that have not been told to stop, by class; the youngest last. */
  readonly #active: UserLoop[][];
  readonly #alive = new Set<UserLoop>();
  #gate: IterationExecutor | null = null;
  #nextId: number;

  constructor(options: UserPoolOptions) {
    this.#options = options;
    this.#nextId = options.firstId;
    this.#active = options.classes.map(() => []);
  }

  /** Users that have started and not ended yet, those that are stopping included. */
  get alive(): number {
    return this.#alive.size;
  }

  /** Users that were told to run and not to stop, those that have ended by themselves included. */
  get active(): number {
    return this.#active.reduce((sum, users) => sum + users.length, 0);
  }

  /** Users that are started from now on get their passes there. */
  useExecutor(gate: IterationExecutor): void {
    this.#gate = gate;
  }

  /** Starts one more user of a class, by its place among them; it is forgotten once it has ended. */
  add(kind: number): void {
    const users = this.#active[kind]!;
    const user = this.#start(kind);
    users.push(user);
    void user.ended.then(() => {
      const at = users.indexOf(user);
      if (at >= 0) users.splice(at, 1);
    });
  }

  /**
   * Starts or stops users until so many of each class run. The youngest are stopped first.
   *
   * @param stopTimeoutMs milliseconds that a stopping user's test may still run.
   */
  setUsers(counts: readonly number[], stopTimeoutMs: number): void {
    counts.forEach((count, index) => {
      const users = this.#active[index]!;
      while (users.length > count) users.pop()!.stop(stopTimeoutMs);
      while (users.length < count) users.push(this.#start(index));
    });
  }

  /** Stops all users; resolves when the last one has ended. */
  async stopAll(stopTimeoutMs: number): Promise<void> {
    this.setUsers(this.#active.map(() => 0), stopTimeoutMs);
    await Promise.all([...this.#alive].map((user) => user.ended));
  }

  #start(kind: number): UserLoop {
    const { classes, shared } = this.#options;
    const gate = this.#gate;
    const seat = gate === null ? null : new IterationSlot(gate, kind);
    const user = new UserLoop(classes[kind]!, {
      ...shared,
      id: this.#nextId++,
      iterationSlot: seat,
    });
    this.#alive.add(user);
    if (seat !== null) gate!.entered(seat);
    this.#options.onCount(this.#alive.size);
    void user.ended.then(() => {
      this.#alive.delete(user);
      if (seat !== null) gate!.left(seat);
      this.#options.onCount(this.#alive.size);
    });
    user.start();
    return user;
  }
}
