/**
 * Bodies of requests: from what a test gives to what goes over the wire.
 *
 * @module
 */

import { encodeFields, type Fields } from "./fields.ts";
import type { WireBody } from "./transport.ts";

/** What `body` takes; a stream can be sent once only, so no redirect can repeat it. */
export type BodyContent =
  | string
  | ArrayBuffer
  | ArrayBufferView<ArrayBuffer>
  | FormData
  | URLSearchParams
  | ReadableStream<Uint8Array>;

/** A request's body; at most one of them. */
export interface BodyOptions {
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as an HTML form sends its fields. */
  readonly form?: Fields;
  /** Sent as it is. */
  readonly body?: BodyContent;
}

/** A body for the wire. */
export interface EncodedBody {
  readonly content: WireBody;
  /** What it says about itself where the test does not; null where nothing need be said. */
  readonly contentType: string | null;
}

const NOTHING: EncodedBody = { content: null, contentType: null };

const FORM_TYPE = "application/x-www-form-urlencoded";

const encoder = new TextEncoder();

/**
 * Encodes whichever body is given; a promise only for FormData.
 *
 * ```ts
 * import { encodeBody } from "./body.ts";
 * import assert from "node:assert/strict";
 *
 * const { content, contentType } = await encodeBody({ json: { id: 1 } });
 * assert.deepEqual(content, new TextEncoder().encode('{"id":1}'));
 * assert.equal(contentType, "application/json");
 * ```
 *
 * @throws TypeError where more than one is given, or `json` cannot be written as JSON.
 */
export function encodeBody(options: BodyOptions): EncodedBody | Promise<EncodedBody> {
  const { json, form, body } = options;
  const given = Number(json !== undefined) + Number(form !== undefined) +
    Number(body !== undefined);
  if (given === 0) return NOTHING;
  if (given > 1) {
    const names = (["json", "form", "body"] as const).filter((name) => options[name] !== undefined);
    throw new TypeError(`a request takes one body, but ${names.join(" and ")} are given`);
  }
  if (form !== undefined) return encodeText(encodeFields(form), FORM_TYPE);
  if (body !== undefined) return encodeContent(body);
  const text: string | undefined = JSON.stringify(json);
  if (text === undefined) throw new TypeError(`json: a ${typeof json} cannot be written as JSON`);
  return encodeText(text, "application/json");
}

function encodeContent(body: BodyContent): EncodedBody | Promise<EncodedBody> {
  if (typeof body === "string") return encodeText(body, "text/plain;charset=UTF-8");
  if (body instanceof ReadableStream) return { content: body, contentType: null };
  if (body instanceof URLSearchParams) return encodeText(body.toString(), FORM_TYPE);
  if (body instanceof FormData) return encodeMultipart(body);
  if (body instanceof ArrayBuffer) return { content: new Uint8Array(body), contentType: null };
  if (ArrayBuffer.isView(body)) {
    const content = new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
    return { content, contentType: null };
  }
  throw new TypeError("body: a string, bytes, FormData, URLSearchParams or a stream is needed");
}

function encodeText(text: string, contentType: string): EncodedBody {
  return { content: encoder.encode(text), contentType };
}

async function encodeMultipart(data: FormData): Promise<EncodedBody> {
  // The runtime's own encoder; it chooses the boundary, and says it in the content type.
  const encoded = new Response(data);
  const contentType = encoded.headers.get("content-type");
  return { content: await encoded.bytes(), contentType };
}
