/**
 * A response of HTTP/2.
 *
 * @module
 */

import { decodeResponse, joined, responseText } from "../http/decoding.ts";
import type { HeaderPairs, WireResponse } from "../http/transport.ts";
import type { Http2Stream } from "./http2_stream.ts";
import { headerValues } from "./response_head.ts";

/** A response. Headers and body are evaluated only on demand. */
export class Http2Response implements WireResponse {
  readonly status: number;
  readonly setCookies: readonly string[];
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly endedAt: number;
  readonly trailers: HeaderPairs;
  readonly fields: HeaderPairs;
  readonly #whole: Uint8Array<ArrayBuffer> | null;
  readonly #wholeStart: number;
  readonly #pieces: readonly Uint8Array<ArrayBuffer>[];
  readonly #method: string;
  readonly #url: URL;
  readonly #maxBodySize: number;
  #headers: Headers | null = null;
  #body: Uint8Array<ArrayBuffer> | null = null;

  constructor(stream: Http2Stream, endedAt: number, maxBodySize: number) {
    const { status, headers, setCookies } = stream.head!;
    this.status = status;
    this.setCookies = setCookies;
    this.bytesReceived = stream.bodyLength;
    this.bytesSent = stream.bodySent;
    this.endedAt = endedAt;
    this.trailers = stream.trailers;
    this.fields = headers;
    this.#whole = stream.whole;
    this.#wholeStart = stream.wholeStart;
    this.#pieces = stream.whole === null ? stream.body : NO_PIECES;
    this.#method = stream.item.request.method;
    this.#url = stream.item.request.url;
    this.#maxBodySize = maxBodySize;
  }

  get headers(): Headers {
    return this.#headers ??= new Headers(this.fields as [string, string][]);
  }

  head(): string {
    const lines = this.fields.map(([name, value]) => `${name}: ${value}`);
    return [`HTTP/2 ${this.status}`, ...lines].join("\r\n");
  }

  locations(): readonly string[] {
    return headerValues(this.fields, "location");
  }

  contentCoding(): string | null {
    return headerValues(this.fields, "content-encoding").join(", ") || null;
  }

  text(): string {
    const [type = null] = headerValues(this.fields, "content-type");
    return responseText(this.#method, this.#url, this.bytes(), type);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    if (this.#body !== null) return this.#body;
    const wire = this.#wire();
    const coding = wire.length === 0 ? null : this.contentCoding();
    return this.#body = coding === null
      ? wire
      : decodeResponse(this.#method, this.#url, wire, coding, this.#maxBodySize);
  }

  #wire(): Uint8Array<ArrayBuffer> {
    if (this.#whole === null) return joined(this.#pieces, this.bytesReceived);
    return this.#whole.slice(this.#wholeStart, this.#wholeStart + this.bytesReceived);
  }
}

const NO_PIECES: readonly Uint8Array<ArrayBuffer>[] = [];
