import type { FeederMode, WhenEmpty } from "../core/cluster.ts";
import type { Random } from "../core/random.ts";
import {
  type Cancel,
  type Done,
  NOTHING_TO_CANCEL,
  refused,
  type SharedCall,
  type SharedService,
} from "./shared_call.ts";

/** A feeder whose rows are at hand. */
export interface StockedFeeder {
  readonly name: string;
  /** JSON texts; at least one. */
  readonly rows: readonly string[];
  readonly mode: FeederMode;
  readonly onEmpty: WhenEmpty;
}

/**
 * The feeders of a run. A row that was handed out and never got to anybody goes back, and is the next
 * one.
 *
 * ```ts
 * import { FeederStore } from "./feeder_store.ts";
 * import assert from "node:assert/strict";
 *
 * const rows = ['"ann"', '"ben"'];
 * const feeder = { name: "names", rows, mode: "unique", onEmpty: "throw" } as const;
 * const store = new FeederStore([feeder], Math.random);
 * const call = { service: "feeder", name: "names", operation: "next", args: "[]" };
 * const values: string[] = [];
 * for (let i = 0; i < 3; i++) store.perform(call, [], ({ value }) => values.push(value));
 * assert.deepEqual(values, ['"ann"', '"ben"', "feeder names: no row is left of 2"]);
 * ```
 */
export class FeederStore implements SharedService {
  readonly #stocks: ReadonlyMap<string, FeederStock>;

  constructor(feeders: readonly StockedFeeder[], random: Random) {
    this.#stocks = new Map(feeders.map((one) => [one.name, new FeederStock(one, random)]));
  }

  perform({ name, operation }: SharedCall, _: readonly unknown[], done: Done): Cancel {
    const stock = this.#stocks.get(name);
    if (operation === "next" && stock !== undefined) return stock.next(done);
    done(refused(
      stock === undefined
        ? `the master knows no feeder ${name}: feeders are made at the top of the test file`
        : `feeder ${name} cannot ${operation}`,
    ));
    return NOTHING_TO_CANCEL;
  }
}

/** The rows of one feeder. */
class FeederStock {
  readonly #feeder: StockedFeeder;
  readonly #random: Random;
  readonly #returned: number[] = [];
  readonly #waiting = new Set<Done>();
  #next = 0;

  constructor(feeder: StockedFeeder, random: Random) {
    this.#feeder = feeder;
    this.#random = random;
  }

  next(done: Done): Cancel {
    const { name, rows, mode, onEmpty } = this.#feeder;
    if (mode === "random") {
      const value = rows[Math.floor(this.#random() * rows.length)]!;
      done({ result: "ok", value, changed: false, giveBack: null });
    } else if (mode === "circular") {
      const value = rows[this.#next]!;
      this.#next = (this.#next + 1) % rows.length;
      done({ result: "ok", value, changed: true, giveBack: null });
    } else if (this.#returned.length > 0) this.#handOut(this.#returned.shift()!, done);
    else if (this.#next < rows.length) this.#handOut(this.#next++, done);
    else if (onEmpty === "wait") return this.#wait(done);
    else {
      const why = `feeder ${name}: no row is left of ${rows.length}`;
      done(onEmpty === "throw" ? refused(why) : { ...refused(why), result: "end" });
    }
    return NOTHING_TO_CANCEL;
  }

  #handOut(row: number, done: Done): void {
    const giveBack = (): void => {
      const [next] = this.#waiting;
      if (next === undefined) return void this.#returned.push(row);
      this.#waiting.delete(next);
      this.#handOut(row, next);
    };
    done({ result: "ok", value: this.#feeder.rows[row]!, changed: true, giveBack });
  }

  #wait(done: Done): Cancel {
    // Made anew, as the same function may wait twice.
    const entry: Done = (performed) => done(performed);
    this.#waiting.add(entry);
    return () => void this.#waiting.delete(entry);
  }
}
