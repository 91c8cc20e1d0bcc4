/**
 * Classifies errors of sockets. Those that are about TLS are told apart by src/net/tls_errors.ts.
 *
 * @module
 */

import { messageText } from "../core/errors.ts";
import { localFailureOf } from "../core/local_failures.ts";
import { isResetError } from "../net/socket.ts";
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
  const code = codeOf(error, phase);
  const message = code === "ABORTED"
    ? "the connection was closed on this side"
    : messageText(error);
  return new WireError(code, message, error);
}

/** The system's error codes, which the runtime uses on every platform. */
const SYSTEM_CODES: ReadonlyMap<string, RequestErrorCode> = new Map<string, RequestErrorCode>([
  ["ECONNREFUSED", "ECONNREFUSED"],
  ["ETIMEDOUT", "CONNECT_TIMEOUT"],
  // All ports of a local address are in use.
  ["EADDRINUSE", "EADDRNOTAVAIL"],
  // The system limits how many sockets epoll can watch.
  ["ENOSPC", "ENOBUFS"],
]);

/** The runtime's error classes, for errors without a system code. */
const CLASSES: ReadonlyMap<string, RequestErrorCode> = new Map<string, RequestErrorCode>([
  ["ConnectionRefused", "ECONNREFUSED"],
  ["AddrInUse", "EADDRNOTAVAIL"],
  ["TimedOut", "CONNECT_TIMEOUT"],
  // Only aiotest itself closes a connection during reads and writes.
  ["BadResource", "ABORTED"],
  ["Interrupted", "ABORTED"],
]);

function codeOf(error: unknown, phase: SocketPhase): RequestErrorCode {
  const code = localFailureOf(error) ?? knownCodeOf(error);
  // The system's timeout is about connecting only while a connection is opened; later, it means that
  // the connection was lost.
  if (code === "CONNECT_TIMEOUT" && phase === "exchange") return "ECONNRESET";
  return code ?? FALLBACKS[phase];
}

function knownCodeOf(error: unknown): RequestErrorCode | undefined {
  if (!(error instanceof Error)) return undefined;
  if (isResetError(error)) return "ECONNRESET";
  const system = "code" in error ? SYSTEM_CODES.get(String(error.code)) : undefined;
  return system ?? CLASSES.get(error.name);
}

/** Unreachable networks and hosts have no code of their own; no connection was accepted. */
const FALLBACKS: Readonly<Record<SocketPhase, RequestErrorCode>> = {
  connect: "ECONNREFUSED",
  tls: "TLS",
  exchange: "ECONNRESET",
};
