/**
 * Requests that a user sends in parallel.
 *
 * @module
 */

import { shown } from "../core/text.ts";
import type { Check } from "../http/http_response.ts";
import { checkOptions, type RequestOptions } from "../http/request_options.ts";

/** One request of a batch: a URL to get, a list of what `session.request` takes, or an object. */
export type BatchItem = string | BatchTuple | BatchRequest;

/** A request of a batch as a list. */
export type BatchTuple = readonly [
  method: string,
  url: string,
  options?: RequestOptions,
  check?: Check,
];

/** A request of a batch as an object, with all options of a request. */
export interface BatchRequest extends RequestOptions {
  /** In upper or lower case. Default: `GET`. */
  readonly method?: string;
  /** Absolute, or relative to the user's host. */
  readonly url: string;
  /** Checks the response before the request is counted. */
  readonly check?: Check;
}

/** Options of a batch. */
export interface BatchOptions {
  /** The most requests that are in progress at once for each origin (scheme, host and port). Default: 6, as in browsers. */
  readonly perOrigin?: number;
}

/** The most requests of a batch, or for the resources of a page, that are in progress for an origin. */
export const PER_ORIGIN = 6;

/** A request of a batch as `session.request` takes it. */
export interface BatchCall {
  readonly method: string;
  readonly url: string;
  readonly options: RequestOptions | undefined;
  readonly check: Check | undefined;
}

/**
 * The requests of a batch.
 *
 * @throws TypeError that names the item, if one is not a request.
 */
export function batchCalls(items: unknown): BatchCall[] {
  if (!Array.isArray(items)) throw new TypeError(`batch: ${shown(items)}, expected a list`);
  return items.map((item, index) => {
    try {
      return batchCall(item);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new TypeError(`batch: item ${index}: ${error.message}`, { cause: error });
    }
  });
}

function batchCall(item: unknown): BatchCall {
  if (typeof item === "string" || item instanceof URL) {
    return { method: "GET", url: item as string, options: undefined, check: undefined };
  }
  if (typeof item !== "object" || item === null) throw notARequest(shown(item));
  if (Array.isArray(item)) {
    const [method, url, options = {}, check, ...more] = item;
    // What the list contains may be secret.
    if (more.length > 0) throw notARequest(`a list of ${item.length}`);
    return checkedCall({ method, url, options, check });
  }
  const { method = "GET", url, check, ...options } = item as BatchRequest;
  return checkedCall({ method, url, options, check });
}

function checkedCall(call: BatchCall & { readonly options: RequestOptions }): BatchCall {
  const { method, url, options, check } = call;
  if (typeof method !== "string") {
    throw new TypeError(`method: ${shown(method)}, expected a string`);
  }
  if (typeof url !== "string" && !((url as unknown) instanceof URL)) {
    throw new TypeError(`url: ${shown(url)}, expected a string`);
  }
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`options: ${shown(options)}, expected an object`);
  }
  checkOptions(options);
  if (check !== undefined && typeof check !== "function") {
    throw new TypeError(`check: ${shown(check)}, expected a function`);
  }
  return call;
}

function notARequest(text: string): TypeError {
  return new TypeError(
    `${text}, expected a URL, [method, url, options, check] or { method, url, … }`,
  );
}

/**
 * How many requests of a batch may be in progress for an origin.
 *
 * @throws TypeError or RangeError if the options are invalid.
 */
export function perOriginOf(options: BatchOptions): number {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`batch: ${shown(options)}, expected options as an object`);
  }
  for (const name in options) {
    if (name !== "perOrigin") {
      throw new TypeError(`batch: the option ${JSON.stringify(name)} is unknown; it has perOrigin`);
    }
  }
  const { perOrigin = PER_ORIGIN } = options;
  if (Number.isSafeInteger(perOrigin) && perOrigin > 0) return perOrigin;
  throw new RangeError(`perOrigin: ${shown(perOrigin)}, expected a whole number of 1 or more`);
}

/**
 * Starts something for each item, for at most `perOrigin` items of an origin at once. The first ones of each
 * origin start immediately, in order. Resolves with the results in the order of the items.
 *
 * @param asResult makes a result of an error. If it throws, this rejects, and starts no more.
 */
export function forEachByOrigin<Item, Result>(
  items: readonly Item[],
  originOf: (item: Item) => string,
  perOrigin: number,
  start: (item: Item) => Promise<Result>,
  asResult: (error: unknown) => Result,
): Promise<Result[]> {
  return new Promise((resolve, reject) => {
    const results = new Array<Result>(items.length);
    let left = items.length;
    let isStopped = false;
    const stop = (error: unknown): void => {
      isStopped = true;
      reject(error);
    };
    const ended = (index: number, result: Result, waiting: Iterator<number> | null): void => {
      results[index] = result;
      if (--left === 0) resolve(results);
      else if (waiting !== null) startNext(waiting);
    };
    // An async function for each item would take longer than most of what it does.
    const startOne = (index: number, waiting: Iterator<number> | null): void => {
      start(items[index]!).then((result) => ended(index, result, waiting), (error) => {
        let result: Result;
        try {
          result = asResult(error);
        } catch (thrown) {
          return stop(thrown);
        }
        ended(index, result, waiting);
      });
    };
    const startNext = (waiting: Iterator<number>): void => {
      if (isStopped) return;
      const next = waiting.next();
      if (next.done) return;
      try {
        startOne(next.value, waiting);
      } catch (error) {
        stop(error);
      }
    };
    if (left === 0) return resolve(results);
    if (left <= perOrigin) {
      for (let index = 0; index < items.length; index++) startOne(index, null);
      return;
    }
    const indices = Map.groupBy(items.keys(), (index) => originOf(items[index]!));
    for (const ofOrigin of indices.values()) {
      const waiting = ofOrigin.values();
      for (let i = 0; i < perOrigin; i++) startNext(waiting);
    }
  });
}
