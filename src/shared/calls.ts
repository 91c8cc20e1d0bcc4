/**
 * What nodes ask of what all of them share, and what they are answered. A call is plain data: it is the
 * same whether it comes from this process or over the wire.
 *
 * @module
 */

import type { Outcome, SharedCall } from "../cluster/protocol.ts";
import { Buffer } from "node:buffer";

/** A call that was carried out. */
export interface PerformedCall extends Outcome {
  /** Whether anything is different now: then it must never be carried out twice. */
  readonly changed: boolean;
  /**
   * What another master of the run carries out in the call's place, where the change itself is kept
   * elsewhere; without it, the call again.
   */
  readonly replayAs?: SharedCall;
  /** Takes back what was given out, where its receiver never got it; null where nothing was. */
  readonly giveBack: (() => void) | null;
}

/** Gets what became of a call: at once, later, or never. */
export type Done = (performed: PerformedCall) => void;

/** Gives a call up that has not been carried out yet; after that it changes nothing. */
export type Cancel = () => void;

/** One kind of thing that nodes share. */
export interface SharedService {
  /**
   * Carries a call out; arguments that make no sense are answered with what is wrong with them.
   *
   * @param from who asks: the same for as long as that node's process lives.
   */
  perform(call: SharedCall, args: readonly unknown[], done: Done, from: string): Cancel;
}

/** Where a node's calls go. */
export interface Rpc {
  /** What the node is called. */
  readonly node: string;
  /**
   * Carries a call out, once.
   *
   * @param mayBlock whether the answer may be a long time in coming.
   * @returns gives the call up: it is never answered, and what it was given goes back.
   */
  call(call: SharedCall, mayBlock: boolean, done: (outcome: Outcome) => void): () => void;
}

/** For calls that cannot be given up: they are carried out at once, or elsewhere. */
export const NOTHING_TO_CANCEL = (): void => {};

/** A call that has changed nothing. */
export function read(value: unknown): PerformedCall {
  return { result: "ok", value: JSON.stringify(value), changed: false, giveBack: null };
}

/** A call that has changed something. */
export function changed(json: string): PerformedCall {
  return { result: "ok", value: json, changed: true, giveBack: null };
}

/** A call that cannot be carried out. */
export function refused(why: string): PerformedCall {
  return { result: "error", value: why, changed: false, giveBack: null };
}

// What a run may share: so that no node can fill the master's memory.

/** Bytes of one value, as JSON. */
export const MAX_VALUE = 64 * 1024;

/** Counters, and queues, that a run may have. */
export const MAX_NAMES = 100_000;

/** Why there is no further one. @param what in the plural. */
export function tooManyNames(what: string): string {
  return `a run may have ${MAX_NAMES} ${what}, and has them`;
}

/**
 * A value as JSON.
 *
 * @param whose names what the value is for.
 * @throws TypeError where it is none, or too long.
 */
export function valueText(value: unknown, whose: string): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    throw new TypeError(`${whose}: a value that is no JSON`, { cause: error });
  }
  if (json === undefined) throw new TypeError(`${whose}: a ${typeof value} is no JSON`);
  const bytes = Buffer.byteLength(json);
  if (bytes <= MAX_VALUE) return json;
  throw new TypeError(`${whose}: a value of ${bytes} bytes of JSON, ${MAX_VALUE} are allowed`);
}

/**
 * What is pushed into a queue, as JSON texts; or why nothing of it can be.
 */
export function queueTexts(name: string, values: readonly unknown[]): string[] | string {
  let texts: string[];
  try {
    texts = values.map((value) => JSON.stringify(value));
  } catch {
    // Whatever was read can be written, unless there is not enough room on the stack.
    return `queue ${name}: a value that is nested too deep`;
  }
  return texts.some((text) => Buffer.byteLength(text) > MAX_VALUE)
    ? `queue ${name}: a value of over ${MAX_VALUE} bytes of JSON`
    : texts;
}
