/**
 * Counters and queues in Redis, and the connection to it.
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

import type { QueueUse } from "./shortages.ts";

/** Sends commands to Redis. */
export interface Redis {
  /** Sends a command; resolves with the reply, and rejects with an error that users can read. */
  command(...words: readonly string[]): Promise<unknown>;
}

/** The part of the client that is used. */
export interface RedisClient {
  /** `ready` is emitted for each usable connection, `error` if one fails or cannot be opened. */
  on(event: "ready" | "error", listener: (error?: unknown) => void): unknown;
  connect(): Promise<unknown>;
  /** Rejects immediately if there is no connection. */
  sendCommand(words: readonly string[]): Promise<unknown>;
  /** Throws if it is closed already. */
  destroy(): void;
}

/** What a {@link RedisConnection} needs. */
export interface RedisConnectionOptions {
  readonly client: RedisClient;
  /** Host and port, for messages. */
  readonly address: string;
  readonly clock: Clock;
  readonly info: (text: string) => void;
  readonly error: (text: string) => void;
}

/** The timeout of every reply, in milliseconds. */
export const REDIS_LIMIT_MS = 3_000;

/**
 * A connection to Redis with a timeout for every reply. It logs when the connection is lost and when it is
 * back. Commands fail immediately in between.
 */
export class RedisConnection implements Redis {
  readonly #options: RedisConnectionOptions;
  #state: "new" | "open" | "lost" | "closed" = "new";

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
    const { client, address, info, error } = options;
    // Without a listener, an "error" would end the process. Each failed reconnection emits one.
    client.on("error", (thrown) => {
      if (this.#state !== "open") return;
      this.#state = "lost";
      error(
        `Lost the connection to Redis at ${address}; counters and queues fail until it reconnects: ${
          reasonOf(thrown)
        }`,
      );
    });
    client.on("ready", () => {
      if (this.#state === "lost") info(`The connection to Redis at ${address} is back.`);
      if (this.#state !== "closed") this.#state = "open";
    });
  }

  /** Whether a lost connection is to be opened again: not before the first one, nor after the end. */
  get reconnects(): boolean {
    return this.#state === "open" || this.#state === "lost";
  }

  /** Resolves once commands can be sent; if it rejects, the connection is closed. */
  async open(): Promise<void> {
    try {
      await this.#withTimeout(this.#options.client.connect());
    } catch (error) {
      this.close();
      throw new Error(reasonOf(error), { cause: error });
    }
  }

  async command(...words: readonly string[]): Promise<unknown> {
    const { client, address } = this.#options;
    try {
      return await this.#withTimeout(client.sendCommand(words));
    } catch (error) {
      throw new Error(`Redis at ${address}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** Closes the connection; commands in flight fail. */
  close(): void {
    this.#state = "closed";
    try {
      this.#options.client.destroy();
    } catch {
      // It is closed already.
    }
  }

  /** The client itself has no timeout for commands that were sent. */
  async #withTimeout<T>(answer: Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const timeout = Promise.withResolvers<never>();
    const reason = new Error(`no answer within ${REDIS_LIMIT_MS / 1_000} s`);
    const timer = clock.setTimer(() => timeout.reject(reason), REDIS_LIMIT_MS);
    try {
      return await Promise.race([answer, timeout.promise]);
    } finally {
      clock.clearTimer(timer);
    }
  }
}

/** If a name has several addresses, each has its own error, and there is no common message. */
function reasonOf(thrown: unknown): string {
  return errorText(thrown instanceof AggregateError ? thrown.errors[0] ?? thrown : thrown);
}

/** The service of the calls that a journal has in place of those that Redis has performed. */
export const REDIS_SERVICE = "redis";

/**
 * Answers calls as they were answered before. A journal has these in place of the calls that have changed
 * state in Redis. The state is still there, so a restarted master must not change it again, but a worker
 * may still want the answer.
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

/** The result of a call that has changed state in Redis, or may have. */
function answered({ name }: SharedCall, { result, value }: Outcome): PerformedCall {
  const args = JSON.stringify([value]);
  const replayAs = { service: REDIS_SERVICE, name, operation: result, args };
  return { result, value, changed: true, replayAs, giveBack: null };
}

/**
 * Answers a call with the result of a command to Redis, or with its error.
 *
 * @param mayChange whether the command changes state. It may have done so before it failed, so it must not
 * be repeated automatically.
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

/** The counters of a run in Redis: the value of each is a number at the key of its name. */
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

/** @throws Error if it is not a number. */
function numberOf(reply: unknown): number {
  const number = typeof reply === "string" && reply.trim() !== "" ? Number(reply) : NaN;
  if (!Number.isFinite(number)) throw new Error("its value in Redis is not a finite number");
  return number;
}

/**
 * The queues of a run in Redis: each is the list at the key of its name, with JSON texts. A text that is
 * not JSON, which only other programs push, is returned as a string.
 */
export class RedisQueues implements SharedService {
  readonly #redis: Redis;
  readonly #use: QueueUse;

  constructor(redis: Redis, use: QueueUse) {
    this.#redis = redis;
    this.#use = use;
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
        .then(() => {
          this.#use.used(call.name);
          return answered(call, { result: "ok", value: "" });
        });
      answerWith(call, pushed, { mayChange: true, done });
    }
  }

  async #pop(call: SharedCall): Promise<PerformedCall> {
    const text = await this.#redis.command("LPOP", call.name);
    if (typeof text !== "string") {
      this.#use.missed(call.name);
      return { ...NOTHING, giveBack: null };
    }
    this.#use.used(call.name);
    const json = jsonOf(text);
    if (Buffer.byteLength(json) > MAX_VALUE) {
      // It is too long to be sent to a worker, so it is put back.
      await this.#redis.command("LPUSH", call.name, text);
      throw new Error(`its first value has more than ${MAX_VALUE} bytes as JSON`);
    }
    return answered(call, { result: "ok", value: json });
  }

  async #size(name: string): Promise<PerformedCall> {
    return read(Number(await this.#redis.command("LLEN", name)));
  }
}

/** The result if nothing has changed. */
const NOTHING = { result: "ok", value: "", changed: false } as const;

function jsonOf(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}
