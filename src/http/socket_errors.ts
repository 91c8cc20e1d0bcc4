/**
 * Which family an error of a socket belongs to, whichever of the runtime's two kinds of sockets it
 * comes from.
 *
 * @module
 */

import { type RequestErrorCode, WireError } from "./request_error.ts";

/** How far a connection had come. */
export type SocketPhase = "connect" | "tls" | "exchange";

/**
 * Understands what opening, reading or writing a connection was rejected with. A WireError is
 * returned as it is.
 *
 * @param error what was thrown.
 * @param phase what was under way; it decides where the error itself does not say enough.
 */
export function socketFailure(error: unknown, phase: SocketPhase): WireError {
  if (error instanceof WireError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error, message, phase);
  return new WireError(code, explain(code, error, message, phase), error);
}

/** The system's names, which the runtime gives its errors on every platform. */
const SYSTEM_CODES: ReadonlyMap<string, RequestErrorCode> = new Map<string, RequestErrorCode>([
  ["ECONNREFUSED", "ECONNREFUSED"],
  ["ECONNRESET", "ECONNRESET"],
  ["ECONNABORTED", "ECONNRESET"],
  ["EPIPE", "ECONNRESET"],
  ["EADDRNOTAVAIL", "EADDRNOTAVAIL"],
  ["EMFILE", "EMFILE"],
  ["ENFILE", "EMFILE"],
  ["ETIMEDOUT", "CONNECT_TIMEOUT"],
]);

/** The runtime's classes of errors, for those that do not come from the system. */
const CLASSES: ReadonlyMap<string, RequestErrorCode> = new Map<string, RequestErrorCode>([
  ["ConnectionRefused", "ECONNREFUSED"],
  ["ConnectionReset", "ECONNRESET"],
  ["ConnectionAborted", "ECONNRESET"],
  ["BrokenPipe", "ECONNRESET"],
  ["AddrNotAvailable", "EADDRNOTAVAIL"],
  ["TimedOut", "CONNECT_TIMEOUT"],
  // Nobody but us closes a connection under its own reads and writes.
  ["BadResource", "ABORTED"],
  ["Interrupted", "ABORTED"],
]);

/** What TLS says, from the most telling words to the least. */
const TLS_WORDS: readonly (readonly [RegExp, RequestErrorCode])[] = [
  [/certificate (expired|not valid yet)|: (Expired|NotValidYet)/, "TLS_EXPIRED"],
  [/not valid for (any )?name|NotValidForName/, "TLS_HOSTNAME"],
  [/invalid peer certificate/, "TLS_UNTRUSTED"],
];

function codeOf(error: unknown, message: string, phase: SocketPhase): RequestErrorCode {
  const code = familyOf(error);
  // Only a connection that is being opened can take too long for the system; later on it is lost.
  if (code === "CONNECT_TIMEOUT" && phase === "exchange") return "ECONNRESET";
  if (code !== undefined) return code;
  const words = TLS_WORDS.find(([words]) => words.test(message));
  if (words !== undefined) return words[1];
  // Servers may refuse a client's certificate as late as with their first bytes.
  if (error instanceof Deno.errors.InvalidData) return "TLS";
  return FALLBACKS[phase];
}

function familyOf(error: unknown): RequestErrorCode | undefined {
  if (!(error instanceof Error)) return undefined;
  const system = "code" in error ? SYSTEM_CODES.get(String(error.code)) : undefined;
  return system ?? CLASSES.get(error.name);
}

/** There is no family for a network or a host that cannot be reached; nothing was let in there. */
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
    return `the server does not speak TLS there (${message})`;
  }
  if (error instanceof Deno.errors.UnexpectedEof) {
    return `the server closed the connection during the TLS handshake (${message})`;
  }
  return message;
}
