import type { Call } from "./message.ts";
import { ProtocolError } from "./protocol_error.ts";
import {
  type Cancel,
  type Done,
  NOTHING_TO_CANCEL,
  type Outcome,
  type Performed,
  type SharedCall,
} from "./shared_call.ts";

/** The service that a worker's desk offers itself: `withdraw` gives up another call, by its id. */
export const DESK_SERVICE = "call";

/** What a desk works with. */
export interface DeskHooks {
  /** Carries a call out. */
  perform(call: SharedCall, done: Done): Cancel;
  /** Answers the worker. */
  reply(id: number, outcome: Outcome): void;
  /**
   * A call has changed something, and must not do so again: this is what another master carries out
   * in its place. Called before it is answered.
   */
  onChanged(id: number, call: SharedCall): void;
  /** The worker has got the answers to these calls, each of which had changed something. */
  onSettled(ids: readonly number[]): void;
}

/** Calls of one worker whose answers it has not got, as far as anybody knows. */
const MAX_OPEN = 100_000;

/** Characters of all the answers to them. */
const MAX_ANSWERS = 64 * 1024 * 1024;

/** A call whose answer the worker has not got, as far as this desk knows. */
interface OpenCall {
  /** Null where there is none yet. */
  answer: Performed | null;
  cancel: Cancel;
}

/**
 * Takes the calls of one worker, and carries each out once, however often it is sent.
 *
 * A connection keeps the order of what is sent, and a worker that comes back says first which calls it
 * still wants answered. So a number that is not above all others, and not open, is an old copy.
 *
 * ```ts
 * import { CallDesk } from "./call_desk.ts";
 * import assert from "node:assert/strict";
 *
 * let sum = 0;
 * const replies: string[] = [];
 * const desk = new CallDesk({
 *   perform: (_, done) => {
 *     done({ result: "ok", value: String(++sum), changed: true, giveBack: null });
 *     return () => {};
 *   },
 *   reply: (id, { value }) => replies.push(`${id}: ${value}`),
 *   onChanged: () => {},
 *   onSettled: () => {},
 * });
 * const add = { type: "CALL", id: 1, service: "counter", name: "n", operation: "add", args: "[1]" } as const;
 * desk.take(add);
 * desk.take(add);
 * desk.settle(1);
 * desk.take(add);
 * assert.deepEqual([sum, replies], [1, ["1: 1", "1: 1"]]);
 * ```
 */
export class CallDesk {
  readonly #hooks: DeskHooks;
  readonly #open = new Map<number, OpenCall>();
  /** Calls that were given up when their worker was lost: they are new when they come again. */
  readonly #givenUp = new Set<number>();
  #lastId = 0;
  #answerLength = 0;

  constructor(hooks: DeskHooks) {
    this.#hooks = hooks;
  }

  /**
   * Carries a call out, or answers it again.
   *
   * @throws ProtocolError where the worker lets too much pile up.
   */
  take({ id, service, name, operation, args }: Call): void {
    const known = this.#open.get(id);
    if (known !== undefined) {
      if (known.answer !== null) this.#hooks.reply(id, known.answer);
      return;
    }
    if (id <= this.#lastId && !this.#givenUp.delete(id)) return;
    this.#lastId = Math.max(this.#lastId, id);
    if (this.#open.size >= MAX_OPEN || this.#answerLength >= MAX_ANSWERS) {
      throw new ProtocolError("protocol", "more calls than anybody takes the answers of");
    }
    this.#perform(id, { service, name, operation, args }, true);
  }

  /** Carries out what was carried out before, for another master of the same run; tells nobody. */
  replay(id: number, call: SharedCall): void {
    this.#perform(id, call, false);
  }

  /** The worker has got the answer to a call. */
  settle(id: number): void {
    if (this.#open.get(id)?.answer) this.#settle([id]);
  }

  /** The worker is here again, and wants these calls answered, and no others. */
  recall(wanted: readonly number[]): void {
    const all = new Set(wanted);
    for (const id of this.#givenUp) if (!all.has(id)) this.#givenUp.delete(id);
    const others = [...this.#open].filter(([id]) => !all.has(id));
    for (const [, { cancel }] of others) cancel();
    this.#settle(others.map(([id]) => id));
  }

  /** The worker has gone: what it had been given, and may never have got, goes back. */
  lose(): void {
    for (const [id, { answer, cancel }] of [...this.#open]) {
      // What is under way elsewhere cannot be stopped: its answer is kept for whoever comes back.
      const isDone = answer === null ? cancel === NOTHING_TO_CANCEL : answer.giveBack === null;
      if (isDone) continue;
      this.#forget(id);
      this.#givenUp.add(id);
      cancel();
      answer?.giveBack?.();
    }
  }

  #perform(id: number, call: SharedCall, live: boolean): void {
    const entry: OpenCall = { answer: null, cancel: () => {} };
    this.#open.set(id, entry);
    const done: Done = (performed) => {
      // Nobody wants it any more, and whatever was carried out elsewhere is kept there.
      if (this.#open.get(id) !== entry) return;
      entry.answer = performed;
      this.#answerLength += performed.value.length;
      if (!live) return;
      if (performed.changed) this.#hooks.onChanged(id, performed.instead ?? call);
      this.#hooks.reply(id, performed);
    };
    if (call.service === DESK_SERVICE) this.#withdraw(call, done);
    else entry.cancel = this.#hooks.perform(call, done);
  }

  /** Gives up the call of this number; what it had been given goes back. */
  #withdraw({ args }: SharedCall, done: Done): void {
    const id = Number(args);
    const call = this.#open.get(id);
    this.#givenUp.delete(id);
    if (call !== undefined) this.#forget(id);
    call?.cancel();
    const giveBack = call?.answer?.giveBack ?? null;
    // Written down before anybody else is given it.
    done({ result: "ok", value: "", changed: giveBack !== null, giveBack: null });
    giveBack?.();
  }

  #settle(ids: readonly number[]): void {
    const changed = ids.filter((id) => this.#open.get(id)?.answer?.changed);
    for (const id of ids) this.#forget(id);
    if (changed.length > 0) this.#hooks.onSettled(changed);
  }

  #forget(id: number): void {
    this.#answerLength -= this.#open.get(id)?.answer?.value.length ?? 0;
    this.#open.delete(id);
  }
}
