import { answered, answerWith } from "./redis_answers.ts";
import type { Redis } from "./redis_connection.ts";
import {
  type Cancel,
  type Done,
  NOTHING_TO_CANCEL,
  type Performed,
  read,
  refused,
  type SharedCall,
  type SharedService,
} from "./shared_call.ts";

/**
 * The counters of a run, in Redis: each is the key of its name, with a number as its text.
 *
 * ```ts
 * import { RedisCounters } from "./redis_counters.ts";
 * import assert from "node:assert/strict";
 *
 * const sent: string[] = [];
 * const counters = new RedisCounters({
 *   command: (...words) => {
 *     sent.push(words.join(" "));
 *     return Promise.resolve("2.5");
 *   },
 * });
 * const call = { service: "counter", name: "orders", operation: "add", args: "[0.5]" };
 * const { value } = await new Promise<{ value: string }>((resolve) =>
 *   counters.perform(call, [0.5], resolve)
 * );
 * assert.deepEqual([sent, value], [["INCRBYFLOAT orders 0.5"], "2.5"]);
 * ```
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

  async #value(name: string): Promise<Performed> {
    return read(numberOf(await this.#redis.command("GET", name) ?? "0"));
  }

  async #add(call: SharedCall, amount: number): Promise<Performed> {
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
