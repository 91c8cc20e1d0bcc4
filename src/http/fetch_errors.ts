/**
 * Which family an error of native `fetch` belongs to. `fetch` has one class of error for everything,
 * so the text is all there is to go by.
 *
 * @module
 */

import type { RequestErrorCode } from "./request_error.ts";

/** An error of `fetch`, understood. */
export interface FetchFailure {
  readonly code: RequestErrorCode;
  /** What happened, in the runtime's words. */
  readonly detail: string;
}

/**
 * Understands what `fetch`, or reading its response's body, was rejected with.
 *
 * @param error what was thrown.
 * @param inBody whether the head of the response was in already.
 */
export function fetchFailure(error: unknown, inBody: boolean): FetchFailure {
  const message = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
  if (inBody) return { code: bodyCode(message), detail: message };
  // Without a cause, fetch refused the request itself, before it opened a connection.
  if (cause === "") return { code: "BAD_REQUEST", detail: message };
  return { code: connectionCode(cause), detail: cause.replace(PREAMBLE, "") };
}

/** Addresses and the URL, which the RequestError says itself, before what happened. */
const PREAMBLE = /^error sending request .*?client error \(\w+\): /s;

function bodyCode(message: string): RequestErrorCode {
  // The rest of the messages come from the decoders of gzip and brotli, each with its own words.
  return /error reading a body/.test(message) ? "INCOMPLETE_BODY" : "BAD_ENCODING";
}

/** The system's error numbers: those of Linux, macOS and Windows, which do not overlap here. */
const SYSTEM_CODES: ReadonlyMap<number, RequestErrorCode> = new Map<number, RequestErrorCode>([
  ...family("ECONNREFUSED", 111, 61, 10061),
  ...family("ECONNRESET", 104, 54, 10054, 103, 53, 10053, 32),
  ...family("EADDRNOTAVAIL", 99, 49, 10049),
  ...family("EMFILE", 24, 23, 10024),
  ...family("CONNECT_TIMEOUT", 110, 60, 10060),
]);

function family(code: RequestErrorCode, ...numbers: number[]): [number, RequestErrorCode][] {
  return numbers.map((number) => [number, code]);
}

/** From the most telling words to the least. */
const WORDS: readonly (readonly [RegExp, RequestErrorCode])[] = [
  [/dns error/, "ENOTFOUND"],
  [/certificate (expired|not valid yet)|Expired|NotValidYet/, "TLS_EXPIRED"],
  [/not valid for (any )?name|NotValidForName/, "TLS_HOSTNAME"],
  [/invalid peer certificate/, "TLS_UNTRUSTED"],
  // There is no family for a network or a host that cannot be reached; nothing was let in there.
  [/\(Connect\): tcp/, "ECONNREFUSED"],
  [/\(Connect\)/, "TLS"],
  [/parsed|too large|http2 error/, "BAD_RESPONSE"],
];

function connectionCode(cause: string): RequestErrorCode {
  const number = /\(os error (\d+)\)/.exec(cause)?.[1];
  const code = number === undefined ? undefined : SYSTEM_CODES.get(Number(number));
  return code ?? WORDS.find(([words]) => words.test(cause))?.[1] ?? "ECONNRESET";
}
