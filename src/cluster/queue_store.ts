import { Buffer } from "node:buffer";
import { queueTexts } from "./queue_values.ts";
import {
  type Cancel,
  changed,
  type Done,
  NOTHING_TO_CANCEL,
  type Performed,
  read,
  refused,
  type SharedCall,
  type SharedService,
} from "./shared_call.ts";
import { MAX_NAMES, tooManyNames } from "./shared_limits.ts";

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
 *
 * ```ts
 * import { QueueStore } from "./queue_store.ts";
 * import assert from "node:assert/strict";
 *
 * const store = new QueueStore();
 * const call = (operation: string) => ({ service: "queue", name: "ids", operation, args: "" });
 * const values: string[] = [];
 * store.perform(call("push"), ["a", { b: 1 }], () => {});
 * for (let i = 0; i < 3; i++) store.perform(call("pop"), [], ({ value }) => values.push(value));
 * assert.deepEqual(values, ['"a"', '{"b":1}', ""]);
 * ```
 */
export class QueueStore implements SharedService {
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

  #push(name: string, values: readonly unknown[]): Performed {
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

  #pop(name: string): Performed {
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
