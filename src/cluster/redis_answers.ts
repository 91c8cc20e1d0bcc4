/**
 * What becomes of calls that Redis carries out, for whoever has called and for the journal.
 *
 * @module
 */

import { errorText } from "../core/errors.ts";
import {
  type Cancel,
  type Done,
  NOTHING_TO_CANCEL,
  type Outcome,
  type Performed,
  refused,
  type SharedCall,
  type SharedService,
} from "./shared_call.ts";

/** The service of calls that stand in a journal for those that Redis has carried out. */
export const REDIS_SERVICE = "redis";

/**
 * Answers calls as they were answered before. A journal has these in the place of the calls that have
 * changed something in Redis: there it still is, so that whoever goes on with the run must not change
 * it once more, while a worker may still want the answer.
 *
 * ```ts
 * import { answered, RedisAnswers } from "./redis_answers.ts";
 * import assert from "node:assert/strict";
 *
 * const add = { service: "counter", name: "orders", operation: "add", args: "[2]" };
 * const { instead } = answered(add, { result: "ok", value: "2" });
 * assert.deepEqual(instead, { service: "redis", name: "orders", operation: "ok", args: '["2"]' });
 * const values: string[] = [];
 * new RedisAnswers().perform(instead!, ["2"], ({ value }) => values.push(value));
 * assert.deepEqual(values, ["2"]);
 * ```
 */
export class RedisAnswers implements SharedService {
  perform(call: SharedCall, [value]: readonly unknown[], done: Done): Cancel {
    const { name, operation } = call;
    if (typeof value === "string" && (operation === "ok" || operation === "error")) {
      done({ result: operation, value, changed: true, instead: call, giveBack: null });
    } else {
      done(refused(`${REDIS_SERVICE} ${name}: no answer`));
    }
    return NOTHING_TO_CANCEL;
  }
}

/** A call that has changed something in Redis, or may have. */
export function answered({ name }: SharedCall, { result, value }: Outcome): Performed {
  const args = JSON.stringify([value]);
  const instead = { service: REDIS_SERVICE, name, operation: result, args };
  return { result, value, changed: true, instead, giveBack: null };
}

/**
 * Answers a call with what comes of a command to Redis; where that fails, with what is wrong.
 *
 * @param mayChange whether the command changes something. Then a failure may have come after that:
 * nobody may try it again by himself.
 */
export function answerWith(
  call: SharedCall,
  work: Promise<Performed>,
  { mayChange, done }: { readonly mayChange: boolean; readonly done: Done },
): void {
  const { service, name } = call;
  work.catch((error): Performed => {
    const why = `${service} ${name}: ${errorText(error)}`;
    return mayChange ? answered(call, { result: "error", value: why }) : refused(why);
  }).then(done);
}
