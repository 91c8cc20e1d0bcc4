/**
 * Parses the requests that a server of ours receives: HTTP/1.0 and HTTP/1.1 (RFC 9112), one request per
 * connection.
 *
 * What two programs could read in different ways is refused, because a proxy in front of the server may
 * be one of them: lines without CR, folded headers, a length beside chunks, more than one length.
 *
 * @module
 */

/** The head of a request. */
export interface RequestHead {
  readonly method: string;
  /** As it was sent: a path, or a URL. */
  readonly target: string;
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minorVersion: number;
  /** In their order; one character per byte. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** `null` without a `Host` header, or with an empty one. */
  readonly host: string | null;
  /** Whether the client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
}

/** Bytes that the head of a request may have, and the trailers behind a body in chunks. */
export const MAX_HEAD_BYTES = 16 * 1024;

/** Headers that a request may have. Browsers send about 20, and proxies add a few. */
export const MAX_HEADERS = 100;

/** Bytes of the line before a chunk, with extensions, which clients may add and this server ignores. */
const MAX_CHUNK_LINE_BYTES = 1024;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DELETE = 0x7f;

/** Only servers of proxies get other targets, and `*` asks for nothing that a dashboard has. */
const TARGET = /^(?:https?:\/\/[\w.~!$&'()*+,;=%:[\]-]+(?:[/?][\x21-\x7e]*)?|\/[\x21-\x7e]*)$/;
const REQUEST_LINE = /^([A-Z][A-Z-]{0,31}) ([^ ]+) HTTP\/1\.([01])$/;
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const HOST = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d{0,5})?$/i;
const LENGTH = /^\d{1,15}$/;
const CHUNK_LINE =
  /^([\da-f]{1,12})(?:;[\w!#$%&'*+.^`|~-]+(?:=(?:[\w!#$%&'*+.^`|~-]+|"[^"\\]*"))?)*$/i;

/** What the next byte belongs to. */
type Part =
  | "request line"
  | "headers"
  | "body"
  | "chunk line"
  | "chunk"
  | "chunk end"
  | "trailers"
  | "nothing";

/** Parses one request, however its bytes are divided. */
export class RequestParser {
  /** `null` until it has arrived. */
  head: RequestHead | null = null;
  /** The status to answer with if what has arrived is not a valid request; the rest is ignored. */
  problem: 400 | 431 | null = null;
  #part: Part = "request line";
  /** The line that is arriving, without its CR. */
  #line = "";
  #endsWithCr = false;
  /** Bytes that the lines of this part may still have. */
  #room = MAX_HEAD_BYTES;
  /** Bytes of the body, or of the chunk, that are missing. */
  #missing = 0;
  #method = "";
  #target = "";
  #minorVersion = 0;
  #headers: [string, string][] = [];

  /** Whether the request has arrived with its body. What follows it is ignored. */
  get isComplete(): boolean {
    return this.#part === "nothing" && this.problem === null;
  }

  /** Takes bytes. Returns the parts of the body that are among them, as views. */
  parse(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    const body: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < bytes.length && this.#part !== "nothing";) {
      if (this.#part !== "body" && this.#part !== "chunk") {
        this.#takeByte(bytes[at++]!);
        continue;
      }
      const part = bytes.subarray(at, at + this.#missing);
      body.push(part);
      at += part.length;
      this.#missing -= part.length;
      if (this.#missing === 0) this.#part = this.#part === "body" ? "nothing" : "chunk end";
    }
    return body;
  }

  #takeByte(byte: number): void {
    if (--this.#room < 0) return this.#refuse(431);
    if (this.#endsWithCr !== (byte === LF)) return this.#refuse();
    if (byte === LF) {
      const line = this.#line;
      this.#line = "";
      this.#endsWithCr = false;
      return this.#takeLine(line);
    }
    if (byte === CR) this.#endsWithCr = true;
    // Found at once, so that a client that speaks TLS, for example, need not wait until its time is over.
    else if (byte < SPACE && byte !== TAB || byte === DELETE) this.#refuse();
    else this.#line += String.fromCharCode(byte);
  }

  #takeLine(line: string): void {
    switch (this.#part) {
      case "request line":
        // Some clients of old end a body with an empty line that is not part of it.
        return line === "" ? undefined : this.#takeRequestLine(line);
      case "headers":
        return line === "" ? this.#endHead() : this.#takeHeader(line);
      case "chunk line":
        return this.#takeChunkLine(line);
      case "chunk end":
        if (line !== "") return this.#refuse();
        return this.#expect("chunk line", MAX_CHUNK_LINE_BYTES);
      default: // trailers, which are not kept
        if (line === "") this.#part = "nothing";
        else if (!isTrailer(headerOf(line))) this.#refuse();
    }
  }

  #takeRequestLine(line: string): void {
    const match = REQUEST_LINE.exec(line);
    if (match === null || !TARGET.test(match[2]!)) return this.#refuse();
    [this.#method, this.#target] = [match[1]!, match[2]!];
    this.#minorVersion = Number(match[3]);
    this.#part = "headers";
  }

  #takeHeader(line: string): void {
    if (this.#headers.length === MAX_HEADERS) return this.#refuse(431);
    const header = headerOf(line);
    if (header === null) return this.#refuse();
    this.#headers.push(header);
  }

  #endHead(): void {
    const [hosts, lengths, encodings, expectations] = [
      this.#valuesOf("host"),
      this.#valuesOf("content-length"),
      this.#valuesOf("transfer-encoding"),
      this.#valuesOf("expect"),
    ];
    const [host = "", length = "0", encoding = ""] = [hosts[0], lengths[0], encodings[0]];
    if (hosts.length > 1 || !HOST.test(host)) return this.#refuse();
    if (lengths.length > 1 || !LENGTH.test(length)) return this.#refuse();
    if (encodings.length > 0) {
      const isAlone = encodings.length === 1 && lengths.length === 0 && this.#minorVersion === 1;
      if (!isAlone || encoding.toLowerCase() !== "chunked") return this.#refuse();
      this.#expect("chunk line", MAX_CHUNK_LINE_BYTES);
    } else {
      this.#missing = Number(length);
      this.#part = this.#missing > 0 ? "body" : "nothing";
    }
    const isExpected = expectations.some((value) => value.toLowerCase() === "100-continue");
    this.head = {
      method: this.#method,
      target: this.#target,
      minorVersion: this.#minorVersion,
      headers: this.#headers,
      host: host === "" ? null : host,
      expectsContinue: isExpected && this.#minorVersion === 1 && this.#part !== "nothing",
    };
  }

  #takeChunkLine(line: string): void {
    const digits = CHUNK_LINE.exec(line)?.[1];
    if (digits === undefined) return this.#refuse();
    this.#missing = Number.parseInt(digits, 16);
    if (this.#missing === 0) this.#expect("trailers", MAX_HEAD_BYTES);
    // Its last line has two bytes.
    else this.#expect("chunk", 2);
  }

  #expect(part: Part, room: number): void {
    this.#part = part;
    this.#room = room;
  }

  #valuesOf(wanted: string): string[] {
    return this.#headers
      .filter(([name]) => name.toLowerCase() === wanted)
      .map(([, value]) => value);
  }

  #refuse(status: 400 | 431 = 400): void {
    this.#part = "nothing";
    this.#line = "";
    // A head is too large; anything else is no request.
    this.problem = this.head === null ? status : 400;
  }
}

/** A header's name and value, without the white space around it; `null` if the line is not a header. */
function headerOf(line: string): [string, string] | null {
  const colon = line.indexOf(":");
  const name = line.slice(0, colon);
  if (colon < 1 || !HEADER_NAME.test(name)) return null;
  let [start, end] = [colon + 1, line.length];
  while (start < end && isBlank(line[start]!)) start++;
  while (end > start && isBlank(line[end - 1]!)) end--;
  return [name, line.slice(start, end)];
}

/** What says where a body ends must not be behind it. */
function isTrailer(header: [string, string] | null): boolean {
  return header !== null && !/^(?:content-length|transfer-encoding)$/i.test(header[0]);
}

function isBlank(character: string): boolean {
  return character === " " || character === "\t";
}
