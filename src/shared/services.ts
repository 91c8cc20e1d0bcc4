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
import { type Redis, REDIS_SERVICE, RedisAnswers, RedisCounters, RedisQueues } from "./redis.ts";

/**
 * The counters of a run.
 */
class CounterStore implements SharedService {
  readonly #values = new Map<string, number>();

  perform({ name, operation }: SharedCall, [amount]: readonly unknown[], done: Done): Cancel {
    const before = this.#values.get(name) ?? 0;
    if (operation === "value") done(read(before));
    else if (operation !== "add") done(refused(`counter ${name} cannot ${operation}`));
    else if (typeof amount !== "number" || !Number.isFinite(before + amount)) {
      done(refused(`counter ${name}: only finite numbers can be added, and make a finite sum`));
    } else if (!this.#values.has(name) && this.#values.size >= MAX_NAMES) {
      done(refused(tooManyNames("counters")));
    } else {
      this.#values.set(name, before + amount);
      done(changed(JSON.stringify(before + amount)));
    }
    return NOTHING_TO_CANCEL;
  }
}

/** Bytes of all values in all queues. */
const MAX_BYTES = 64 * 1024 * 1024;

/** What a value takes beside its text. */
const VALUE_COST = 64;

/** Values that have been taken out are forgotten in portions, so that taking one out costs nothing. */
const PORTION = 1024;

interface StoredQueue {
  /** JSON texts; those before `head` have been taken out. */
  values: string[];
  head: number;
}

/**
 * The queues of a run. What is pushed comes as a list of JSON values, and goes in whole or not at all.
 */
class QueueStore implements SharedService {
  readonly #queues = new Map<string, StoredQueue>();
  readonly #maxBytes: number;
  #bytes = 0;

  /** @param maxBytes of all values in all queues. */
  constructor(maxBytes: number = MAX_BYTES) {
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
        `queue ${name} is full: the queues of a run may hold ${
          this.#maxBytes / 2 ** 20
        } MiB in all`,
      );
    }
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      if (this.#queues.size >= MAX_NAMES) return refused(tooManyNames("queues"));
      this.#queues.set(name, queue = { values: [], head: 0 });
    }
    for (const text of texts) queue.values.push(text);
    this.#bytes += bytes;
    return changed("");
  }

  #pop(name: string): PerformedCall {
    const queue = this.#queues.get(name);
    const text = queue?.values[queue.head];
    if (queue === undefined || text === undefined) return { ...changed(""), changed: false };
    queue.values[queue.head++] = "";
    this.#bytes -= costOf(text);
    if (queue.head >= PORTION && queue.head * 2 >= queue.values.length) {
      queue.values = queue.values.slice(queue.head);
      queue.head = 0;
    }
    return changed(text);
  }
}

function costOf(text: string): number {
  return Buffer.byteLength(text) + VALUE_COST;
}

/** Seconds that a rendezvous may last. */
const LONGEST = 86_400;

/**
 * Where users wait for one another. What the first one to arrive says of time holds for all who meet.
 */
class Barriers implements SharedService {
  readonly #clock: Clock;
  readonly #rounds = new Map<string, Round>();
  readonly #names = new NameCap();
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

/** What a services works with. */
export interface SharedServicesOptions {
  readonly feeders: readonly LoadedFeeder[];
  readonly clock: Clock;
  readonly random: Random;
  /** Where counters and queues live; without it, here. */
  readonly redis?: Redis | null;
  /** Passes in the whole run; without it, there is no number of them. */
  readonly iterations?: number | null;
}

/**
 * All that the nodes of a run share. The same calls in the same order make the same state, but for
 * those that change nothing; what lives in Redis is as it is there.
 */
export class SharedServices {
  readonly #services: ReadonlyMap<string, SharedService>;
  readonly #board: Barriers;
  readonly #iterations: IterationQuota;

  constructor({ feeders, clock, random, redis = null, iterations = null }: SharedServicesOptions) {
    this.#board = new Barriers(clock);
    this.#iterations = new IterationQuota(iterations ?? 0);
    this.#services = new Map<string, SharedService>([
      ...(redis === null ? ownStores() : redisStores(redis)),
      ["feeder", new FeederStore(feeders, random)],
      ["rendezvous", this.#board],
      [ITERATION_SERVICE, this.#iterations],
    ]);
  }

  /** How often users have met at each rendezvous. */
  get rendezvous(): readonly RendezvousRounds[] {
    return this.#board.ended;
  }

  /** A node has gone, see {@link perform}. */
  nodeLost(from: string): void {
    this.#iterations.nodeLost(from);
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
