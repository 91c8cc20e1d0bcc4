/**
 * The lines of `--samples`: one for each request, as JSON or CSV. They are written as bytes, because strings
 * that are joined and then encoded would take twice as long, and this happens for each request.
 *
 * @module
 */

import { clippedText } from "../core/clipped_text.ts";
import { MAX_TAGS_TEXT, tagsOf } from "../core/tags.ts";
import { sanitizeTerminal } from "../core/text.ts";
import { PairMap, type Sample } from "../stats/request_stats.ts";
import { MAX_METHOD, MAX_NAME } from "../stats/stats_delta.ts";

/** A request or step that was counted, and who sent it. */
export interface SampleRecord {
  readonly sample: Sample;
  readonly userClass: string;
  readonly user: { readonly id: number; readonly iteration: number };
  readonly details: {
    readonly requestedUrl: string;
    readonly groupName: string;
    readonly traceId: string;
  };
}

/** The columns, in their order. */
const COLUMNS = [
  "time",
  "node",
  "userClass",
  "userId",
  "iteration",
  "method",
  "name",
  "url",
  "status",
  "latencyMs",
  "ttfbMs",
  "bytes",
  "error",
  "tags",
  "group",
  "traceId",
] as const;

type Column = typeof COLUMNS[number];

/** How lines are written. */
export interface SampleFormat {
  /** The first lines of the file; empty without any. */
  readonly header: string;
  /** The first characters of a line, before its first column. */
  readonly start: string;
  /** What precedes the value of a column. */
  key(column: Column): string;
  /** What is around texts that need no escapes. */
  readonly quote: string;
  /** A text, complete; what there is not is empty. */
  text(value: string): string;
  /** Tags, as `tagsText` writes them. */
  tags(text: string): string;
  /** A number that does not exist. */
  readonly none: string;
  /** Characters of ASCII that a text cannot contain as they are, besides control characters. */
  readonly special: string;
  readonly end: string;
}

/** One JSON object for each request. */
export const JSON_LINES: SampleFormat = {
  header: "",
  start: "{",
  key: (column) => `"${column}":`,
  quote: '"',
  text: (value) => value === "" ? "null" : jsonText(value),
  tags: (text) => jsonText(tagsOf(text)),
  none: "null",
  special: '"\\',
  end: "}\n",
};

/**
 * A row for each request. Control characters are replaced by their pictures, so that each row is one line. A row ends
 * without a carriage return, which would belong to the last column for tools that read line by line.
 */
export const CSV_LINES: SampleFormat = {
  header: `${COLUMNS.join(",")}\n`,
  start: "",
  key: () => "",
  quote: "",
  text: csvText,
  tags: csvText,
  none: "",
  special: '",',
  end: "\n",
};

function csvText(value: string): string {
  const text = sanitizeTerminal(value);
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** JSON in which nothing is left that a reader could take for the end of a line. */
function jsonText(value: string | Readonly<Record<string, string>>): string {
  return JSON.stringify(value).replaceAll(
    LINE_ENDS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Those that JSON contains as they are. */
const LINE_ENDS = /[\p{Cc}\p{Zl}\p{Zp}]/gu;

/** A line is not longer than that. Each character may become an escape of six. */
export const MAX_LINE = 6 * (6 * MAX_NAME + MAX_METHOD + MAX_TAGS_TEXT) + 1000;

/** Second that have been written last; requests of several are under way at the same time. */
const SECONDS = 64;

/** Different names, or errors, that are kept ready to be copied. */
const MAX_KEPT = 2000;

/** What the lines of one method and name have in common. */
interface NameParts {
  /** Up to the URL. */
  readonly head: Uint8Array;
  /** The URL and the status of {@link whole}. */
  url: string;
  status: number;
  /** Up to the latency. */
  whole: Uint8Array;
  /** The URL and the status of the last line with others than {@link whole}. */
  otherUrl: string;
  otherStatus: number;
}

const encoder = new TextEncoder();

/** Writes lines into buffers that it is given. */
export class SampleLines {
  /** The number of bytes in the buffer. */
  length = 0;
  #bytes = new Uint8Array(0);
  readonly #format: SampleFormat;
  readonly #node: string;
  /** Whether a character of ASCII can be copied. */
  readonly #isPlain: Uint8Array;
  readonly #seconds = new Float64Array(SECONDS).fill(NaN);
  readonly #secondParts: Uint8Array[] = [];
  readonly #classParts = new Map<string, Uint8Array>();
  #nameParts = new PairMap<NameParts>();
  #endParts = new PairMap<Uint8Array>();
  readonly #iteration: Uint8Array;
  readonly #status: Uint8Array;
  readonly #latency: Uint8Array;
  readonly #ttfb: Uint8Array;
  readonly #size: Uint8Array;
  readonly #none: Uint8Array;
  /** The end of a line without error, tags, group and trace. */
  readonly #plainEnd: Uint8Array;

  /** @param node the name of the node. */
  constructor(format: SampleFormat, node: string) {
    this.#format = format;
    this.#node = node;
    this.#isPlain = Uint8Array.from(
      { length: 128 },
      (_, code) =>
        Number(code >= 0x20 && code < 0x7f && !format.special.includes(String.fromCharCode(code))),
    );
    const before = (column: Column): Uint8Array => encoder.encode(`,${format.key(column)}`);
    this.#iteration = before("iteration");
    this.#status = before("status");
    this.#latency = before("latencyMs");
    this.#ttfb = before("ttfbMs");
    this.#size = before("bytes");
    this.#none = encoder.encode(format.none);
    this.#plainEnd = encoder.encode(`${this.#endOf("", "", "")}${format.text("")}${format.end}`);
  }

  /** Writes into another buffer from now on. */
  fill(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.length = 0;
  }

  /** Writes the header, which may be empty. */
  addHeader(): void {
    this.#ascii(this.#format.header);
  }

  /** Writes a line, for which there must be room. @param startedAt in milliseconds since 1970. */
  add({ sample, userClass, user, details }: SampleRecord, startedAt: number): void {
    this.#time(startedAt);
    this.#copy(this.#classParts.get(userClass) ?? this.#newClass(userClass));
    this.#integer(user.id);
    this.#copy(this.#iteration);
    this.#integer(user.iteration);
    this.#request(sample, details.requestedUrl);
    this.#milliseconds(sample.latencyMs);
    this.#copy(this.#ttfb);
    const { phases } = sample;
    if (phases !== null) this.#milliseconds(phases.ttfbMs);
    // All of its time was spent waiting for the first byte.
    else this.#milliseconds(sample.status === 0 ? -1 : sample.latencyMs);
    this.#copy(this.#size);
    this.#integer(sample.bytesReceived);
    this.#end(sample.error ?? "", sample.tags, details);
  }

  #time(startedAt: number): void {
    const second = Math.floor(startedAt / 1000);
    const slot = second % SECONDS;
    if (this.#seconds[slot] !== second) this.#newSecond(second, slot);
    this.#copy(this.#secondParts[slot]!);
    const micros = Math.min(999_999, (startedAt - second * 1000) * 1000 | 0);
    this.#threeDigits(micros / 1000 | 0);
    this.#threeDigits(micros % 1000);
  }

  #newSecond(second: number, slot: number): void {
    const { start, key, quote } = this.#format;
    const text = new Date(second * 1000).toISOString().slice(0, -"000Z".length);
    this.#seconds[slot] = second;
    this.#secondParts[slot] = encoder.encode(`${start}${key("time")}${quote}${text}`);
  }

  /** What follows the time, up to the id of the user. */
  #newClass(userClass: string): Uint8Array {
    const { key, quote } = this.#format;
    const part = encoder.encode(
      `Z${quote},${key("node")}${this.#text(this.#node)}` +
        `,${key("userClass")}${this.#text(userClass)},${key("userId")}`,
    );
    this.#classParts.set(userClass, part);
    return part;
  }

  /** What follows the iteration, up to the latency. */
  #request({ method, name, status }: Sample, url: string): void {
    const parts = this.#nameParts.get(method, name) ?? this.#newName(method, name);
    if (parts.url === url && parts.status === status) return this.#copy(parts.whole);
    const from = this.length;
    this.#copy(parts.head);
    this.#url(url);
    this.#copy(this.#status);
    this.#integer(status);
    this.#copy(this.#latency);
    // URLs that come once are not worth a copy.
    if (parts.otherUrl === url && parts.otherStatus === status) {
      parts.url = url;
      parts.status = status;
      parts.whole = this.#bytes.slice(from, this.length);
    }
    parts.otherUrl = url;
    parts.otherStatus = status;
  }

  #newName(method: string, name: string): NameParts {
    const { key } = this.#format;
    const parts: NameParts = {
      head: encoder.encode(
        `,${key("method")}${this.#text(method, MAX_METHOD)}` +
          `,${key("name")}${this.#text(name)},${key("url")}`,
      ),
      url: "",
      status: NaN,
      whole: this.#none,
      otherUrl: "",
      otherStatus: NaN,
    };
    if (this.#nameParts.size >= MAX_KEPT) this.#nameParts = new PairMap();
    this.#nameParts.set(method, name, parts);
    return parts;
  }

  #url(url: string): void {
    if (url !== "" && url.length <= MAX_NAME && this.#plainText(url)) return;
    this.#encode(this.#text(url));
  }

  /** Writes a text that needs no escapes. Returns `false`, and writes nothing, if it needs some. */
  #plainText(text: string): boolean {
    const { quote } = this.#format;
    const bytes = this.#bytes;
    const isPlain = this.#isPlain;
    let at = this.length;
    if (quote !== "") bytes[at++] = quote.charCodeAt(0);
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127 || isPlain[code] === 0) return false;
      bytes[at++] = code;
    }
    if (quote !== "") bytes[at++] = quote.charCodeAt(0);
    this.length = at;
    return true;
  }

  /** What follows the size. */
  #end(error: string, tags: string, { groupName, traceId }: SampleRecord["details"]): void {
    if (error === "" && tags === "" && groupName === "" && traceId === "") {
      return this.#copy(this.#plainEnd);
    }
    const key = tags === "" ? groupName : `${tags}\n${groupName}`;
    this.#copy(this.#endParts.get(error, key) ?? this.#newEnd(error, tags, groupName, key));
    this.#encode(this.#text(traceId));
    this.#ascii(this.#format.end);
  }

  #newEnd(error: string, tags: string, groupName: string, key: string): Uint8Array {
    const part = encoder.encode(this.#endOf(error, tags, groupName));
    if (this.#endParts.size >= MAX_KEPT) this.#endParts = new PairMap();
    this.#endParts.set(error, key, part);
    return part;
  }

  /** What follows the size, up to the id of the trace. */
  #endOf(error: string, tags: string, groupName: string): string {
    const format = this.#format;
    return `,${format.key("error")}${this.#text(error)},${format.key("tags")}${format.tags(tags)}` +
      `,${format.key("group")}${this.#text(groupName)},${format.key("traceId")}`;
  }

  /** Texts are cut as in reports. */
  #text(text: string, max = MAX_NAME): string {
    return this.#format.text(clippedText(text, max));
  }

  #copy(part: Uint8Array): void {
    this.#bytes.set(part, this.length);
    this.length += part.length;
  }

  #encode(text: string): void {
    this.length += encoder.encodeInto(text, this.#bytes.subarray(this.length)).written;
  }

  #ascii(text: string): void {
    for (let index = 0; index < text.length; index++) {
      this.#bytes[this.length++] = text.charCodeAt(index);
    }
  }

  /** With three decimals. A negative number, and one that is none, does not exist. */
  #milliseconds(ms: number): void {
    const micros = Math.round(ms * 1000);
    // Beyond it, and without a number, arithmetic on 32 bits is wrong.
    if (!(micros >= 0 && micros < 2 ** 31)) {
      return ms >= 0 && ms < 1e15 ? this.#ascii(ms.toFixed(3)) : this.#copy(this.#none);
    }
    this.#integer(micros / 1000 | 0);
    this.#bytes[this.length++] = POINT;
    this.#threeDigits(micros % 1000);
  }

  #threeDigits(value: number): void {
    const bytes = this.#bytes;
    const at = this.length;
    const tens = value / 10 | 0;
    const hundreds = tens / 10 | 0;
    bytes[at] = ZERO + hundreds;
    bytes[at + 1] = ZERO + tens - hundreds * 10;
    bytes[at + 2] = ZERO + value - tens * 10;
    this.length = at + 3;
  }

  #integer(value: number): void {
    if ((value | 0) !== value || value < 0) return this.#ascii(String(value));
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits++;
    const bytes = this.#bytes;
    let rest = value;
    for (let at = this.length + digits - 1; at >= this.length; at--) {
      const tens = rest / 10 | 0;
      bytes[at] = ZERO + rest - tens * 10;
      rest = tens;
    }
    this.length += digits;
  }
}

const ZERO = 48;
const POINT = 46;
