/**
 * Responses with the dashboard's security headers, and request bodies in JSON.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";

/** A response that reports an error. */
export interface ErrorReply {
  readonly status: number;
  /** A sentence. */
  readonly error: string;
  /** The field of the request that is wrong; null if it is none of them. */
  readonly field?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Status and additional headers of a response. */
export interface ReplyOptions {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const SECURITY_HEADERS = {
  "Content-Security-Policy":
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/** A response of any media type. */
export function reply(
  mediaType: string,
  body: BodyInit | null,
  { status = 200, headers = {} }: ReplyOptions = {},
): Response {
  return new Response(body, {
    status,
    headers: { ...SECURITY_HEADERS, "Content-Type": mediaType, ...headers },
  });
}

/** A body in parts, none of which need fit into one string together. */
export function bodyOf(parts: readonly Uint8Array<ArrayBuffer>[]): BodyInit {
  return parts.length === 1 ? parts[0]! : ReadableStream.from(parts);
}

/** A response in JSON. */
export function jsonReply(value: unknown, options: ReplyOptions = {}): Response {
  return reply("application/json; charset=utf-8", `${JSON.stringify(value)}\n`, options);
}

/** A response that reports an error, as `{"error": …}`, and if that is known, the `field` that is wrong. */
export function errorReply({ status, error, field, headers = {} }: ErrorReply): Response {
  return jsonReply({ error, field }, { status, headers });
}

/**
 * The same for a person who has opened an address in a browser.
 *
 * @param home the address of the dashboard's page.
 */
export function errorPage(
  { status, error, headers = {} }: ErrorReply,
  home: string,
): Response {
  const page = `<!DOCTYPE html>
<html lang="en">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>aiotest: error ${status}</title>
<h1>aiotest</h1>
<p>${escaped(error)}</p>
<p><a href="${escaped(home)}">Open the dashboard at ${escaped(home)}</a></p>
</html>
`;
  return reply("text/html; charset=utf-8", page, { status, headers });
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const MAX_BODY_BYTES = 4096;

/** A client that takes longer to send its body is cut off. */
const BODY_TIMEOUT_MS = 10_000;

/** The JSON object in a request's body, or the error to answer with. */
export type JsonBody =
  | { readonly value: Readonly<Record<string, unknown>> }
  | { readonly problem: ErrorReply };

/** Reads a request's body, and stops reading as soon as it is too long. */
export async function readJsonBody(request: Request, clock: Clock): Promise<JsonBody> {
  const type = (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (type !== "application/json") {
    return { problem: { status: 415, error: "The Content-Type must be application/json." } };
  }
  const bytes = await readBytes(request.body, clock);
  if (bytes === "too long") {
    return { problem: { status: 413, error: `The body exceeds ${MAX_BODY_BYTES} bytes.` } };
  }
  const value = bytes === "incomplete" ? undefined : parse(bytes);
  if (!isObject(value)) {
    return { problem: { status: 400, error: "The body is not a JSON object." } };
  }
  return { value };
}

async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  clock: Clock,
): Promise<Uint8Array | "too long" | "incomplete"> {
  if (body === null) return new Uint8Array(0);
  const reader = body.getReader();
  const timer = clock.setTimer(() => void reader.cancel().catch(() => {}), BODY_TIMEOUT_MS);
  const bytes = new Uint8Array(MAX_BODY_BYTES);
  let length = 0;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return bytes.subarray(0, length);
      if (length + value.length > MAX_BODY_BYTES) {
        await reader.cancel();
        return "too long";
      }
      bytes.set(value, length);
      length += value.length;
    }
  } catch {
    return "incomplete";
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
