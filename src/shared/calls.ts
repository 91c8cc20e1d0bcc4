/**
 * Calls to the state that all nodes of a run share: what a service must do with a call, and the limits
 * that keep a node from filling the master's memory.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Outcome, SharedCall } from "../cluster/protocol.ts";

/** Carries the calls of one node to the shared state, and the answers back. */
export interface RpcTransport {
  /** The name of the node. */
  readonly node: string;
  /**
   * Performs a call, once.
   *
   * @param mayBlock whether the answer may take a long time.
   * @returns a function that withdraws the call: it is not answered, and what it was given is returned.
   */
  call(call: SharedCall, mayBlock: boolean, done: (outcome: Outcome) => void): () => void;
}

/** One kind of shared state. */
export interface SharedService {
  /**
   * Performs a call. Invalid arguments are answered with an error.
   *
   * @param from the caller's incarnation.
   */
  perform(call: SharedCall, args: readonly unknown[], done: Done, from: string): Cancel;
}

/** Receives the result of a call: immediately, later, or never. */
export type Done = (performed: PerformedCall) => void;

/** Cancels a call that has not been performed yet; it then changes nothing. */
export type Cancel = () => void;

/** For calls that cannot be cancelled, because they are performed immediately or by another server. */
export const NOTHING_TO_CANCEL = (): void => {};

/** The result of a call. */
export interface PerformedCall extends Outcome {
  /** Whether state has changed. The call must then never be performed twice. */
  readonly changed: boolean;
  /**
   * The call that a restarted master performs in place of this one, if the state itself is kept by
   * another server; without it, the same call.
   */
  readonly replayAs?: SharedCall;
  /** Takes back what was handed out, if its receiver never got it; null if nothing was. */
  readonly giveBack: (() => void) | null;
}

/** The result of a call that has changed nothing. */
export function read(value: unknown): PerformedCall {
  return { result: "ok", value: JSON.stringify(value), changed: false, giveBack: null };
}

/** The result of a call that has changed something. */
export function changed(json: string): PerformedCall {
  return { result: "ok", value: json, changed: true, giveBack: null };
}

/** The result of a call that cannot be performed. */
export function refused(why: string): PerformedCall {
  return { result: "error", value: why, changed: false, giveBack: null };
}

/** The maximum size of one value, in bytes of JSON. */
export const MAX_VALUE = 64 * 1024;

/** The maximum number of counters, and of queues, in a run. */
export const MAX_NAMES = 100_000;

/** The error if there is no room for another name. @param what in the plural. */
export function tooManyNames(what: string): string {
  return `a run may have at most ${MAX_NAMES} ${what}`;
}

/**
 * Encodes a value as JSON.
 *
 * @param whose what the value is for, for errors.
 * @throws TypeError if it cannot be encoded or is too long.
 */
export function valueText(value: unknown, whose: string): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    throw new TypeError(`${whose}: the value cannot be encoded as JSON`, { cause: error });
  }
  if (json === undefined) throw new TypeError(`${whose}: a ${typeof value} is not valid JSON`);
  const bytes = Buffer.byteLength(json);
  if (bytes <= MAX_VALUE) return json;
  throw new TypeError(
    `${whose}: the value has ${bytes} bytes as JSON; at most ${MAX_VALUE} are allowed`,
  );
}

/** Encodes values that are pushed to a queue; returns an error message if that is not possible. */
export function queueTexts(name: string, values: readonly unknown[]): string[] | string {
  let texts: string[];
  try {
    texts = values.map((value) => JSON.stringify(value));
  } catch {
    // The values were parsed from JSON, so the only possible failure is a stack overflow.
    return `queue ${name}: a value is nested too deeply`;
  }
  return texts.some((text) => Buffer.byteLength(text) > MAX_VALUE)
    ? `queue ${name}: a value has more than ${MAX_VALUE} bytes as JSON`
    : texts;
}
