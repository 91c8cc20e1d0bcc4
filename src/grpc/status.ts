/**
 * How calls of gRPC end: status codes, and where a response says them.
 *
 * @module
 */

import type { HeaderPairs } from "../http/transport.ts";

/** The name of a status code of gRPC. */
export type GrpcStatus =
  | "OK"
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

const CODES: Readonly<Record<GrpcStatus, number>> = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
};

const BY_CODE: ReadonlyMap<string, GrpcStatus> = new Map(
  Object.entries(CODES).map(([status, code]) => [String(code), status as GrpcStatus]),
);

/** The code of a status: 0 for `OK`, and so on. */
export function codeOf(status: GrpcStatus): number {
  return CODES[status];
}

/** The error under which reports count calls that end with a status. */
export function errorOf(status: GrpcStatus): string {
  return `GRPC ${status}`;
}

/** How a call has ended. */
export interface CallStatus {
  readonly status: GrpcStatus;
  /** What the server says about it, or what is wrong with its response; mostly empty for `OK`. */
  readonly details: string;
}

/** The part of a response that says how its call has ended. */
export interface EndedResponse {
  /** Of HTTP. */
  readonly httpStatus: number;
  readonly headers: HeaderPairs;
  readonly trailers: HeaderPairs;
}

const OK: CallStatus = { status: "OK", details: "" };

/** How a call has ended, as its response says. */
export function statusOf({ httpStatus, headers, trailers }: EndedResponse): CallStatus {
  // A response without messages may have everything in its headers.
  const code = valueOf(trailers, STATUS) ?? valueOf(headers, STATUS);
  if (code === "0") return OK;
  if (code === null) return withoutStatus(httpStatus, valueOf(headers, "content-type"));
  const status = BY_CODE.get(code);
  const text = valueOf(trailers, MESSAGE) ?? valueOf(headers, MESSAGE) ?? "";
  if (status !== undefined) return { status, details: decoded(text) };
  return { status: "UNKNOWN", details: `the server sent grpc-status ${JSON.stringify(code)}` };
}

const STATUS = "grpc-status";
const MESSAGE = "grpc-message";

/** A response that no gRPC server has sent, or that was cut off. */
function withoutStatus(httpStatus: number, contentType: string | null): CallStatus {
  const type = contentType === null ? "no content type" : `content type ${contentType}`;
  if (httpStatus !== 200) {
    const status = OF_HTTP.get(httpStatus) ?? "UNKNOWN";
    return { status, details: `HTTP ${httpStatus} with ${type}, and no grpc-status` };
  }
  return { status: "UNKNOWN", details: `a response with ${type}, and no grpc-status` };
}

/** What gRPC's clients take a status of HTTP for. */
const OF_HTTP: ReadonlyMap<number, GrpcStatus> = new Map([
  [400, "INTERNAL"],
  [401, "UNAUTHENTICATED"],
  [403, "PERMISSION_DENIED"],
  [404, "UNIMPLEMENTED"],
  [429, "UNAVAILABLE"],
  [502, "UNAVAILABLE"],
  [503, "UNAVAILABLE"],
  [504, "UNAVAILABLE"],
]);

/** Whether a content type is that of gRPC. */
export function isGrpcType(contentType: string | null): boolean {
  return contentType !== null && /^application\/grpc(?:[+;]|$)/i.test(contentType);
}

/** The first value of a header; `null` if it is missing. */
export function valueOf(pairs: HeaderPairs, name: string): string | null {
  for (const pair of pairs) if (pair[0] === name) return pair[1];
  return null;
}

/** A text with percent-encoded bytes of UTF-8. Whatever is malformed stays as it is. */
function decoded(text: string): string {
  if (!text.includes("%")) return utf8(Uint8Array.from(text, byteOf));
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const hex = text.slice(at + 1, at + 3);
    if (text[at] === "%" && /^[\da-f]{2}$/i.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    } else bytes.push(byteOf(text[at]!));
  }
  return utf8(Uint8Array.from(bytes));
}

/** Each character of a header is one byte. */
function byteOf(character: string): number {
  return character.charCodeAt(0);
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** The value of the header `grpc-timeout` for a time limit in milliseconds: at most eight digits. */
export function timeoutText(limitMs: number): string {
  for (const [unit, ms] of UNITS) {
    const amount = Math.ceil(limitMs / ms);
    // Whole milliseconds are enough, except for limits below one.
    if (amount <= MAX_AMOUNT && (unit !== "u" || limitMs < 1)) return `${amount}${unit}`;
  }
  return `${MAX_AMOUNT}H`;
}

const MAX_AMOUNT = 99_999_999;

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ["u", 0.001],
  ["m", 1],
  ["S", 1_000],
  ["M", 60_000],
  ["H", 3_600_000],
];
