import { Buffer } from "node:buffer";
import { queueTexts } from "./queue_values.ts";
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
import { MAX_VALUE } from "./shared_limits.ts";

/**
 * The queues of a run, in Redis: each is the list of its name, whose values are JSON texts. A text that
 * is none, which somebody else has put there, comes out as it is.
 *
 * ```ts
 * import { RedisQueues } from "./redis_queues.ts";
 * import assert from "node:assert/strict";
 *
 * const replies = ['{"id":1}', "ada", null];
 * const queues = new RedisQueues({ command: () => Promise.resolve(replies.shift()) });
 * const call = { service: "queue", name: "ids", operation: "pop", args: "[]" };
 * const values: string[] = [];
 * for (let i = 0; i < 3; i++) {
 *   await new Promise<void>((resolve) =>
 *     queues.perform(call, [], ({ value }) => resolve(void values.push(value)))
 *   );
 * }
 * assert.deepEqual(values, ['{"id":1}', '"ada"', ""]);
 * ```
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

  async #pop(call: SharedCall): Promise<Performed> {
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

  async #size(name: string): Promise<Performed> {
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
