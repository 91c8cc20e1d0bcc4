/**
 * Answers, all of them with the headers that keep a browser from doing anything else with them.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";

/** A status that says no, and why. */
export interface Refusal {
  readonly status: number;
  /** A sentence. */
  readonly error: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is answered beside a body. */
export interface ReplyOptions {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const HEADERS = {
  "Content-Security-Policy":
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/** An answer of any type. @param type the body's media type. */
export function reply(
  type: string,
  body: BodyInit | null,
  { status = 200, headers = {} }: ReplyOptions = {},
): Response {
  return new Response(body, { status, headers: { ...HEADERS, "Content-Type": type, ...headers } });
}

/** An answer in JSON. */
export function jsonReply(value: unknown, options: ReplyOptions = {}): Response {
  return reply("application/json; charset=utf-8", `${JSON.stringify(value)}\n`, options);
}

/** An answer that says no. */
export function refusalReply({ status, error, headers = {} }: Refusal): Response {
  return jsonReply({ error }, { status, headers });
}

/** Bytes that a body may have. */
const MOST_BYTES = 4096;

/** How long it may take to come, in milliseconds. */
const DEADLINE_MS = 10_000;

/** The object that a request brings as JSON, or what is wrong with it. */
export type JsonBody =
  | { readonly value: Readonly<Record<string, unknown>> }
  | { readonly refusal: Refusal };

/** Reads a request's body, and never more of it than it may have. */
export async function readJsonBody(request: Request, clock: Clock): Promise<JsonBody> {
  const type = (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (type !== "application/json") {
    return { refusal: { status: 415, error: "The body has to be application/json." } };
  }
  const bytes = await readBytes(request.body, clock);
  if (bytes === "too long") {
    return { refusal: { status: 413, error: `The body is longer than ${MOST_BYTES} bytes.` } };
  }
  const value = bytes === "cut off" ? undefined : parse(bytes);
  if (!isObject(value)) {
    return { refusal: { status: 400, error: "The body is no JSON object." } };
  }
  return { value };
}

async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  clock: Clock,
): Promise<Uint8Array | "too long" | "cut off"> {
  if (body === null) return new Uint8Array(0);
  const reader = body.getReader();
  const timer = clock.setTimer(() => void reader.cancel().catch(() => {}), DEADLINE_MS);
  const bytes = new Uint8Array(MOST_BYTES);
  let length = 0;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return bytes.subarray(0, length);
      if (length + value.length > MOST_BYTES) {
        await reader.cancel();
        return "too long";
      }
      bytes.set(value, length);
      length += value.length;
    }
  } catch {
    return "cut off";
  } finally {
    clock.clearTimer(timer);
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
