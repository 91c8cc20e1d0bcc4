import type { DiscoveredClass } from "../user/discovery.ts";
import type { NodeContext } from "../user/node_context.ts";
import { UserLoop } from "../user/user_loop.ts";

/** What a pool needs to make users. */
export interface UserPoolOptions {
  readonly classes: readonly DiscoveredClass[];
  readonly shared: NodeContext;
  /** Milliseconds that a stopping user's test may still run. */
  readonly stopTimeoutMs: number;
  /** Called whenever the number of users that are alive has changed. */
  readonly onCount: (alive: number) => void;
}

/** The users of this node: starts them, stops them, and knows how many there are. */
export class UserPool {
  readonly #options: UserPoolOptions;
  /** Users that have not been told to stop, by class; the youngest last. */
  readonly #active: UserLoop[][];
  readonly #alive = new Set<UserLoop>();
  #lastId = 0;

  constructor(options: UserPoolOptions) {
    this.#options = options;
    this.#active = options.classes.map(() => []);
  }

  /** Users that have started and not ended yet, those that are stopping included. */
  get alive(): number {
    return this.#alive.size;
  }

  /** Starts or stops users until so many of each class run. The youngest are stopped first. */
  scaleTo(counts: readonly number[]): void {
    counts.forEach((count, index) => {
      const users = this.#active[index]!;
      while (users.length > count) users.pop()!.stop(this.#options.stopTimeoutMs);
      while (users.length < count) users.push(this.#start(this.#options.classes[index]!));
    });
  }

  /** Stops all users; resolves when the last one has ended. */
  async stopAll(): Promise<void> {
    this.scaleTo(this.#active.map(() => 0));
    await Promise.all([...this.#alive].map((user) => user.ended));
  }

  #start(kind: DiscoveredClass): UserLoop {
    const user = new UserLoop(kind, { ...this.#options.shared, id: ++this.#lastId });
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
