/**
 * What the engines do in the same way when an exchange has ended.
 *
 * @module
 */

import { RequestError, WireError } from "./request_error.ts";
import { ExchangePhases, type WireRequest } from "./transport.ts";

/** Methods that can be repeated without knowing whether the server has processed the request. */
export const IDEMPOTENT: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "PUT",
  "DELETE",
  "TRACE",
]);

/** When an exchange was sent and its response began, in milliseconds on the clock. */
interface ExchangeTimes {
  readonly sentAt: number;
  /** 0 if the response began and ended with the same read. */
  readonly firstByteAt: number;
}

/** Adds the times of a response, or of its part that arrived. The plain case needs none. */
export function addPhases(
  { sentAt, firstByteAt }: ExchangeTimes,
  { counter }: WireRequest,
  now: number,
): void {
  if (firstByteAt > 0) {
    counter.phases ??= new ExchangePhases();
    counter.phases.addResponse(firstByteAt - sentAt, now - firstByteAt);
  } else {
    counter.phases?.addResponse(now - sentAt, 0);
  }
}

/** The error with which a request fails. Errors that are not about the exchange are thrown. */
export function asRequestError(error: unknown, request: WireRequest): RequestError {
  const { method, url, counter: { retries } } = request;
  if (!(error instanceof WireError)) throw error;
  return new RequestError(error.code, method, url.href, error.message, error.cause, retries);
}
