/**
 * Reads HAR files as Chrome, Firefox, Safari and other programs write them.
 *
 * @module
 */

import { errorText, UsageError } from "../core/errors.ts";
import { sanitizeTerminal } from "../core/text.ts";
import type { Part } from "./draft.ts";

/** What a HAR file contains. */
export interface Recording {
  /** The program that recorded, such as `Firefox 145`. */
  readonly recorder: string;
  /** In the order in which the requests started. */
  readonly exchanges: readonly Exchange[];
}

/** A request with its response. */
export interface Exchange {
  /** Its position in the file, from 1. */
  readonly number: number;
  /** In milliseconds since 1970, and since then until the response was complete. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Its page; `null` if it is unknown. */
  readonly page: RecordedPage | null;
  readonly method: string;
  readonly url: URL;
  /** Names are in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: RecordedBody | null;
  /** 0 if there was no response. */
  readonly status: number;
  readonly responseHeaders: readonly (readonly [name: string, value: string])[];
  /** The media type of the response, without parameters and in lower case. */
  readonly mediaType: string;
  /** Text of the response; `null` if it is not text, or not in the file. */
  readonly text: string | null;
  /** What the browser says that it was for, such as `image`; empty if it does not say. */
  readonly resourceType: string;
}

/** A page that the browser has shown; the same object for all of its requests. */
export interface RecordedPage {
  readonly title: string;
}

/** The body of a request. */
export interface RecordedBody {
  readonly type: string;
  readonly text: string | null;
  /** Fields of a form, if the file has no text. */
  readonly parts: readonly Part[];
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads a HAR file.
 *
 * @param name of the file, for messages.
 * @throws UsageError that names the entry, and what is wrong with it.
 */
export function readHar(text: string, name: string): Recording {
  const value = parse(text, name);
  const log = objectIn(value, "log");
  if (log === null || !Array.isArray(log.entries)) throw notHar(value, name);
  if (log.entries.length === 0) throw new UsageError(`--har: ${name} contains no requests`);
  const pages = pagesOf(log);
  const exchanges: Exchange[] = [];
  for (const [index, entry] of log.entries.entries()) {
    const startMs = timeOf(entry, exchanges.at(-1)?.startMs ?? 0);
    exchanges.push(exchangeOf(entry, { number: index + 1, startMs, pages, name }));
  }
  return {
    recorder: recorderOf(log),
    exchanges: exchanges.sort((one, other) =>
      one.startMs - other.startMs || one.number - other.number
    ),
  };
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(
      `--har: ${name} is not valid JSON: ${sanitizeTerminal(errorText(error))}`,
      "If the file is cut off, save the recording again.",
      error,
    );
  }
}

function notHar(value: unknown, name: string): UsageError {
  const hint = isObject(value) && ("openapi" in value || "swagger" in value)
    ? "For an API description, use --openapi."
    : isObject(value) && "item" in value && "info" in value
    ? "For a collection of Postman, use --postman."
    : "";
  return new UsageError(
    `--har: ${name} is not a HAR file: expected an object with log.entries`,
    hint,
  );
}

function recorderOf(log: Json): string {
  const browser = objectIn(log, "browser") ?? {};
  const creator = objectIn(log, "creator") ?? {};
  const name = stringIn(browser, "name") || stringIn(creator, "name");
  // Their versions are those of the format.
  if (name === "WebInspector") return "Chrome";
  if (name === "WebKit Web Inspector") return "Safari";
  const version = stringIn(browser, "version") || stringIn(creator, "version");
  const shown = version === "" ? name : `${name} ${version.split(".", 1)[0]}`;
  return shown.replaceAll(/[\p{C}\s]+/gu, " ").slice(0, 60).trim();
}

function pagesOf(log: Json): ReadonlyMap<string, RecordedPage> {
  const pages = Array.isArray(log.pages) ? log.pages.filter(isObject) : [];
  return new Map(pages.map((page) => [stringIn(page, "id"), { title: stringIn(page, "title") }]));
}

interface EntryContext {
  readonly number: number;
  readonly startMs: number;
  readonly pages: ReadonlyMap<string, RecordedPage>;
  readonly name: string;
}

function exchangeOf(entry: unknown, { number, startMs, pages, name }: EntryContext): Exchange {
  const fail = (what: string, request = ""): UsageError =>
    new UsageError(
      `--har: ${name}: entry ${number}${request === "" ? "" : ` (${sanitizeTerminal(request)})`}: ${
        sanitizeTerminal(what)
      }`,
    );
  if (!isObject(entry)) throw fail("expected an object");
  const request = objectIn(entry, "request");
  if (request === null) throw fail("it has no request");
  const { method, url: address } = request;
  if (typeof address !== "string") throw fail("request.url is missing, or is not text");
  const shownAddress = address.slice(0, MAX_SHOWN);
  if (typeof method !== "string" || !/^[!#$%&'*+\-.^`|~\w]+$/.test(method)) {
    throw fail("request.method is not a method of HTTP", shownAddress);
  }
  const title = `${method} ${shownAddress}`;
  const url = URL.parse(address);
  if (url === null) throw fail("request.url is not a URL", title);
  const response = objectIn(entry, "response") ?? {};
  const content = objectIn(response, "content") ?? {};
  const headers = headersOf(request, (what) => fail(`request.${what}`, title));
  const mediaType = stringIn(content, "mimeType").split(";", 1)[0]!.trim().toLowerCase();
  const { status, _error: error } = response;
  return {
    number,
    startMs,
    durationMs: durationOf(entry),
    page: pages.get(stringIn(entry, "pageref")) ?? null,
    method: method.toUpperCase(),
    url,
    headers,
    body: bodyOf(request, headers),
    status: typeof status === "number" && !error && Number.isInteger(status) ? status : 0,
    responseHeaders: headersOf(response, (what) => fail(`response.${what}`, title)),
    mediaType,
    text: textOf(content, mediaType),
    resourceType: stringIn(entry, "_resourceType").toLowerCase(),
  };
}

const MAX_SHOWN = 200;

/** Also with a time zone, as Firefox writes it. Without a valid time, that of the entry before. */
function timeOf(entry: unknown, otherwise: number): number {
  const time = isObject(entry) ? Date.parse(stringIn(entry, "startedDateTime")) : NaN;
  return Number.isFinite(time) ? time : otherwise;
}

/** If there is no `time`, the sum of the phases: those that did not take place are -1. */
function durationOf(entry: Json): number {
  const { time } = entry;
  if (typeof time === "number" && time > 0 && Number.isFinite(time)) return time;
  const timings = objectIn(entry, "timings") ?? {};
  return ["blocked", "dns", "connect", "send", "wait", "receive"]
    .map((phase) => timings[phase])
    .reduce<number>(
      (sum, ms) => typeof ms === "number" && Number.isFinite(ms) && ms > 0 ? sum + ms : sum,
      0,
    );
}

function headersOf(
  message: Json,
  fail: (what: string) => UsageError,
): (readonly [name: string, value: string])[] {
  const { headers = [] } = message;
  if (!Array.isArray(headers)) throw fail("headers is not a list");
  return headers.flatMap((header) => {
    if (!isObject(header) || typeof header.name !== "string") {
      throw fail("headers has a member without a name");
    }
    const name = header.name.toLowerCase();
    // `:authority` and the like are headers of HTTP/2 that repeat the URL.
    if (!/^[!#$%&'*+\-.^`|~\w]+$/.test(name) || typeof header.value !== "string") return [];
    // Firefox joins several cookies with line breaks.
    return header.value.split("\n").map((value) => [name, value.trim()] as const);
  });
}

function bodyOf(request: Json, headers: Exchange["headers"]): RecordedBody | null {
  const data = objectIn(request, "postData");
  const declared = headers.find(([name]) => name === "content-type")?.[1];
  if (data === null) {
    const { bodySize } = request;
    const isMissing = typeof bodySize === "number" && bodySize > 0;
    return isMissing ? { type: declared ?? "", text: null, parts: [] } : null;
  }
  const type = declared ?? stringIn(data, "mimeType");
  const text = data.encoding === "base64" || data._encoding === "base64"
    ? decodeBase64(stringIn(data, "text"))
    : typeof data.text === "string"
    ? data.text
    : null;
  const params = Array.isArray(data.params) ? data.params.filter(isObject) : [];
  const parts = params.map((param): Part => {
    const fileName = stringIn(param, "fileName");
    const part = { name: stringIn(param, "name"), value: stringIn(param, "value") };
    return fileName === ""
      ? part
      : { ...part, file: { name: fileName, type: stringIn(param, "contentType") } };
  });
  if (text === "" && parts.length === 0 && request.bodySize === 0) return null;
  return { type, text: text === "" && parts.length > 0 ? null : text, parts };
}

function textOf(content: Json, mediaType: string): string | null {
  const { text, encoding } = content;
  if (typeof text !== "string") return null;
  if (encoding !== "base64") return text;
  return /json|html|xml|javascript|^text\//.test(mediaType) ? decodeBase64(text) : null;
}

function decodeBase64(text: string): string | null {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(text));
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objectIn(value: unknown, name: string): Json | null {
  const member = isObject(value) ? value[name] : undefined;
  return isObject(member) ? member : null;
}

function stringIn(value: Json, name: string): string {
  const member = value[name];
  return typeof member === "string" ? member : "";
}
