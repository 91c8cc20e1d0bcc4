import type { Clock } from "../core/clock.ts";
import type { Cancel, ClusterPort, Done, Outcome, SharedCall } from "./shared_call.ts";

/**
 * The port of the node that has all that is shared in its own process. Answers come in a turn of their
 * own, as they do elsewhere: a loop that asks again and again leaves others their time.
 *
 * ```ts
 * import { systemClock as clock } from "../core/clock.ts";
 * import { OwnPort } from "./own_port.ts";
 * import assert from "node:assert/strict";
 *
 * const port = new OwnPort("local", clock, (_, done) => {
 *   done({ result: "ok", value: "1", changed: false, giveBack: null });
 *   return () => {};
 * });
 * const call = { service: "counter", name: "n", operation: "value", args: "[]" };
 * const { value } = await new Promise((resolve) => port.call(call, false, resolve)) as { value: string };
 * assert.equal(value, "1");
 * ```
 */
export class OwnPort implements ClusterPort {
  readonly node: string;
  readonly #clock: Clock;
  readonly #perform: (call: SharedCall, done: Done) => Cancel;

  /** @param perform carries a call out. */
  constructor(node: string, clock: Clock, perform: (call: SharedCall, done: Done) => Cancel) {
    this.node = node;
    this.#clock = clock;
    this.#perform = perform;
  }

  call(call: SharedCall, _: boolean, done: (outcome: Outcome) => void): () => void {
    let withdrawn = false;
    const cancel = this.#perform(call, (performed) => {
      void this.#clock.nextTurn().then(() => {
        if (withdrawn) performed.giveBack?.();
        else done(performed);
      });
    });
    return () => {
      withdrawn = true;
      cancel();
    };
  }
}
