/**
 * What a request takes beside its method and URL.
 *
 * @module
 */

import type { HeaderPairs, WireBody } from "./transport.ts";
import { basicAuthorization } from "./url_resolver.ts";

/** Options of one request. */
export interface RequestOptions extends BodyOptions {
  /** What it is reported under; default: the URL's path without its query. */
  readonly name?: string;
  /** Added to the URL's query. */
  readonly params?: Fields;
  /** Sent in their order, before what the options imply. */
  readonly headers?: HeadersInit;
  /** Seconds for all of it, redirects included; default: the user class's `timeout`. */
  readonly timeout?: number;
  /** `"manual"` gives the redirect itself as the response; default `"follow"`. */
  readonly redirect?: "follow" | "manual";
  /** Logs in with HTTP's Basic scheme. */
  readonly auth?: readonly [user: string, password: string];
}

/** A request's body; at most one of them. */
export interface BodyOptions {
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as an HTML form sends its fields. */
  readonly form?: Fields;
  /** Sent as it is. */
  readonly body?: BodyContent;
}

/** What `body` takes; a stream can be sent once only, so no redirect can repeat it. */
export type BodyContent =
  | string
  | ArrayBuffer
  | ArrayBufferView<ArrayBuffer>
  | FormData
  | URLSearchParams
  | ReadableStream<Uint8Array>;

/** Names with their values; an array repeats its name, and what is undefined is left out. */
export type Fields =
  | URLSearchParams
  | Readonly<Record<string, FieldValue | readonly FieldValue[] | undefined>>;

/** One value of a query or a form. */
export type FieldValue = string | number | boolean;

const NO_HEADERS: HeaderPairs = [];

/**
 * The headers of a request in their order: those of the test first, then what the options and the body
 * imply, where the test did not say it itself.
 *
 * @param contentType what the body says about itself, or null.
 * @param authorization what the URL said about who is asking, or null; `auth` goes before it.
 */
export function requestHeaders(
  options: RequestOptions,
  contentType: string | null,
  authorization: string | null,
): HeaderPairs {
  const { headers, auth } = options;
  const credentials = auth === undefined ? authorization : basicAuthorization(...auth);
  if (headers === undefined && contentType === null && credentials === null) return NO_HEADERS;
  const pairs = headers === undefined ? [] : toPairs(headers);
  if (contentType !== null && !hasHeader(pairs, "content-type")) {
    pairs.push(["content-type", contentType]);
  }
  if (credentials !== null && !hasHeader(pairs, "authorization")) {
    pairs.push(["authorization", credentials]);
  }
  return pairs;
}

/** Whether headers have one of this name, given in lower case. */
export function hasHeader(headers: HeaderPairs, lowerName: string): boolean {
  return headers.some(([name]) =>
    name.length === lowerName.length && name.toLowerCase() === lowerName
  );
}

function toPairs(headers: HeadersInit): (readonly [string, string])[] {
  const pairs = Symbol.iterator in headers ? [...headers] : Object.entries(headers);
  return pairs.map(([name = "", value = ""]) => [name, value]);
}

/**
 * A URL with fields behind whatever query it has; what stands behind a `#` is dropped.
 */
export function withQuery(url: string, fields: Fields): string {
  const query = encodeFields(fields);
  const hash = url.indexOf("#");
  const base = hash < 0 ? url : url.slice(0, hash);
  if (query === "") return base;
  const asked = base.indexOf("?");
  if (asked < 0) return `${base}?${query}`;
  return base.endsWith("?") || base.endsWith("&") ? base + query : `${base}&${query}`;
}

/**
 * Fields in the encoding of forms and queries.
 */
export function encodeFields(fields: Fields): string {
  if (fields instanceof URLSearchParams) return fields.toString();
  const encoded = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    const values = Array.isArray(value) ? value : [value];
    for (const one of values) if (one !== undefined) encoded.append(name, String(one));
  }
  return encoded.toString();
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
