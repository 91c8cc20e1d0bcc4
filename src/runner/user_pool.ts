import type { DiscoveredClass } from "../user/discovery.ts";
import type { NodeContext } from "../user/node_context.ts";
import { UserLoop } from "../user/user_loop.ts";

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

  /**
   * Starts or stops users until so many of each class run. The youngest are stopped first.
   *
   * @param stopTimeoutMs milliseconds that a stopping user's test may still run.
   */
  scaleTo(counts: readonly number[], stopTimeoutMs: number): void {
    counts.forEach((count, index) => {
      const users = this.#active[index]!;
      while (users.length > count) users.pop()!.stop(stopTimeoutMs);
      while (users.length < count) users.push(this.#start(this.#options.classes[index]!));
    });
  }

  /** Stops all users; resolves when the last one has ended. */
  async stopAll(stopTimeoutMs: number): Promise<void> {
    this.scaleTo(this.#active.map(() => 0), stopTimeoutMs);
    await Promise.all([...this.#alive].map((user) => user.ended));
  }

  #start(kind: DiscoveredClass): UserLoop {
    const user = new UserLoop(kind, { ...this.#options.shared, id: this.#nextId++ });
    this.#alive.add(user);
    this.#options.onCount(this.#alive.size);
    void user.ended.then(() => {
      this.#alive.delete(user);
      this.#options.onCount(this.#alive.size);
    });
    user.start();
    return user;
  }
}
