/**
 * The state that all nodes of a run share: counters, queues, feeders, rendezvous and the number of
 * iterations.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { SharedCall } from "../cluster/protocol.ts";
import type { Clock, Random, Timer } from "../core/clock.ts";
import type { Meeting } from "../core/cluster.ts";
import type { RendezvousRounds } from "../core/run_info.ts";
import { NameCap } from "../stats/request_stats.ts";
import {
  type Cancel,
  changed,
  type Done,
  MAX_NAMES,
  NOTHING_TO_CANCEL,
  type PerformedCall,
  queueTexts,
  read,
  refused,
  type SharedService,
  tooManyNames,
} from "./calls.ts";
import { FeederStore, type LoadedFeeder } from "./feeders.ts";
import { ITERATION_SERVICE, IterationQuota } from "./iteration_quota.ts";
import { QueueUse, type Shortage } from "./shortages.ts";
import { type Redis, REDIS_SERVICE, RedisAnswers, RedisCounters, RedisQueues } from "./redis.ts";

/** What {@link SharedServices} need. */
export interface SharedServicesOptions {
  readonly feeders: readonly LoadedFeeder[];
  readonly clock: Clock;
  readonly random: Random;
  /** Where counters and queues are kept; without it, in memory. */
  readonly redis?: Redis | null;
  /** Iterations in the whole run; without it, they are not limited. */
  readonly iterations?: number | null;
}

/**
 * All state that the nodes of a run share. Replaying the calls that have changed it, in order, restores
 * it; what is kept in Redis stays there.
 */
export class SharedServices {
  readonly #services: ReadonlyMap<string, SharedService>;
  readonly #barriers: Barriers;
  readonly #iterations: IterationQuota;
  readonly #feeders: FeederStore;
  readonly #queueUse = new QueueUse();

  constructor({ feeders, clock, random, redis = null, iterations = null }: SharedServicesOptions) {
    this.#barriers = new Barriers(clock);
    this.#iterations = new IterationQuota(iterations ?? 0, clock);
    this.#feeders = new FeederStore(feeders, random);
    this.#services = new Map<string, SharedService>([
      ...(redis === null ? memoryStores(this.#queueUse) : redisStores(redis, this.#queueUse)),
      ["feeder", this.#feeders],
      ["rendezvous", this.#barriers],
      [ITERATION_SERVICE, this.#iterations],
    ]);
  }

  /** How the rounds of each rendezvous ended. */
  get rendezvous(): readonly RendezvousRounds[] {
    return this.#barriers.ended;
  }

  /** What users have asked for in vain. */
  get shortages(): readonly Shortage[] {
    return [...this.#feeders.dry, ...this.#queueUse.empty];
  }

  /** A node is lost. @param from its incarnation. */
  nodeLost(from: string): void {
    this.#iterations.nodeLost(from);
  }

  /** A node is to run this many users. @param from its incarnation. */
  usersAssigned(from: string, users: number): void {
    this.#iterations.assigned(from, users);
  }

  /** Performs a call. @param from the caller's incarnation. */
  perform(call: SharedCall, done: Done, from: string): Cancel {
    const { service, name, args } = call;
    const list = parsed(args);
    const found = this.#services.get(service);
    if (found !== undefined && Array.isArray(list)) return found.perform(call, list, done, from);
    done(refused(`${service} ${name}: no ${found ? "list of arguments" : "such service"}`));
    return NOTHING_TO_CANCEL;
  }
}

function memoryStores(use: QueueUse): [string, SharedService][] {
  return [["counter", new CounterStore()], ["queue", new QueueStore(use)]];
}

function redisStores(redis: Redis, use: QueueUse): [string, SharedService][] {
  return [
    ["counter", new RedisCounters(redis)],
    ["queue", new RedisQueues(redis, use)],
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

/** The counters of a run. */
class CounterStore implements SharedService {
  readonly #values = new Map<string, number>();

  perform({ name, operation }: SharedCall, [amount]: readonly unknown[], done: Done): Cancel {
    const before = this.#values.get(name) ?? 0;
    if (operation === "value") done(read(before));
    else if (operation !== "add") done(refused(`counter ${name} cannot ${operation}`));
    else if (typeof amount !== "number" || !Number.isFinite(before + amount)) {
      done(
        refused(`counter ${name}: only finite numbers can be added, and the sum must stay finite`),
      );
    } else if (!this.#values.has(name) && this.#values.size >= MAX_NAMES) {
      done(refused(tooManyNames("counters")));
    } else {
      this.#values.set(name, before + amount);
      done(changed(JSON.stringify(before + amount)));
    }
    return NOTHING_TO_CANCEL;
  }
}

/** The maximum size of all values in all queues, in bytes. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The memory that a value takes besides its text, in bytes. */
const VALUE_COST = 64;

/** Values that were popped are removed in batches, so that popping one takes constant time. */
const BATCH = 1024;

interface StoredQueue {
  /** JSON texts; those before `head` were popped. */
  values: string[];
  head: number;
}

/** The queues of a run. All values of a push are added, or none. */
class QueueStore implements SharedService {
  readonly #queues = new Map<string, StoredQueue>();
  readonly #use: QueueUse;
  readonly #maxBytes: number;
  #bytes = 0;

  /** @param maxBytes of all values in all queues. */
  constructor(use: QueueUse, maxBytes: number = MAX_BYTES) {
    this.#use = use;
    this.#maxBytes = maxBytes;
  }

  perform({ name, operation }: SharedCall, args: readonly unknown[], done: Done): Cancel {
    switch (operation) {
      case "push":
        done(this.#push(name, args));
        break;
      case "pop":
        done(this.#pop(name));
        break;
      case "size": {
        const queue = this.#queues.get(name);
        done(read(queue === undefined ? 0 : queue.values.length - queue.head));
        break;
      }
      default:
        done(refused(`queue ${name} cannot ${operation}`));
    }
    return NOTHING_TO_CANCEL;
  }

  #push(name: string, values: readonly unknown[]): PerformedCall {
    const texts = queueTexts(name, values);
    if (typeof texts === "string") return refused(texts);
    const bytes = texts.reduce((sum, text) => sum + costOf(text), 0);
    if (this.#bytes + bytes > this.#maxBytes) {
      return refused(
        `queue ${name} is full: all queues of a run together may hold ${
          this.#maxBytes / 2 ** 20
        } MiB`,
      );
    }
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      if (this.#queues.size >= MAX_NAMES) return refused(tooManyNames("queues"));
      this.#queues.set(name, queue = { values: [], head: 0 });
    }
    for (const text of texts) queue.values.push(text);
    if (texts.length > 0) this.#use.used(name);
    this.#bytes += bytes;
    return changed("");
  }

  #pop(name: string): PerformedCall {
    const queue = this.#queues.get(name);
    const text = queue?.values[queue.head];
    if (queue === undefined || text === undefined) {
      this.#use.missed(name);
      return { ...changed(""), changed: false };
    }
    this.#use.used(name);
    queue.values[queue.head++] = "";
    this.#bytes -= costOf(text);
    if (queue.head >= BATCH && queue.head * 2 >= queue.values.length) {
      queue.values = queue.values.slice(queue.head);
      queue.head = 0;
    }
    return changed(text);
  }
}

function costOf(text: string): number {
  return Buffer.byteLength(text) + VALUE_COST;
}

/** The maximum timeout of a rendezvous, in seconds. */
const MAX_TIMEOUT = 86_400;

/** The rendezvous of a run. The timeout of the first user that arrives applies to the whole round. */
class Barriers implements SharedService {
  readonly #clock: Clock;
  readonly #rounds = new Map<string, Round>();
  readonly #names = new NameCap();
  readonly #ended = new Map<string, RendezvousRounds>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How the rounds of each rendezvous ended; names beyond the first 1,000 are counted together. */
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
    } else if (typeof timeout !== "number" || timeout <= 0 || timeout > MAX_TIMEOUT) {
      done(
        refused(`rendezvous ${name}: timeout must be above 0 and at most ${MAX_TIMEOUT} seconds`),
      );
    } else return this.#arrive(name, users as number, timeout, done);
    return NOTHING_TO_CANCEL;
  }

  #arrive(name: string, users: number, timeout: number, done: Done): Cancel {
    const round = this.#rounds.get(name) ?? this.#open(name, timeout);
    // A new function, because the same one may arrive twice.
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

/** The users that are waiting at a rendezvous. */
interface Round {
  readonly there: Set<Done>;
  readonly timer: Timer;
}
