/**
 * Header blocks of the requests of one HTTP/2 connection. Most requests to a URL are alike, so their block is
 * encoded once.
 *
 * @module
 */

import type { RequestTarget } from "../http/request_encoder.ts";
import type { HeaderPairs, WireRequest } from "../http/transport.ts";
import { HpackEncoder } from "./hpack.ts";
import { http2Head } from "./request_head.ts";

/** The header block of a request. */
export interface RequestBlock {
  readonly block: Uint8Array<ArrayBuffer>;
  readonly streamLength: number;
  readonly expectsContinue: boolean;
}

/** A header block that the encoder would make again. */
interface KnownBlock extends RequestBlock {
  readonly method: string;
  readonly own: HeaderPairs;
  readonly bodyLength: number;
  readonly changes: number;
}

/** Encodes the heads of requests, and remembers those that can be sent again as they are. */
export class RequestBlocks {
  readonly #encoder = new HpackEncoder();
  readonly #known = new WeakMap<RequestTarget, KnownBlock>();

  /** The server allows a table of this size. */
  allowTable(size: number): void {
    this.#encoder.allow(size);
  }

  /** @throws WireError `BAD_REQUEST` if a part of the head cannot be sent. */
  of(request: WireRequest, target: RequestTarget): RequestBlock {
    const { method, headers: own, body } = request;
    const bodyLength = body === null ? NO_BODY : body instanceof Uint8Array ? body.length : STREAM;
    const known = this.#known.get(target);
    if (
      known !== undefined && known.own === own &&
      (known.bodyLength === bodyLength || known.bodyLength === ANY_BODY) &&
      known.method === method && known.changes === this.#encoder.changes
    ) return known;
    const { headers, streamLength, expectsContinue, fitsAnyBody } = http2Head(request, target);
    const { changes } = this.#encoder;
    const block = this.#encoder.encode(headers);
    const made: KnownBlock = {
      method,
      own,
      bodyLength: fitsAnyBody ? ANY_BODY : bodyLength,
      changes,
      block,
      streamLength,
      expectsContinue,
    };
    // A block that has changed the table is another one the next time.
    if (this.#encoder.changes === changes) this.#known.set(target, made);
    return made;
  }
}

/** Lengths of bodies that are not known as a number. */
const NO_BODY = -1;
const STREAM = -2;
const ANY_BODY = -3;
