/**
 * A run's connection to Redis: commands go out while it is there, and fail at once while it is away.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";

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
  readonly place: string;
  readonly clock: Clock;
  readonly info: (text: string) => void;
  readonly error: (text: string) => void;
}

/** How long Redis may take for anything, in milliseconds. */
export const REDIS_LIMIT_MS = 3_000;

/**
 * A client that is given a limit for every answer, and says in a line each when Redis goes and when it
 * comes back.
 *
 * ```ts
 * import { systemClock as clock } from "../core/clock.ts";
 * import { RedisConnection } from "./redis_connection.ts";
 * import assert from "node:assert/strict";
 *
 * const client = {
 *   on: () => {},
 *   connect: () => Promise.resolve(),
 *   sendCommand: ([name]: readonly string[]) => Promise.resolve(`${name}: done`),
 *   destroy: () => {},
 * };
 * const say = (): void => {};
 * const redis = new RedisConnection({ client, place: "box:6379", clock, info: say, error: say });
 * await redis.open();
 * assert.equal(await redis.command("GET", "orders"), "GET: done");
 * redis.close();
 * ```
 */
export class RedisConnection implements Redis {
  readonly #options: RedisConnectionOptions;
  #state: "new" | "there" | "away" | "closed" = "new";

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
    const { client, place, info, error } = options;
    // If nobody listened to "error", one would end the process. Each attempt to come back emits one.
    client.on("error", (thrown) => {
      if (this.#state !== "there") return;
      this.#state = "away";
      error(`Redis at ${place} is away, so counters and queues fail: ${reasonOf(thrown)}`);
    });
    client.on("ready", () => {
      if (this.#state === "away") info(`Redis at ${place} is back.`);
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
    const { client, place } = this.#options;
    try {
      return await this.#inTime(client.sendCommand(words));
    } catch (error) {
      throw new Error(`Redis at ${place}: ${reasonOf(error)}`, { cause: error });
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
