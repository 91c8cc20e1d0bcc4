/**
 * Errors of TLS, in words for users. The texts of the runtime's TLS and the codes of `node:tls` are translated
 * here and nowhere else.
 *
 * @module
 */

import { messageText } from "../core/errors.ts";
import { localFailureOf } from "../core/local_failures.ts";

/**
 * What a failure of TLS is about: dates, name or issuer of the server's certificate, the client's certificate,
 * or anything else.
 */
export type TlsErrorCode =
  | "TLS_EXPIRED"
  | "TLS_HOSTNAME"
  | "TLS_UNTRUSTED"
  | "TLS_CLIENT_CERT"
  | "TLS";

/** TLS has failed. The connection itself may be fine. */
export class TlsError extends Error {
  override readonly name = "TlsError";
  readonly code: TlsErrorCode;

  constructor(code: TlsErrorCode, message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Where a connection was when it failed. */
export interface TlsState {
  /** Whether the handshake had ended for this side. */
  readonly open: boolean;
  /** Whether there is a client certificate. */
  readonly hasCertificate: boolean;
}

/**
 * A failed connection's error: a {@link TlsError} if TLS is the reason, else the error as it is, such as a
 * reset.
 */
export function tlsFailure(error: unknown, state: TlsState): unknown {
  if (error instanceof TlsError || localFailureOf(error) !== null) return error;
  const message = messageText(error);
  const code = codeOf(error, message);
  if (code !== null) return new TlsError(code, certificateText(error, message), error);
  const alert = ALERT.exec(message)?.[1];
  if (alert !== undefined) return alertFailure(alert, message, error, state);
  if (isClosed(error)) {
    return state.open ? error : new TlsError(
      "TLS",
      `the server closed the connection during the TLS handshake (${message})`,
      error,
    );
  }
  if (!state.open && isOfSystem(error)) return error;
  if (/corrupt message|InvalidContentType|InvalidMessage/.test(message) && !state.open) {
    const text = `the server does not speak TLS on this port (${message})`;
    return new TlsError("TLS", text, error);
  }
  // Servers can reject the handshake as late as with their first bytes.
  return !state.open || error instanceof Deno.errors.InvalidData
    ? new TlsError("TLS", message, error)
    : error;
}

/** From the most specific words to the least. */
const WORDS: readonly (readonly [RegExp, TlsErrorCode])[] = [
  [/certificate (expired|not valid yet)|: (Expired|NotValidYet)/, "TLS_EXPIRED"],
  [/not valid for (any )?name|NotValidForName/, "TLS_HOSTNAME"],
  [/invalid peer certificate/, "TLS_UNTRUSTED"],
];

/** The codes of `node:tls`. Those that are not listed and begin so are about trust. */
const NODE_CODES: ReadonlyMap<string, TlsErrorCode> = new Map([
  ["CERT_HAS_EXPIRED", "TLS_EXPIRED"],
  ["CERT_NOT_YET_VALID", "TLS_EXPIRED"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "TLS_HOSTNAME"],
  ["HOSTNAME_MISMATCH", "TLS_HOSTNAME"],
]);

const NODE_TRUST = /^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|INVALID_CA|INVALID_PURPOSE)/;

function codeOf(error: unknown, message: string): TlsErrorCode | null {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = NODE_CODES.get(code);
  if (known !== undefined) return known;
  const words = WORDS.find(([words]) => words.test(message));
  if (words !== undefined) return words[1];
  return NODE_TRUST.test(code) ? "TLS_UNTRUSTED" : null;
}

/** Why the runtime refuses a certificate that was made for an authority, whatever is trusted. */
export const AUTHORITY_AS_SERVER: string =
  "the server uses a certificate for an authority (CA:TRUE) as its own; give it one with " +
  "basicConstraints=CA:FALSE, or accept any certificate with --insecure";

/** `node:tls` does not tell whether a certificate has expired or is signed by an unknown authority. */
function certificateText(error: unknown, message: string): string {
  if (message.includes("CaUsedAsEndEntity")) return AUTHORITY_AS_SERVER;
  const isVague = error instanceof Error && "code" in error &&
    error.code === "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
  return isVague ? `the certificate is not trusted, or has expired (${message})` : message;
}

/** An alert of the server, as the runtime names it. */
const ALERT = /received fatal alert: (\w+)/;

/** What servers send if they get no certificate of the client, or do not accept it. */
export const CLIENT_CERTIFICATE_ALERT =
  /received fatal alert: (Bad|Unsupported)?(Certificate(Required|Revoked|Expired|Unknown)?|UnknownCA)\b/;

/** The same, or something else. */
const AMBIGUOUS = /^(AccessDenied|DecryptError|HandshakeFailure)$/;

function alertFailure(alert: string, message: string, error: unknown, state: TlsState): TlsError {
  if (CLIENT_CERTIFICATE_ALERT.test(message)) {
    const verb = state.hasCertificate ? "refused the" : "requires a";
    const text = `the server ${verb} client certificate (${message})`;
    return new TlsError("TLS_CLIENT_CERT", text, error);
  }
  const isMaybe = AMBIGUOUS.test(alert) && !state.hasCertificate;
  const text = isMaybe
    ? `the server refused the handshake, perhaps because it requires a client certificate (${message})`
    : message;
  return new TlsError("TLS", text, error);
}

function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.UnexpectedEof;
}

/** Whether an error has a code of the system, or a class that stands for one. */
function isOfSystem(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  return /^E[A-Z]+$/.test(code) || SYSTEM_CLASSES.has(error.name);
}

const SYSTEM_CLASSES: ReadonlySet<string> = new Set([
  "ConnectionRefused",
  "ConnectionReset",
  "ConnectionAborted",
  "BrokenPipe",
  "TimedOut",
  "NetworkUnreachable",
  "HostUnreachable",
  "AddrNotAvailable",
]);
