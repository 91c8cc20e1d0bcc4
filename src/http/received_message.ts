import type { HeadFraming } from "./head_framing.ts";
import type { WireMessage } from "./wire_message.ts";

const NO_PIECES: readonly Uint8Array<ArrayBuffer>[] = [];

/** A whole response; makes arrays of its head and its body only when they are asked for. */
export class ReceivedMessage implements WireMessage {
  readonly status: number;
  readonly bodyLength: number;
  readonly setsCookies: boolean;
  readonly reusable: boolean;
  readonly keepAliveSeconds: number | null;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #headStart: number;
  readonly #headLength: number;
  #pieces: readonly Uint8Array<ArrayBuffer>[] | null;

  /**
   * @param bytes have the head, and where there are no `pieces`, the body behind it.
   * @param pieces the body's, none empty; null where it is in `bytes`.
   */
  constructor(
    framing: HeadFraming,
    reusable: boolean,
    bytes: Uint8Array<ArrayBuffer>,
    headStart: number,
    headLength: number,
    bodyLength: number,
    pieces: readonly Uint8Array<ArrayBuffer>[] | null,
  ) {
    this.status = framing.status;
    this.bodyLength = bodyLength;
    this.setsCookies = framing.setsCookies;
    this.reusable = reusable;
    this.keepAliveSeconds = framing.keepAliveSeconds < 0 ? null : framing.keepAliveSeconds;
    this.#bytes = bytes;
    this.#headStart = headStart;
    this.#headLength = headLength;
    this.#pieces = pieces;
  }

  get head(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(this.#headStart, this.#headStart + this.#headLength);
  }

  /** A body in one piece has a buffer of its own, because it is what a test gets. */
  get body(): readonly Uint8Array<ArrayBuffer>[] {
    return this.#pieces = this.#pieces === null ? this.#bodyBehindHead() : own(this.#pieces);
  }

  #bodyBehindHead(): readonly Uint8Array<ArrayBuffer>[] {
    if (this.bodyLength === 0) return NO_PIECES;
    const start = this.#headStart + this.#headLength;
    return [this.#bytes.slice(start, start + this.bodyLength)];
  }
}

function own(pieces: readonly Uint8Array<ArrayBuffer>[]): readonly Uint8Array<ArrayBuffer>[] {
  const [first] = pieces;
  if (first === undefined || pieces.length > 1) return pieces;
  return first.length === first.buffer.byteLength ? pieces : [first.slice()];
}
