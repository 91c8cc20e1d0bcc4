/**
 * The options of a request, and their encoding as headers, query and body.
 *
 * @module
 */

import { errorText } from "../core/errors.ts";
import { nearestWord } from "../core/spelling.ts";
import type { Tags } from "../core/tags.ts";
import { asText, shown } from "../core/text.ts";
import type { DigestCredentials } from "./digest_auth.ts";
import type { HeaderPairs, WireBody } from "./transport.ts";
import { basicAuthorization, urlText } from "./url_resolver.ts";

/** Options of one request. */
export interface RequestOptions extends BodyOptions {
  /** The name in reports. Default, also if it is empty: the path of the URL without its query. */
  readonly name?: string;
  /** Added to the query of the URL. */
  readonly params?: Fields;
  /**
   * Request headers, sent in this order before the headers that other options add. They replace those of the
   * session. Those that are `undefined` are left out, also if the session has them.
   */
  readonly headers?: HeadersInit | Readonly<Record<string, string | undefined>>;
  /** Time limit in seconds for the whole request, including redirects. Default: the user class's `timeout`. */
  readonly timeout?: number;
  /** `"manual"` returns a redirect as the response. Default: `"follow"`. */
  readonly redirect?: "follow" | "manual";
  /** Credentials of the request; `null`: none, even if the session has some. */
  readonly auth?: Auth | null;
  /** Parts of the name that reports also show by themselves, such as `{ cache: "hit" }`. */
  readonly tags?: Tags;
  /**
   * Whether to fetch what the page names, as browsers do: images, scripts, style sheets and the like, in parallel
   * and each counted for itself. The request resolves when all have arrived; if one fails, the page does not.
   */
  readonly resources?: boolean | ResourceOptions;
}

/** Options of a stream. */
export interface StreamOptions extends Omit<RequestOptions, "resources" | "timeout"> {
  /**
   * Time limit in seconds for the whole stream, including redirects. Default: none, but the response must begin within
   * the user class's `timeout`.
   */
  readonly timeout?: number;
}

/** User and password: for HTTP Basic authentication as they are, or for Digest authentication. */
export type Auth =
  | readonly [user: string, password: string]
  | { readonly digest: readonly [user: string, password: string] };

/** Which resources of a page are fetched with it. */
export interface ResourceOptions {
  /**
   * Hosts whose resources are fetched too: names, each with all names below it, or `*` for all hosts. Default:
   * only the host of the request.
   */
  readonly hosts?: readonly string[];
  /** One name in reports for all resources. Default: the path of each. */
  readonly name?: string;
}

/** The body of a request. Set at most one of these. */
export interface BodyOptions {
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as the fields of an HTML form. */
  readonly form?: Fields;
  /** Sent unchanged. */
  readonly body?: BodyContent;
}

/** The content of `body`. A stream can be sent only once, so it cannot follow redirects that repeat it. */
export type BodyContent =
  | string
  | ArrayBuffer
  | ArrayBufferView<ArrayBuffer>
  | Blob
  | FormData
  | URLSearchParams
  | ReadableStream<Uint8Array>;

/** Names and values of a query or a form. An array repeats the name; `undefined` is left out. */
export type Fields =
  | URLSearchParams
  | Iterable<readonly [name: string, value: FieldValue | readonly FieldValue[] | undefined]>
  | Readonly<Record<string, FieldValue | readonly FieldValue[] | undefined>>;

/** One value of a query or a form. */
export type FieldValue = string | number | bigint | boolean;

/** All options of a request. */
const OPTION_NAMES: readonly (keyof RequestOptions)[] = [
  ...["name", "params", "headers", "json", "form", "body", "timeout", "redirect", "auth"] as const,
  "resources",
  "tags",
];

/** What other programs call them. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ["query", "params"],
  ["qs", "params"],
  ["search", "params"],
  ["searchparams", "params"],
  ["data", "form or body"],
  ["payload", "json or body"],
  ["files", "body, with FormData"],
  ["followredirects", "redirect"],
  ["allowredirects", "redirect"],
  ["maxredirects", "redirect, or static maxRedirects of the class"],
  ["redirects", "redirect, or static maxRedirects of the class"],
  ["cookies", "headers, or this.session.cookies"],
  ["jar", "this.session.cookies"],
  ["verify", "--insecure"],
]);

/**
 * Checks the options of a request for what would otherwise have no effect. This is done for each request that
 * has options, and takes about 10 ns for each.
 *
 * @throws TypeError that names the option, and the nearest known one.
 */
export function checkOptions(options: RequestOptions): void {
  for (const name in options) {
    switch (name) {
      case "name":
      case "params":
      case "headers":
      case "timeout":
      case "redirect":
      case "auth":
      case "tags":
      case "json":
      case "form":
      case "body":
      case "resources":
        break;
      default:
        throw unknownOption(name, (options as Record<string, unknown>)[name]);
    }
  }
  const { redirect } = options;
  if (redirect !== undefined && redirect !== "follow" && redirect !== "manual") {
    throw new TypeError(`redirect: ${shown(redirect)}, expected "follow" or "manual"`);
  }
}

/**
 * Which resources of a page are to be fetched; `null`: none.
 *
 * @throws TypeError that names the member, and says what is accepted.
 */
export function resourceOptions(value: RequestOptions["resources"]): ResourceOptions | null {
  if (value === undefined || value === false) return null;
  if (value === true) return {};
  if (typeof value !== "object" || value === null) {
    throw new TypeError(`resources: ${shown(value)}, expected true, false or { hosts, name }`);
  }
  for (const member in value) {
    if (member === "hosts" || member === "name") continue;
    throw new TypeError(`resources: ${JSON.stringify(member)} is unknown; it has hosts and name`);
  }
  const { hosts = [], name = "" } = value;
  if (!Array.isArray(hosts) || !hosts.every(isHostName)) {
    throw new TypeError(
      `resources: hosts is ${shown(hosts)}, expected names like ["cdn.example.com"]`,
    );
  }
  if (typeof name !== "string") {
    throw new TypeError(`resources: name is ${shown(name)}, expected a string`);
  }
  return value;
}

function isHostName(value: unknown): boolean {
  return typeof value === "string" && /^(\*|(\*?\.)?[^\s/:?#@*]+|\[[\da-f:.]+\])$/i.test(value);
}

function unknownOption(name: string, value: unknown): TypeError {
  const plain = name.replaceAll(/[^a-z]/gi, "").toLowerCase();
  const other = OTHER_NAMES.get(plain) ?? nearestWord(name, OPTION_NAMES);
  const hint = typeof value === "function" && name === "check"
    ? "a check is the third argument of the request"
    : other === null
    ? `a request has the options ${OPTION_NAMES.join(", ")}`
    : `did you mean ${other}?`;
  return new TypeError(`options: ${JSON.stringify(name)} is unknown; ${hint}`);
}

const NO_HEADERS: HeaderPairs = [];
const JSON_TYPE = "application/json";
const JSON_HEADERS: HeaderPairs = [["content-type", JSON_TYPE]];

/**
 * The headers of a request in order: those of the test first, then those that options and body imply,
 * unless the test has set them itself.
 *
 * @param contentType the type of the body, or `null`.
 * @param authorization the credentials in the URL, or `null`; `auth` takes precedence.
 * @param defaults the headers of all requests, which come first, without those that the request replaces.
 */
export function requestHeaders(
  options: RequestOptions,
  contentType: string | null,
  authorization: string | null,
  defaults: HeaderPairs = NO_HEADERS,
): HeaderPairs {
  const { headers, auth } = options;
  const credentials = auth === undefined ? authorization : basicOf(auth);
  if (headers === undefined && contentType === null && credentials === null && auth === undefined) {
    return defaults;
  }
  if (
    contentType === JSON_TYPE && headers === undefined && credentials === null &&
    defaults.length === 0
  ) {
    return JSON_HEADERS;
  }
  const leftOut: string[] = [];
  const own = headers === undefined ? [] : headerPairs(headers, leftOut);
  if (credentials !== null || auth !== undefined) leftOut.push("authorization");
  const pairs = withDefaults(own, leftOut, defaults);
  if (contentType !== null) addContentType(pairs, contentType);
  if (credentials !== null && !hasHeader(own, "authorization")) {
    pairs.push(["authorization", credentials]);
  }
  return pairs;
}

/** @param leftOut names of headers that are not sent, besides those that the request has itself. */
function withDefaults(
  own: [string, string][],
  leftOut: readonly string[],
  defaults: HeaderPairs,
): [string, string][] {
  if (defaults.length === 0) return own;
  const replaced = new Set(leftOut);
  for (const [name] of own) replaced.add(name.toLowerCase());
  const kept = defaults.filter(([name]) => !replaced.has(name.toLowerCase()));
  return [...kept.map(([name, value]): [string, string] => [name, value]), ...own];
}

/** Adds the type of the body, unless the test sets one, which gets the boundary that only the body knows. */
function addContentType(pairs: [string, string][], contentType: string): void {
  const index = pairs.findIndex(([name]) => name.toLowerCase() === "content-type");
  if (index < 0) {
    pairs.push(["content-type", contentType]);
    return;
  }
  const boundary = /^multipart\/form-data(;.*)$/.exec(contentType)?.[1];
  const [name, own] = pairs[index]!;
  if (boundary === undefined || !/^\s*multipart\//i.test(own)) return;
  pairs[index] = [name, own.replaceAll(/\s*;\s*boundary=("[^"]*"|[^;]*)/gi, "") + boundary];
}

/**
 * The Authorization header of credentials; `null` if there are none, or if they are for Digest authentication.
 *
 * @throws TypeError without the credentials, if they are not as expected.
 */
export function basicOf(auth: Auth | null): string | null {
  if (auth === null || isDigest(auth)) {
    if (auth !== null) digestOf(auth);
    return null;
  }
  return basicAuthorization(...userAndPassword(auth));
}

/** Credentials for Digest authentication, or `null`; throws as {@link basicOf}. */
export function digestOf(auth: Auth | null): DigestCredentials | null {
  if (auth === null || !isDigest(auth)) return null;
  const [user, password] = userAndPassword(auth.digest);
  if (Object.keys(auth).length > 1) throw notAuth();
  return { user, password };
}

function isDigest(auth: Auth): auth is Exclude<Auth, readonly string[]> {
  return typeof auth === "object" && !Array.isArray(auth) && "digest" in auth;
}

function userAndPassword(pair: unknown): readonly [user: string, password: string] {
  const [user, password, more]: readonly unknown[] = Array.isArray(pair) ? pair : [];
  if (typeof user === "string" && typeof password === "string" && more === undefined) {
    return [user, password];
  }
  throw notAuth();
}

function notAuth(): TypeError {
  return new TypeError(
    "auth: expected [user, password] or { digest: [user, password] }, all strings",
  );
}

/** Whether there is a header with this name, given in lower case. */
export function hasHeader(headers: HeaderPairs, lowerName: string): boolean {
  return headers.some(([name]) =>
    name.length === lowerName.length && name.toLowerCase() === lowerName
  );
}

/**
 * Names and values of headers in order.
 *
 * @param leftOut gets the names, in lower case, of those that are `undefined`.
 * @throws TypeError that names the header, if something has no text of its own.
 */
export function headerPairs(
  headers: NonNullable<RequestOptions["headers"]>,
  leftOut: string[] = [],
): [string, string][] {
  if (typeof headers !== "object" || headers === null) {
    throw new TypeError(
      `headers: ${typeof headers === "string" ? "a string" : shown(headers)}, expected an object`,
    );
  }
  const pairs: Iterable<unknown> = Symbol.iterator in headers ? headers : Object.entries(headers);
  const fields: [string, string][] = [];
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new TypeError("headers: expected a list of pairs, each [name, value]");
    }
    const [name, value] = pair;
    if (value === undefined) leftOut.push(asText(name).toLowerCase());
    else fields.push([headerText(name, name), headerText(name, value)]);
  }
  return fields;
}

/** The text of a header's name or value. Test files in JavaScript can pass anything. */
export function headerText(name: unknown, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") {
    return String(value);
  }
  const text = CREDENTIALS.test(asText(name)) ? `no string (${typeof value})` : shown(value);
  throw new TypeError(`headers: ${asText(name)} is ${text}, expected a string`);
}

/** Headers whose values are not shown. */
const CREDENTIALS = /auth|cookie|token|secret|key/i;

/**
 * Appends an encoded query to the query of a URL and drops its fragment.
 *
 * @throws TypeError as {@link urlText}.
 */
export function withQuery(url: string, query: string): string {
  const text = urlText(url);
  const hash = text.indexOf("#");
  const base = hash < 0 ? text : text.slice(0, hash);
  if (query === "") return base;
  if (!base.includes("?")) return `${base}?${query}`;
  return base.endsWith("?") || base.endsWith("&") ? base + query : `${base}&${query}`;
}

/**
 * Encodes fields for a query or a form.
 *
 * @param option the option that they are from.
 * @throws TypeError if something among them has no text of its own.
 */
export function encodeFields(fields: Fields, option: "params" | "form"): string {
  if (fields instanceof URLSearchParams) return fields.toString();
  if (typeof fields !== "object" || fields === null || fields instanceof FormData) {
    const hint = fields instanceof FormData ? "; send it with the option body" : "";
    throw new TypeError(`${option}: ${shown(fields)}, expected names and values${hint}`);
  }
  const encoded = new URLSearchParams();
  const pairs: Iterable<unknown> = Symbol.iterator in fields ? fields : Object.entries(fields);
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new TypeError(`${option}: expected a list of pairs, each [name, value]`);
    }
    const [name, value] = pair;
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    for (const one of values) {
      if (one !== undefined) encoded.append(asText(name), fieldText(option, name, one));
    }
  }
  return encoded.toString();
}

function fieldText(option: string, name: unknown, value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
  }
  const hint = value === null ? "; undefined leaves it out" : "";
  throw new TypeError(
    `${option}: ${asText(name)} is ${
      shown(value)
    }, expected a string, a number or a boolean, or a list of them${hint}`,
  );
}

/** An encoded body. */
export interface EncodedBody {
  readonly content: WireBody;
  /** The Content-Type, unless the test sets one; `null` for none. */
  readonly contentType: string | null;
}

/** The encoding of no body. */
export const NO_BODY: EncodedBody = { content: null, contentType: null };
const FORM_TYPE = "application/x-www-form-urlencoded";
const encoder = new TextEncoder();

/**
 * Encodes the body of a request. The result is a promise only for FormData and Blob.
 *
 * @throws TypeError if there is more than one body, or if `json` cannot be written as JSON.
 */
export function encodeBody(options: BodyOptions): EncodedBody | Promise<EncodedBody> {
  const { json, form, body } = options;
  const given = Number(json !== undefined) + Number(form !== undefined) +
    Number(body !== undefined);
  if (given === 0) return NO_BODY;
  if (given > 1) {
    const names = (["json", "form", "body"] as const).filter((name) => options[name] !== undefined);
    throw new TypeError(`a request has one body, but ${names.join(" and ")} are given`);
  }
  if (form !== undefined) return encodeText(encodeFields(form, "form"), FORM_TYPE);
  if (body !== undefined) return encodeContent(body);
  const text = jsonText(json);
  if (text === undefined) throw new TypeError(`json: a ${typeof json} cannot be written as JSON`);
  return encodeText(text, JSON_TYPE);
}

function jsonText(json: unknown): string | undefined {
  try {
    return JSON.stringify(json);
  } catch (error) {
    throw new TypeError(`json: it cannot be written as JSON: ${errorText(error)}`, {
      cause: error,
    });
  }
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
  if (body instanceof Blob) return encodeBlob(body);
  throw new TypeError(
    `body: ${
      shown(body)
    }, expected a string, bytes, a Blob, FormData, URLSearchParams or a ReadableStream` +
      bodyHint(body),
  );
}

function bodyHint(body: unknown): string {
  if (body === null) return "; undefined sends none";
  if (typeof body !== "object") return "";
  if (Symbol.asyncIterator in body) return "; ReadableStream.from makes a stream of it";
  return "; json sends an object as JSON, form as the fields of a form";
}

async function encodeBlob(blob: Blob): Promise<EncodedBody> {
  const content = new Uint8Array(await blob.arrayBuffer());
  return { content, contentType: blob.type === "" ? null : blob.type };
}

function encodeText(text: string, contentType: string): EncodedBody {
  return { content: encoder.encode(text), contentType };
}

async function encodeMultipart(data: FormData): Promise<EncodedBody> {
  // The runtime's encoder chooses the boundary and adds it to the content type.
  const encoded = new Response(data);
  const contentType = encoded.headers.get("content-type");
  return { content: await encoded.bytes(), contentType };
}
