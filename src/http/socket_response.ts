import { joined } from "./decoding.ts";
import { fieldOf, headersOf, setCookiesOf } from "./head_fields.ts";
import { decodeResponse } from "./response_decoding.ts";
import type { WireRequest, WireResponse } from "./transport.ts";
import type { WireMessage } from "./wire_message.ts";

/** A response of the engine's: looks into head and body only when it is asked to. */
export class SocketResponse implements WireResponse {
  readonly status: number;
  readonly setCookies: readonly string[];
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly retries: number;
  readonly endedAt: number;
  readonly #message: WireMessage;
  readonly #request: WireRequest;
  readonly #maxBodySize: number;
  #headers: Headers | null = null;
  #body: Uint8Array<ArrayBuffer> | null = null;

  constructor(
    message: WireMessage,
    request: WireRequest,
    bytesSent: number,
    retries: number,
    endedAt: number,
    maxBodySize: number,
  ) {
    this.status = message.status;
    this.setCookies = message.setsCookies ? setCookiesOf(message.head) : NO_COOKIES;
    this.bytesReceived = message.bodyLength;
    this.bytesSent = bytesSent;
    this.retries = retries;
    this.endedAt = endedAt;
    this.#message = message;
    this.#request = request;
    this.#maxBodySize = maxBodySize;
  }

  get headers(): Headers {
    return this.#headers ??= headersOf(this.#message.head);
  }

  bytes(): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
    if (this.#body !== null) return this.#body;
    const wire = joined(this.#message.body, this.#message.bodyLength);
    const coding = fieldOf(this.#message.head, "content-encoding");
    return coding === null ? this.#body = wire : this.#decode(wire, coding);
  }

  async #decode(wire: Uint8Array<ArrayBuffer>, coding: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.#body = await decodeResponse(this.#request, wire, coding, this.#maxBodySize);
  }
}

const NO_COOKIES: readonly string[] = [];
