/**
 * A run's connection to Redis: commands go out while it is there, and fail at once while it is away.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Outcome, SharedCall } from "../cluster/protocol.ts";
import type { Clock } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import {
  type Cancel,
  type Done,
  MAX_VALUE,
  NOTHING_TO_CANCEL,
  type PerformedCall,
  queueTexts,
  read,
  refused,
  type SharedService,
} from "./calls.ts";

/** What keeps data in Redis. */
export interface Redis {
  /** Carries out a command; resolves with the reply, and rejects with an error for a person to read. */
  command(...words: readonly string[]): Promise<unknown>;
}

/** What is used of the client. */
export interface RedisClient {
  /** `ready` comes with each connection that can be used, `error` with what breaks or prevents one. */
  on(event: "ready" | "error", listener: (error?: unknown) => void): unknown;
  connect(): Promise<unknown>;
  /** Rejects at once where there is no connection. */
  sendCommand(words: readonly string[]): Promise<unknown>;
  /** Throws where it has been closed already. */
  destroy(): void;
}

/** What a connection works with. */
export interface RedisConnectionOptions {
  readonly client: RedisClient;
  /** Host and port, for people. */
  readonly address: string;
  readonly clock: Clock;
  readonly info: (text: string) => void;
  readonly error: (text: string) => void;
}

/** How long Redis may take for anything, in milliseconds. */
export const REDIS_LIMIT_MS = 3_000;

/**
 * A client that is given a limit for every answer, and says in a line each when Redis goes and when it
 * comes back.
 */
export class RedisConnection implements Redis {
  readonly #options: RedisConnectionOptions;
  #state: "new" | "there" | "away" | "closed" = "new";

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
    const { client, address, info, error } = options;
    // If nobody listened to "error", one would end the process. Each attempt to come back emits one.
    client.on("error", (thrown) => {
      if (this.#state !== "there") return;
      this.#state = "away";
      error(`Redis at ${address} is away, so counters and queues fail: ${reasonOf(thrown)}`);
    });
    client.on("ready", () => {
      if (this.#state === "away") info(`Redis at ${address} is back.`);
      if (this.#state !== "closed") this.#state = "there";
    });
  }

  /** Whether one that breaks is worth another: not before the first was there, nor after the end. */
  get comesBack(): boolean {
    return this.#state === "there" || this.#state === "away";
  }

  /** Resolves when commands can be sent; rejects with what is wrong, and is closed then. */
  async open(): Promise<void> {
    try {
      await this.#inTime(this.#options.client.connect());
    } catch (error) {
      this.close();
      throw new Error(reasonOf(error), { cause: error });
    }
  }

  async command(...words: readonly string[]): Promise<unknown> {
    const { client, address } = this.#options;
    try {
      return await this.#inTime(client.sendCommand(words));
    } catch (error) {
      throw new Error(`Redis at ${address}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** Ends it; what is under way fails. */
  close(): void {
    this.#state = "closed";
    try {
      this.#options.client.destroy();
    } catch {
      // It has closed itself.
    }
  }

  /** The client itself sets no limit to a command that has been sent. */
  async #inTime<T>(answer: Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const late = Promise.withResolvers<never>();
    const reason = new Error(`no answer within ${REDIS_LIMIT_MS / 1_000} s`);
    const timer = clock.setTimer(() => late.reject(reason), REDIS_LIMIT_MS);
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      clock.clearTimer(timer);
    }
  }
}

/** Where a name has several addresses, each has an error of its own, and they have none together. */
function reasonOf(thrown: unknown): string {
  return errorText(thrown instanceof AggregateError ? thrown.errors[0] ?? thrown : thrown);
}

// What becomes of calls that Redis carries out, for whoever has called and for the journal.

/** The service of calls that stand in a journal for those that Redis has carried out. */
export const REDIS_SERVICE = "redis";

/**
 * Answers calls as they were answered before. A journal has these in the place of the calls that have
 * changed something in Redis: there it still is, so that whoever goes on with the run must not change
 * it once more, while a worker may still want the answer.
 */
export class RedisAnswers implements SharedService {
  perform(call: SharedCall, [value]: readonly unknown[], done: Done): Cancel {
    const { name, operation } = call;
    if (typeof value === "string" && (operation === "ok" || operation === "error")) {
      done({ result: operation, value, changed: true, replayAs: call, giveBack: null });
    } else {
      done(refused(`${REDIS_SERVICE} ${name}: no answer`));
    }
    return NOTHING_TO_CANCEL;
  }
}

/** A call that has changed something in Redis, or may have. */
function answered({ name }: SharedCall, { result, value }: Outcome): PerformedCall {
  const args = JSON.stringify([value]);
  const replayAs = { service: REDIS_SERVICE, name, operation: result, args };
  return { result, value, changed: true, replayAs, giveBack: null };
}

/**
 * Answers a call with what comes of a command to Redis; where that fails, with what is wrong.
 *
 * @param mayChange whether the command changes something. Then a failure may have come after that:
 * nobody may try it again by himself.
 */
function answerWith(
  call: SharedCall,
  work: Promise<PerformedCall>,
  { mayChange, done }: { readonly mayChange: boolean; readonly done: Done },
): void {
  const { service, name } = call;
  work.catch((error): PerformedCall => {
    const why = `${service} ${name}: ${errorText(error)}`;
    return mayChange ? answered(call, { result: "error", value: why }) : refused(why);
  }).then(done);
}

/**
 * The counters of a run, in Redis: each is the key of its name, with a number as its text.
 */
export class RedisCounters implements SharedService {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  perform(call: SharedCall, [amount]: readonly unknown[], done: Done): Cancel {
    const { name, operation } = call;
    if (operation === "value") answerWith(call, this.#value(name), { mayChange: false, done });
    else if (operation !== "add") done(refused(`counter ${name} cannot ${operation}`));
    else if (typeof amount !== "number" || !Number.isFinite(amount)) {
      done(refused(`counter ${name}: only finite numbers can be added`));
    } else answerWith(call, this.#add(call, amount), { mayChange: true, done });
    return NOTHING_TO_CANCEL;
  }

  async #value(name: string): Promise<PerformedCall> {
    return read(numberOf(await this.#redis.command("GET", name) ?? "0"));
  }

  async #add(call: SharedCall, amount: number): Promise<PerformedCall> {
    const sum = numberOf(await this.#redis.command("INCRBYFLOAT", call.name, String(amount)));
    return answered(call, { result: "ok", value: JSON.stringify(sum) });
  }
}

/** @throws Error where it is none. */
function numberOf(reply: unknown): number {
  const number = typeof reply === "string" && reply.trim() !== "" ? Number(reply) : NaN;
  if (!Number.isFinite(number)) throw new Error("its value in Redis is no finite number");
  return number;
}

/**
 * The queues of a run, in Redis: each is the list of its name, whose values are JSON texts. A text that
 * is none, which somebody else has put there, comes out as it is.
 */
export class RedisQueues implements SharedService {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  perform(call: SharedCall, args: readonly unknown[], done: Done): Cancel {
    const { name, operation } = call;
    switch (operation) {
      case "push":
        this.#push(call, args, done);
        break;
      case "pop":
        answerWith(call, this.#pop(call), { mayChange: true, done });
        break;
      case "size":
        answerWith(call, this.#size(name), { mayChange: false, done });
        break;
      default:
        done(refused(`queue ${name} cannot ${operation}`));
    }
    return NOTHING_TO_CANCEL;
  }

  #push(call: SharedCall, values: readonly unknown[], done: Done): void {
    const texts = queueTexts(call.name, values);
    if (typeof texts === "string") done(refused(texts));
    else if (texts.length === 0) done({ ...NOTHING, giveBack: null });
    else {
      const pushed = this.#redis.command("RPUSH", call.name, ...texts)
        .then(() => answered(call, { result: "ok", value: "" }));
      answerWith(call, pushed, { mayChange: true, done });
    }
  }

  async #pop(call: SharedCall): Promise<PerformedCall> {
    const text = await this.#redis.command("LPOP", call.name);
    if (typeof text !== "string") return { ...NOTHING, giveBack: null };
    const json = jsonOf(text);
    if (Buffer.byteLength(json) > MAX_VALUE) {
      // It does not fit what goes to a worker, and is nobody's yet.
      await this.#redis.command("LPUSH", call.name, text);
      throw new Error(`its first value has over ${MAX_VALUE} bytes of JSON`);
    }
    return answered(call, { result: "ok", value: json });
  }

  async #size(name: string): Promise<PerformedCall> {
    return read(Number(await this.#redis.command("LLEN", name)));
  }
}

/** Nothing was there, and nothing is different now. */
const NOTHING = { result: "ok", value: "", changed: false } as const;

function jsonOf(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}
