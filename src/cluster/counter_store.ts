import {
  type Cancel,
  changed,
  type Done,
  NOTHING_TO_CANCEL,
  read,
  refused,
  type SharedCall,
  type SharedService,
} from "./shared_call.ts";
import { MAX_NAMES, tooManyNames } from "./shared_limits.ts";

/**
 * The counters of a run.
 *
 * ```ts
 * import { CounterStore } from "./counter_store.ts";
 * import assert from "node:assert/strict";
 *
 * const store = new CounterStore();
 * const call = { service: "counter", name: "orders", operation: "add", args: "[2]" };
 * const values: string[] = [];
 * store.perform(call, [2], ({ value }) => values.push(value));
 * store.perform(call, [0.5], ({ value }) => values.push(value));
 * assert.deepEqual(values, ["2", "2.5"]);
 * ```
 */
export class CounterStore implements SharedService {
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
