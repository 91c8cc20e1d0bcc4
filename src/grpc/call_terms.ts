/**
 * The headers of calls.
 *
 * @module
 */

import { gunzipSync, gzipSync } from "node:zlib";
import { messageText } from "../core/errors.ts";
import { WireError } from "../http/request_error.ts";
import { USER_AGENT } from "../http/request_encoder.ts";
import type { HeaderPairs } from "../http/transport.ts";
import { framedMessage } from "./message_frames.ts";
import { timeoutText } from "./status.ts";

/** How messages can be compressed. */
export type GrpcCompression = "none" | "gzip";

/** What the headers of a call say. */
export interface CallTerms {
  /** In milliseconds; `Infinity` for none. */
  readonly timeoutMs: number;
  readonly compression: GrpcCompression;
  /** The metadata, as headers. */
  readonly metadata: HeaderPairs;
}

/** The headers of a call. */
export function callHeaders({ timeoutMs, compression, metadata }: CallTerms): HeaderPairs {
  return [
    ["te", "trailers"],
    ["content-type", "application/grpc+proto"],
    ["user-agent", USER_AGENT],
    ["grpc-accept-encoding", "identity,gzip"],
    ...compression === "none" ? [] : [["grpc-encoding", compression] as const],
    ...timeoutMs === Infinity ? [] : [["grpc-timeout", timeoutText(timeoutMs)] as const],
    ...metadata,
  ];
}

/** A message as it is sent. */
export function sentMessage(
  message: Uint8Array,
  compression: GrpcCompression,
): Uint8Array<ArrayBuffer> {
  return compression === "none"
    ? framedMessage(message, false)
    : framedMessage(gzipSync(message), true);
}

/**
 * A received message without its compression.
 *
 * @param encoding the value of `grpc-encoding`; `null` if it is missing.
 * @param maxSize of the message, in bytes.
 * @throws WireError `BAD_RESPONSE` if it cannot be decompressed; `TOO_LARGE`.
 */
export function decompressed(
  message: Uint8Array,
  encoding: string | null,
  maxSize: number,
): Uint8Array {
  if (encoding !== "gzip") {
    throw new WireError(
      "BAD_RESPONSE",
      `a message that is compressed, with grpc-encoding ${encoding ?? "missing"}`,
    );
  }
  try {
    return gunzipSync(message, { maxOutputLength: Math.min(maxSize, MAX_OUTPUT) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw new WireError(
        "TOO_LARGE",
        `a message of over ${maxSize} bytes; maxMessageSize is that`,
      );
    }
    throw new WireError("BAD_RESPONSE", `a message that is no gzip: ${messageText(error)}`);
  }
}

/** The longest output that zlib takes as a limit. */
const MAX_OUTPUT = 2 ** 31 - 1;
