/**
 * Classifies errors of sockets, both of Deno's own and of `node:tls`.
 *
 * @module
 */

import { messageText } from "../core/errors.ts";
import { localFailureOf } from "../core/local_failures.ts";
import { TlsError } from "../net/tls_errors.ts";
import { type RequestErrorCode, WireError } from "./request_error.ts";

/** The state of a connection when an error occurred. */
export type SocketPhase = "connect" | "tls" | "exchange";

/**
 * Classifies an error of opening, reading or writing a connection. A WireError is returned unchanged.
 *
 * @param error the thrown value.
 * @param phase decides if the error itself is not specific.
 */
export function socketFailure(error: unknown, phase: SocketPhase): WireError {
  if (error instanceof WireError) return error;
  if (error instanceof TlsError) return new WireError(error.code, error.message, error);
  const message = messageText(error);
  const code = codeOf(error, message, phase);
  return new WireError(code, explain(code, error, message, phase), error);
}

/** The system's error codes, which the runtime uses on every platform. */
const SYSTEM_CODES: ReadonlyMap<string, RequestErrorCode> = new Map<string, RequestErrorCode>([
  ["ECONNREFUSED", "ECONNREFUSED"],
  ["ECONNRESET", "ECONNRESET"],
  ["ECONNABORTED", "ECONNRESET"],
  ["EPIPE", "ECONNRESET"],
  ["ETIMEDOUT", "CONNECT_TIMEOUT"],
]);

/** The runtime's error classes, for errors without a system code. */
const CLASSES: ReadonlyMap<string, RequestErrorCode> = new Map<string, RequestErrorCode>([
  ["ConnectionRefused", "ECONNREFUSED"],
  ["ConnectionReset", "ECONNRESET"],
  ["ConnectionAborted", "ECONNRESET"],
  ["BrokenPipe", "ECONNRESET"],
  ["TimedOut", "CONNECT_TIMEOUT"],
  // Only aiotest itself closes a connection during reads and writes.
  ["BadResource", "ABORTED"],
  ["Interrupted", "ABORTED"],
]);

/** Messages of TLS, from the most specific words to the least. */
const TLS_WORDS: readonly (readonly [RegExp, RequestErrorCode])[] = [
  [/certificate (expired|not valid yet)|: (Expired|NotValidYet)/, "TLS_EXPIRED"],
  [/not valid for (any )?name|NotValidForName/, "TLS_HOSTNAME"],
  [/invalid peer certificate/, "TLS_UNTRUSTED"],
];

function codeOf(error: unknown, message: string, phase: SocketPhase): RequestErrorCode {
  const code = localFailureOf(error) ?? knownCodeOf(error);
  // The system's timeout is about connecting only while a connection is opened; later, it means that
  // the connection was lost.
  if (code === "CONNECT_TIMEOUT" && phase === "exchange") return "ECONNRESET";
  if (code !== undefined) return code;
  const words = TLS_WORDS.find(([words]) => words.test(message));
  if (words !== undefined) return words[1];
  // Servers can reject the handshake as late as with their first bytes.
  if (error instanceof Deno.errors.InvalidData) return "TLS";
  return FALLBACKS[phase];
}

/** Whether the other side has reset the connection, as opposed to a mere end of its stream. */
export function isReset(failure: WireError): boolean {
  return knownCodeOf(failure.cause) === "ECONNRESET";
}

function knownCodeOf(error: unknown): RequestErrorCode | undefined {
  if (!(error instanceof Error)) return undefined;
  const system = "code" in error ? SYSTEM_CODES.get(String(error.code)) : undefined;
  return system ?? CLASSES.get(error.name);
}

/** Unreachable networks and hosts have no code of their own; no connection was accepted. */
const FALLBACKS: Readonly<Record<SocketPhase, RequestErrorCode>> = {
  connect: "ECONNREFUSED",
  tls: "TLS",
  exchange: "ECONNRESET",
};

function explain(
  code: RequestErrorCode,
  error: unknown,
  message: string,
  phase: SocketPhase,
): string {
  if (code === "ABORTED") return "the connection was closed on this side";
  if (code !== "TLS" || phase !== "tls") return message;
  if (/corrupt message/.test(message)) {
    return `the server does not speak TLS on this port (${message})`;
  }
  if (error instanceof Deno.errors.UnexpectedEof) {
    return `the server closed the connection during the TLS handshake (${message})`;
  }
  return message;
}
