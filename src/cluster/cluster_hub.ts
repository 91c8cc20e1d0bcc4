import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { RendezvousRounds } from "../core/rendezvous_rounds.ts";
import { CounterStore } from "./counter_store.ts";
import { FeederStore, type StockedFeeder } from "./feeder_store.ts";
import { PASS_SERVICE, PassStore } from "./pass_store.ts";
import { QueueStore } from "./queue_store.ts";
import { REDIS_SERVICE, RedisAnswers } from "./redis_answers.ts";
import type { Redis } from "./redis_connection.ts";
import { RedisCounters } from "./redis_counters.ts";
import { RedisQueues } from "./redis_queues.ts";
import { RendezvousBoard } from "./rendezvous_board.ts";
import {
  type Cancel,
  type Done,
  NOTHING_TO_CANCEL,
  refused,
  type SharedCall,
  type SharedService,
} from "./shared_call.ts";

/** What a hub works with. */
export interface HubOptions {
  readonly feeders: readonly StockedFeeder[];
  readonly clock: Clock;
  readonly random: Random;
  /** Where counters and queues live; without it, here. */
  readonly redis?: Redis | null;
  /** Passes in the whole run; without it, there is no number of them. */
  readonly passes?: number | null;
}

/**
 * All that the nodes of a run share. The same calls in the same order make the same state, but for
 * those that change nothing; what lives in Redis is as it is there.
 *
 * ```ts
 * import { systemClock as clock } from "../core/clock.ts";
 * import { ClusterHub } from "./cluster_hub.ts";
 * import assert from "node:assert/strict";
 *
 * const hub = new ClusterHub({ feeders: [], clock, random: Math.random });
 * const call = { service: "counter", name: "orders", operation: "add", args: "[3]" };
 * const values: string[] = [];
 * hub.perform(call, ({ value }) => values.push(value), "w1");
 * hub.perform({ ...call, args: "3" }, ({ value }) => values.push(value), "w1");
 * assert.deepEqual(values, ["3", "counter orders: no list of arguments"]);
 * ```
 */
export class ClusterHub {
  readonly #services: ReadonlyMap<string, SharedService>;
  readonly #board: RendezvousBoard;
  readonly #passes: PassStore;

  constructor({ feeders, clock, random, redis = null, passes = null }: HubOptions) {
    this.#board = new RendezvousBoard(clock);
    this.#passes = new PassStore(passes ?? 0);
    this.#services = new Map<string, SharedService>([
      ...(redis === null ? ownStores() : redisStores(redis)),
      ["feeder", new FeederStore(feeders, random)],
      ["rendezvous", this.#board],
      [PASS_SERVICE, this.#passes],
    ]);
  }

  /** How often users have met at each rendezvous. */
  get rendezvous(): readonly RendezvousRounds[] {
    return this.#board.ended;
  }

  /** A node has gone, see {@link perform}. */
  gone(from: string): void {
    this.#passes.gone(from);
  }

  /**
   * Carries a call out.
   *
   * @param from who asks: the same for as long as that node's process lives.
   */
  perform(call: SharedCall, done: Done, from: string): Cancel {
    const { service, name, args } = call;
    const list = parsed(args);
    const found = this.#services.get(service);
    if (found !== undefined && Array.isArray(list)) return found.perform(call, list, done, from);
    done(refused(`${service} ${name}: no ${found ? "list of arguments" : "such service"}`));
    return NOTHING_TO_CANCEL;
  }
}

function ownStores(): [string, SharedService][] {
  return [["counter", new CounterStore()], ["queue", new QueueStore()]];
}

function redisStores(redis: Redis): [string, SharedService][] {
  return [
    ["counter", new RedisCounters(redis)],
    ["queue", new RedisQueues(redis)],
    [REDIS_SERVICE, new RedisAnswers()],
  ];
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
