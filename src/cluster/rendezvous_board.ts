import type { Meeting } from "../core/cluster.ts";
import type { Clock, Timer } from "../core/clock.ts";
import type { RendezvousRounds } from "../core/rendezvous_rounds.ts";
import { PairCap } from "../stats/cap.ts";
import {
  type Cancel,
  type Done,
  NOTHING_TO_CANCEL,
  read,
  refused,
  type SharedCall,
  type SharedService,
} from "./shared_call.ts";

/** Seconds that a rendezvous may last. */
const LONGEST = 86_400;

/**
 * Where users wait for one another. What the first one to arrive says of time holds for all who meet.
 *
 * ```ts
 * import { systemClock } from "../core/clock.ts";
 * import { RendezvousBoard } from "./rendezvous_board.ts";
 * import assert from "node:assert/strict";
 *
 * const board = new RendezvousBoard(systemClock);
 * const call = { service: "rendezvous", name: "checkout", operation: "arrive", args: "[2,60]" };
 * const values: string[] = [];
 * board.perform(call, [2, 60], ({ value }) => values.push(value));
 * assert.equal(values.length, 0);
 * board.perform(call, [2, 60], ({ value }) => values.push(value));
 * assert.deepEqual(values, Array(2).fill('{"arrived":2,"complete":true}'));
 * assert.deepEqual(board.ended, [{ name: "checkout", complete: 1, incomplete: 0 }]);
 * ```
 */
export class RendezvousBoard implements SharedService {
  readonly #clock: Clock;
  readonly #rounds = new Map<string, Round>();
  readonly #names = new PairCap();
  readonly #ended = new Map<string, RendezvousRounds>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How often users have met at each, in the order of their first time; the names beyond 1,000 together. */
  get ended(): readonly RendezvousRounds[] {
    return [...this.#ended.values()];
  }

  perform(
    { name, operation }: SharedCall,
    [users, timeout]: readonly unknown[],
    done: Done,
  ): Cancel {
    if (operation !== "arrive") done(refused(`rendezvous ${name} cannot ${operation}`));
    else if (!Number.isSafeInteger(users) || (users as number) < 1) {
      done(refused(`rendezvous ${name}: users must be a whole number of 1 or more`));
    } else if (typeof timeout !== "number" || timeout <= 0 || timeout > LONGEST) {
      done(refused(`rendezvous ${name}: timeout must be above 0 and at most ${LONGEST} seconds`));
    } else return this.#arrive(name, users as number, timeout, done);
    return NOTHING_TO_CANCEL;
  }

  #arrive(name: string, users: number, timeout: number, done: Done): Cancel {
    const round = this.#rounds.get(name) ?? this.#open(name, timeout);
    // Made anew, as the same function may arrive twice.
    const entry: Done = (performed) => done(performed);
    round.there.add(entry);
    if (round.there.size >= users) this.#close(name, round, true);
    return () => {
      if (round.there.delete(entry) && round.there.size === 0) this.#close(name, round, false);
    };
  }

  #open(name: string, timeout: number): Round {
    const timer = this.#clock.setTimer(() => this.#close(name, round, false), timeout * 1000);
    const round: Round = { there: new Set(), timer };
    this.#rounds.set(name, round);
    return round;
  }

  #close(name: string, { there, timer }: Round, complete: boolean): void {
    this.#clock.clearTimer(timer);
    this.#rounds.delete(name);
    const all = [...there];
    there.clear();
    if (all.length === 0) return;
    this.#count(name, complete);
    const meeting: Meeting = { arrived: all.length, complete };
    for (const done of all) done(read(meeting));
  }

  #count(given: string, complete: boolean): void {
    const name = this.#names.admit("", given);
    const before = this.#ended.get(name) ?? { name, complete: 0, incomplete: 0 };
    this.#ended.set(name, {
      name,
      complete: before.complete + Number(complete),
      incomplete: before.incomplete + Number(!complete),
    });
  }
}

/** Users who are going to meet. */
interface Round {
  readonly there: Set<Done>;
  readonly timer: Timer;
}
