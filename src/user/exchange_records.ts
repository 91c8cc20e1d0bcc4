/**
 * Makes plain records of exchanges: decoded, readable, and without secrets.
 *
 * @module
 */

import { messageText } from "../core/errors.ts";
import { HIDDEN, isSecretName, maskedHeader, maskedJson, maskedUrl } from "../core/secrets.ts";
import { hideCredentials } from "../core/text.ts";
import type { HeaderPairs, WireAttempt, WireBody, WireResponse } from "../http/transport.ts";
import type { BodyRecord, ConnectionRecord, ExchangeRecord } from "../stats/exchange_record.ts";
import type { RecordedExchange } from "./observers.ts";
import { ShownStream } from "./streams.ts";

/** How exchanges are recorded. */
export interface RecordOptions {
  /** Whether secrets are left as they are. */
  readonly secrets: boolean;
  /** The longest text of a body, in UTF-16 units. */
  readonly maxText: number;
}

/** Bodies up to this size are read to be shown in a readable form; of larger ones, the beginning is shown as it is. */
const MAX_READ = 65_536;

const FETCH_NOTE =
  "Native fetch sends further headers, such as user-agent, and does not tell which connection it uses.";

/** An exchange that has ended as a record. Call it before its request is counted. */
export function exchangeRecord(exchange: RecordedExchange, options: RecordOptions): ExchangeRecord {
  const { method, url, headers, body, response, error, attempts, sentAt, counter } = exchange;
  const phases = exchange.phases;
  const isFetch = counter.phases?.opened === -1;
  const last = attempts.at(-1);
  const totalMs = response === null ? -1 : response.endedAt - sentAt;
  const given = [
    `${method} ${url.pathname}${url.search}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  const type = valueOf(headers, "content-type");
  const texts = counter.texts ?? null;
  const received = response === null ? null : texts?.received(response) ?? null;
  return {
    method,
    url: options.secrets ? url.href : maskedUrl(url.href),
    requestHead: (last?.head.split("\r\n") ?? given).map((line) => headLine(line, options)),
    note: isFetch ? FETCH_NOTE : last === undefined ? "Nothing was sent." : "",
    requestBody: texts === null
      ? sentBody(body, type, response?.bytesSent ?? -1, options)
      : jsonRecord(texts.sent(), response?.bytesSent ?? -1, options),
    status: response?.status ?? 0,
    responseHead: response === null
      ? []
      : responseHead(response).map((line) => headLine(line, options)),
    responseBody: response === null
      ? null
      : received === null
      ? receivedBody(response, options)
      : jsonRecord(received, response.bytesReceived, options),
    error: error === null ? null : errorDetail(error, options),
    connections: attempts.map(connectionRecord),
    cookies: (response?.setCookies ?? []).map((text) =>
      options.secrets ? text : maskedHeader("set-cookie", text)
    ),
    isSecure: url.protocol === "https:",
    dnsMs: phases?.dnsMs ?? -1,
    connectMs: phases?.connectMs ?? -1,
    tlsMs: phases?.tlsMs ?? -1,
    firstByteMs: phases?.ttfbMs ?? totalMs,
    downloadMs: phases?.downloadMs ?? -1,
    totalMs,
  };
}

function errorDetail(error: Error, { secrets }: RecordOptions): string {
  const text = messageText(error);
  return secrets ? text : maskedUrl(hideCredentials(text));
}

function connectionRecord(
  { connection: { remote, tls }, isReused, failure }: WireAttempt,
): ConnectionRecord {
  const facts = tls === null ? [] : [
    [tls.version, tls.cipher].filter((text) => text !== "").join(", "),
    ...(tls.subject === "" ? [] : [`certificate of ${tls.subject}`]),
    ...(tls.issuer === "" ? [] : [`issued by ${tls.issuer}`]),
    ...(tls.validTo === "" ? [] : [`valid until ${tls.validTo}`]),
  ];
  return { remote, isReused, tls: facts, failure };
}

/** A request line, a status line or a header, without secrets. */
function headLine(line: string, { secrets }: RecordOptions): string {
  if (secrets) return line;
  const colon = line.indexOf(":");
  const name = line.slice(0, colon);
  return colon < 1 || /\s/.test(name)
    ? maskedUrl(line)
    : `${name}: ${maskedHeader(name, line.slice(colon + 1).trim())}`;
}

function responseHead(response: WireResponse): string[] {
  const head = response.head?.();
  const trailers = (response.trailers ?? []).map(([name, value]) => `${name}: ${value}`);
  if (head !== undefined) return [...head.split(/\r?\n/), ...trailers];
  return [
    `HTTP ${response.status}`,
    ...Array.from(response.headers, ([name, value]) => `${name}: ${value}`),
  ];
}

function valueOf(headers: HeaderPairs, lowerName: string): string {
  return headers.find(([name]) => name.toLowerCase() === lowerName)?.[1] ?? "";
}

/** @param bytesSent -1 if it is not known. */
function sentBody(
  body: WireBody,
  type: string,
  bytesSent: number,
  options: RecordOptions,
): BodyRecord | null {
  if (body === null) return null;
  if (body instanceof Uint8Array) return bodyRecord(body, type, body.length, "", options);
  return {
    text: null,
    isCut: false,
    what: "a stream",
    bytes: -1,
    wireBytes: bytesSent,
    coding: "",
  };
}

function receivedBody(response: WireResponse, options: RecordOptions): BodyRecord | null {
  const { headers, bytesReceived: wireBytes } = response;
  if (wireBytes === 0) return null;
  const type = headers.get("content-type") ?? "";
  const coding = headers.get("content-encoding") ?? "";
  const unread = (what: string): BodyRecord => ({
    text: null,
    isCut: false,
    what,
    bytes: -1,
    wireBytes,
    coding,
  });
  if (response instanceof ShownStream) return streamedBody(response, type, coding, options);
  if (coding !== "" && wireBytes > MAX_READ) return unread(kindOf(type));
  try {
    return bodyRecord(response.bytes(), type, wireBytes, coding, options);
  } catch (error) {
    return unread(`cannot be decoded: ${messageText(error)}`);
  }
}

/** Of a stream, only the beginning is known. */
function streamedBody(
  stream: ShownStream,
  type: string,
  coding: string,
  options: RecordOptions,
): BodyRecord {
  const beginning = stream.bytes();
  const { isLeft, facts: { bytes, events } } = stream;
  const record = bodyRecord(beginning, type, stream.bytesReceived, coding, options);
  const isCut = record.text !== null && (record.isCut || bytes > beginning.length);
  return { ...record, isCut, bytes, isLeft, ...(events === null ? {} : { events }) };
}

function jsonRecord(json: string, wireBytes: number, options: RecordOptions): BodyRecord {
  return bodyRecord(new TextEncoder().encode(json), "application/json", wireBytes, "", options);
}

function kindOf(type: string): string {
  return type.split(";", 1)[0]!.trim().toLowerCase() || "binary";
}

function bodyRecord(
  body: Uint8Array<ArrayBuffer>,
  type: string,
  wireBytes: number,
  coding: string,
  options: RecordOptions,
): BodyRecord {
  const isWhole = body.length <= MAX_READ;
  const part = isWhole ? body : body.subarray(0, 4 * options.maxText);
  const text = readable(part, type, isWhole, options.secrets);
  const isCut = text !== null && (!isWhole || text.length > options.maxText);
  return {
    text: text?.slice(0, options.maxText).toWellFormed() ?? null,
    isCut,
    what: kindOf(type),
    bytes: body.length,
    wireBytes,
    coding,
  };
}

/** A body in a form that people can read; `null` if it is not text. */
function readable(
  body: Uint8Array<ArrayBuffer>,
  type: string,
  isWhole: boolean,
  secrets: boolean,
): string | null {
  const kind = kindOf(type);
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type);
  if (kind.startsWith("multipart/") && boundary !== null) {
    return multipartText(body, boundary[1] ?? boundary[2]!, secrets);
  }
  const text = asText(body, type, isWhole);
  if (text === null) return null;
  if (kind === "application/x-www-form-urlencoded") return formText(text, secrets);
  const isJson = kind.includes("json") || /^\s*[{[]/.test(text);
  if (!isJson) return text;
  const json = isWhole && isValidJson(text) ? prettyJson(text) : text;
  return secrets ? json : maskedJson(json);
}

/** The text of bytes in the charset of their type, otherwise UTF-8; `null` if they are not text. */
function asText(
  bytes: Uint8Array<ArrayBuffer>,
  type: string,
  isWhole: boolean,
): string | null {
  const charset = /charset="?([^";\s]+)/i.exec(type)?.[1] ?? "utf-8";
  const isText = /^text\/|json|xml|javascript|urlencoded|graphql|yaml/.test(kindOf(type));
  const isUtf16 = /^utf-?16/i.test(charset);
  if (/^(?:image|audio|video|font)\/(?!svg)/.test(kindOf(type))) return null;
  if (!isUtf16 && bytes.includes(0)) return null;
  try {
    // A part of a body may end within a character.
    return new TextDecoder(charset, { fatal: !isText }).decode(bytes, { stream: !isWhole });
  } catch {
    return null;
  }
}

/** A form, a line for each field. */
function formText(text: string, secrets: boolean): string {
  return Array.from(
    new URLSearchParams(text),
    ([name, value]) => `${name} = ${!secrets && isSecretName(name) ? HIDDEN : value}`,
  ).join("\n");
}

/** A multipart body, with the headers of each part, and its content if that is text. */
function multipartText(
  body: Uint8Array<ArrayBuffer>,
  boundary: string,
  secrets: boolean,
): string {
  // Each byte is one character, so that parts can be found and taken as bytes.
  const raw = new TextDecoder("latin1").decode(body);
  const lines: string[] = [];
  let at = raw.indexOf(`--${boundary}`);
  while (at >= 0) {
    const start = raw.indexOf("\r\n", at) + 2;
    const next = raw.indexOf(`\r\n--${boundary}`, start);
    const headEnd = raw.indexOf("\r\n\r\n", start);
    if (start < 2 || headEnd < 0 || (next >= 0 && headEnd > next)) break;
    const head = raw.slice(start, headEnd).split("\r\n");
    const end = next < 0 ? raw.length : next;
    const content = body.subarray(headEnd + 4, end);
    const type = head.find((line) => /^content-type:/i.test(line))?.slice(13).trim() ??
      "text/plain";
    const name = /name="([^"]*)"/i.exec(head.join("\n"))?.[1] ?? "";
    const text = !secrets && isSecretName(name) ? HIDDEN : asText(content, type, true);
    lines.push(`--${boundary}`, ...head, "", text ?? `(${kindOf(type)}, ${content.length} bytes)`);
    at = next < 0 ? -1 : next + 2;
  }
  return lines.join("\n");
}

function isValidJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Shorter JSON stays on one line. */
const MAX_JSON_LINE = 60;

/** JSON with a line for each value. Its values are as they were written: parsing them would change large numbers. */
function prettyJson(text: string): string {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  const line = tokens.join("");
  if (line.length <= MAX_JSON_LINE) return text.trim();
  let depth = 0;
  let pretty = "";
  const newLine = (): string => `\n${"  ".repeat(depth)}`;
  for (const [index, token] of tokens.entries()) {
    const isEmpty = /^[{[]$/.test(token) && /^[}\]]$/.test(tokens[index + 1] ?? "");
    if (token === "{" || token === "[") {
      depth++;
      pretty += isEmpty ? token : token + newLine();
    } else if (token === "}" || token === "]") {
      depth--;
      const wasEmpty = /^[{[]$/.test(tokens[index - 1] ?? "");
      pretty += wasEmpty ? token : newLine() + token;
    } else if (token === ",") pretty += token + newLine();
    else pretty += token === ":" ? ": " : token;
  }
  return pretty;
}
