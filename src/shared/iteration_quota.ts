/**
 * The iterations of a run with `--iterations`, which nodes take in blocks.
 *
 * @module
 */

import type { SharedCall } from "../cluster/protocol.ts";
import type { Clock, Timer } from "../core/clock.ts";
import {
  type Cancel,
  changed,
  type Done,
  NOTHING_TO_CANCEL,
  read,
  refused,
  type SharedService,
} from "./calls.ts";

/** The service that hands out the iterations of a run. The name is part of the protocol. */
export const ITERATION_SERVICE = "passes";

/** Without shares, a block is at most this part of what is left, so that no node takes all. */
const MAX_PART = 1 / 16;

/** A node that waits for this long, while others do not take their shares, gets a part of those. */
const IDLE_MS = 1_000;

interface Waiting {
  readonly wanted: number;
  readonly from: string;
  readonly done: Done;
}

/** What is left for one node. */
interface Share {
  readonly users: number;
  left: number;
}

/**
 * Hands out iterations in blocks. What is left is divided among the nodes in proportion to their users, and
 * each node takes its own share, however long its requests are on the way. Whenever the users change, and
 * when a node has waited for a second because its share is used up and others are not, the rest is divided
 * again.
 *
 * Nodes report how many they have started, and return those that they do not start; a block that its node
 * never received is taken back. A node that asks when none are left waits while others hold some that they
 * may return, and gets none once all have been started.
 */
export class IterationQuota implements SharedService {
  readonly #clock: Clock;
  /** Those that are in no share. */
  #free: number;
  readonly #shares = new Map<string, Share>();
  /** What each node was given and has neither started nor returned, as far as it has reported. */
  readonly #held = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();
  #timer: Timer | null = null;
  /** Whether the shares will be divided in this turn, because the users have changed. */
  #isDividing = false;

  /**
   * @param iterations in the whole run.
   * @param clock measures how long nodes wait.
   */
  constructor(iterations: number, clock: Clock) {
    this.#free = iterations;
    this.#clock = clock;
  }

  perform(
    { service, name, operation }: SharedCall,
    [count]: readonly unknown[],
    done: Done,
    from: string,
  ): Cancel {
    if (!isCount(count)) {
      done(refused("iterations: the number must be a whole number of 1 or more"));
    } else if (operation === "take") {
      return this.#take({
        wanted: count,
        from,
        done: (performed) => {
          // How much is granted depends on the shares, which a journal does not contain.
          const replayAs = { service, name, operation: GRANTED, args: `[${performed.value}]` };
          done(performed.changed ? { ...performed, replayAs } : performed);
        },
      });
    } else if (operation === GRANTED) this.#grant({ wanted: count, from, done }, count);
    else if (operation === "begun" || operation === "return") {
      this.#release(from, count);
      if (operation === "return") this.#free += count;
      // This is written to the journal before they are handed out again.
      done(changed("null"));
      this.#serve();
    } else done(refused(`iterations cannot ${operation}`));
    return NOTHING_TO_CANCEL;
  }

  /** A node is to run this many users, which determine its share. */
  assigned(from: string, users: number): void {
    const share = this.#shares.get(from);
    if ((share?.users ?? 0) === users) return;
    this.#free += share?.left ?? 0;
    if (users > 0) this.#shares.set(from, { users, left: 0 });
    else this.#shares.delete(from);
    if (this.#isDividing) return;
    this.#isDividing = true;
    // Very many nodes are assigned their users in the same turn.
    queueMicrotask(() => this.#serve());
  }

  /** A node is lost. It may have started what it held, so that is not handed out again. */
  nodeLost(from: string): void {
    this.#held.delete(from);
    this.assigned(from, 0);
    this.#serve();
  }

  get #left(): number {
    let left = this.#free;
    for (const share of this.#shares.values()) left += share.left;
    return left;
  }

  #take(waiting: Waiting): Cancel {
    this.#waiting.add(waiting);
    this.#serve();
    return this.#waiting.has(waiting)
      ? () => void this.#waiting.delete(waiting)
      : NOTHING_TO_CANCEL;
  }

  #serve(): void {
    if (this.#isDividing) this.#divide();
    for (const waiting of this.#waiting) {
      const granted = this.#grantable(waiting);
      // In this order, because to add up what is left takes long with many nodes.
      if (granted === 0 && (this.#held.size > 0 || this.#left > 0)) continue;
      this.#waiting.delete(waiting);
      if (granted > 0) this.#grant(waiting, granted);
      else waiting.done(read(0));
    }
    if (this.#free > 0) this.#addFree();
    if (this.#waiting.size > 0 && this.#left > 0) this.#watchIdle();
  }

  #grantable({ wanted, from }: Waiting): number {
    const own = this.#shares.get(from)?.left ?? 0;
    return own > 0 ? Math.min(wanted, own) : Math.min(wanted, Math.ceil(this.#free * MAX_PART));
  }

  #grant({ from, done }: Waiting, count: number): void {
    const share = this.#shares.get(from);
    const ofShare = Math.min(count, share?.left ?? 0);
    if (share !== undefined) share.left -= ofShare;
    const granted = ofShare + Math.min(count - ofShare, this.#free);
    this.#free -= granted - ofShare;
    this.#held.set(from, (this.#held.get(from) ?? 0) + granted);
    const giveBack = (): void => {
      this.#release(from, granted);
      this.#free += granted;
      this.#serve();
    };
    done({ result: "ok", value: String(granted), changed: true, giveBack });
  }

  #release(from: string, count: number): void {
    const held = (this.#held.get(from) ?? 0) - count;
    if (held > 0) this.#held.set(from, held);
    else this.#held.delete(from);
  }

  /** Divides all that is left. */
  #divide(): void {
    this.#isDividing = false;
    for (const share of this.#shares.values()) {
      this.#free += share.left;
      share.left = 0;
    }
    this.#addFree();
  }

  /** Divides what is in no share. */
  #addFree(): void {
    const waiting = new Set(Array.from(this.#waiting, ({ from }) => from));
    const shares = [...this.#shares];
    const users = shares.reduce((sum, [, share]) => sum + share.users, 0);
    if (users === 0) return;
    const free = this.#free;
    const parts = shares.map(([from, share]) => {
      const exact = free * share.users / users;
      const whole = Math.floor(exact);
      share.left += whole;
      this.#free -= whole;
      // Nodes without any get what cannot be divided.
      return { share, rank: Number(waiting.has(from)) + exact - whole };
    }).sort((a, b) => b.rank - a.rank);
    for (const { share } of parts.slice(0, this.#free)) {
      share.left++;
      this.#free--;
    }
  }

  /** Divides again if a node has waited for too long. */
  #watchIdle(): void {
    this.#timer ??= this.#clock.setTimer(() => {
      this.#timer = null;
      if (this.#waiting.size === 0 || this.#left === 0) return;
      for (const { from } of this.#waiting) {
        // It may have no users any more, as far as the master knows.
        if (!this.#shares.has(from)) this.#shares.set(from, { users: 1, left: 0 });
      }
      this.#isDividing = true;
      this.#serve();
    }, IDLE_MS);
  }
}

/** In a journal, a `take` is replaced by what was granted. */
const GRANTED = "granted";

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
