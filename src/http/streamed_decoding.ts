/**
 * Decodes the content codings of a response body while it arrives.
 *
 * @module
 */

import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from "node:zlib";
import { errorText } from "../core/errors.ts";
import { codingsOf, hasZlibHeader, joined, plain, unknownCoding } from "./decoding.ts";
import { WireError } from "./request_error.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Gets a body piece by piece. After `ended` or `failed`, nothing is called. */
export interface DecodedBody {
  /** A piece of the body. @param at when the bytes arrived that completed it. */
  decoded(bytes: Bytes, at: number): void;
  /** Some of the bytes that were waiting have been decoded. */
  consumed(): void;
  /** The body is complete. */
  ended(): void;
  /** The body is corrupt or not complete: `BAD_ENCODING`. */
  failed(error: WireError): void;
}

/** What decodes one coding, or several of them. */
export interface StreamedDecoder {
  /** How many bytes wait to be decoded. */
  readonly waiting: number;
  /** Bytes of the body. @param at when they arrived. */
  push(bytes: Bytes, at: number): void;
  /** The bytes that were pushed are all. */
  end(): void;
  /** Decodes nothing more until {@link resume}, except what is being decoded. */
  pause(): void;
  resume(): void;
  /** Ends it at once. */
  close(): void;
}

/**
 * A decoder for a body; `null` if it has no coding.
 *
 * @param contentEncoding the value of the header: the codings in the order in which they were applied.
 * @throws WireError `BAD_ENCODING` if one is unknown, or if there are too many.
 */
export function streamedDecoder(
  contentEncoding: string,
  body: DecodedBody,
): StreamedDecoder | null {
  let decoder: StreamedDecoder | null = null;
  // The coding that is decoded last gets the body.
  for (const coding of codingsOf(contentEncoding).reverse()) {
    if (coding === "" || coding === "identity") continue;
    const engines = ENGINES.get(coding) ?? unknownCoding(coding);
    decoder = new CodingDecoder(
      engines,
      decoder === null ? body : new Stage(decoder, body),
      decoder,
    );
  }
  return decoder;
}

/** What is common to the decompressors of node:zlib. */
interface Engine {
  readonly bytesWritten: number;
  write(bytes: Uint8Array, callback: () => void): boolean;
  end(): void;
  on(event: "data", listener: (piece: Uint8Array) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** How a coding is decoded. */
interface Engines {
  /** @param first the first bytes, at least {@link needs}. */
  create(first: Bytes): Engine;
  /** How many bytes are needed to choose the engine. */
  readonly needs?: number;
  /** Whether the engine accepts data that are not complete, unless another byte follows them. */
  readonly acceptsLess?: boolean;
  /** Whether bytes after the end are corrupt, and not ignored. */
  readonly refusesMore?: boolean;
  /** Whether there can be several frames, each of which needs an engine of its own. */
  readonly hasFrames?: boolean;
}

const GZIP: Engines = { create: () => createGunzip() };

const ENGINES: ReadonlyMap<string, Engines> = new Map<string, Engines>([
  ["gzip", GZIP],
  ["x-gzip", GZIP],
  ["deflate", {
    needs: 2,
    create: (first) => hasZlibHeader(first) ? createInflate() : createInflateRaw(),
  }],
  ["br", { create: () => createBrotliDecompress(), acceptsLess: true, refusesMore: true }],
  ["zstd", { create: () => createZstdDecompress(), hasFrames: true }],
]);

/** Bytes that wait to be decoded. */
interface Piece {
  readonly bytes: Bytes;
  readonly at: number;
}

/** A byte after the end of a body. An engine that takes it has not found the end. */
const MARKER = new Uint8Array(1);

/** Decodes one coding. */
class CodingDecoder implements StreamedDecoder {
  readonly #engines: Engines;
  readonly #body: DecodedBody;
  /** Of the next coding. */
  readonly #next: StreamedDecoder | null;
  readonly #queue: Piece[] = [];
  #queued = 0;
  #engine: Engine | null = null;
  /** The bytes that the engine was given. */
  #given = 0;
  /** Those that it is working on; `null` if it is idle. */
  #current: Piece | null = null;
  /** Where the frames of the body begin and end; `null` if there are none. */
  readonly #frames: ZstdFrames | null;
  #isPaused = false;
  #isEnding = false;
  /** Whether the engine has found the end of its data. */
  #isOver = false;
  #isClosed = false;

  constructor(engines: Engines, body: DecodedBody, next: StreamedDecoder | null) {
    this.#engines = engines;
    this.#body = body;
    this.#next = next;
    this.#frames = engines.hasFrames ? new ZstdFrames() : null;
  }

  get waiting(): number {
    return this.#queued + (this.#next?.waiting ?? 0);
  }

  push(bytes: Bytes, at: number): void {
    if (bytes.length === 0 || this.#isClosed) return;
    this.#queued += bytes.length;
    this.#queue.push({ bytes, at });
    this.#proceed();
  }

  end(): void {
    this.#isEnding = true;
    this.#proceed();
  }

  pause(): void {
    this.#isPaused = true;
    this.#engine?.pause();
    this.#next?.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#next?.resume();
    this.#engine?.resume();
    this.#proceed();
  }

  close(): void {
    this.#isClosed = true;
    this.#queue.length = 0;
    this.#queued = 0;
    this.#engine?.destroy();
    this.#next?.close();
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    this.close();
    const detail = error instanceof WireError ? error.message : errorText(error);
    this.#body.failed(new WireError("BAD_ENCODING", detail, error));
  }

  /** Gives the engine the next piece, if it has nothing to do. */
  #proceed(): void {
    if (this.#current !== null || this.#isPaused || this.#isClosed) return;
    const { needs = 0 } = this.#engines;
    if (this.#engine === null && this.#queued < needs && !this.#isEnding) return;
    if (this.#engine === null && needs > 0 && this.#queue.length > 1) this.#joinQueue();
    const piece = this.#queue.shift();
    if (piece === undefined) {
      if (this.#isEnding) this.#finish();
      return;
    }
    this.#queued -= piece.bytes.length;
    try {
      this.#write(piece);
    } catch (error) {
      this.#fail(error);
    }
  }

  #joinQueue(): void {
    const { at } = this.#queue.at(-1)!;
    const bytes = joined(this.#queue.map((piece) => piece.bytes), this.#queued);
    this.#queue.splice(0, Infinity, { bytes, at });
  }

  #write(piece: Piece): void {
    if (this.#isOver) {
      if (this.#engines.refusesMore) throw incomplete("followed by other bytes");
      return this.#consumed();
    }
    let { bytes } = piece;
    if (this.#frames !== null) {
      const end = this.#frames.take(bytes);
      if (end < bytes.length) {
        const rest = bytes.subarray(end);
        this.#queue.unshift({ bytes: rest, at: piece.at });
        this.#queued += rest.length;
        bytes = bytes.subarray(0, end);
      }
    }
    this.#current = { bytes, at: piece.at };
    const engine = this.#engine ??= this.#create(bytes);
    this.#given += bytes.length;
    engine.write(bytes, () => {
      if (this.#engine !== engine || this.#isClosed) return;
      if (this.#frames?.isBetween) this.#discardEngine();
      this.#consumed();
    });
  }

  #consumed(): void {
    this.#current = null;
    this.#body.consumed();
    this.#proceed();
  }

  #create(first: Bytes): Engine {
    const engine = this.#engines.create(first);
    this.#given = 0;
    engine.on("data", (piece) => {
      if (this.#engine !== engine || this.#isClosed) return;
      this.#body.decoded(plain(piece), this.#current?.at ?? 0);
    });
    engine.on("error", (error) => {
      if (this.#engine === engine) this.#fail(error);
    });
    engine.on("end", () => {
      if (this.#engine === engine && !this.#isClosed) this.#over(engine);
    });
    // Listening makes it flow.
    if (this.#isPaused) engine.pause();
    return engine;
  }

  /** The engine takes no more bytes. It does not say so for those that it was given last. */
  #over(engine: Engine): void {
    const { bytesWritten } = engine;
    if (this.#current === MARKED) {
      if (bytesWritten === this.#given) return this.#fail(incomplete("not complete"));
      return this.#complete();
    }
    this.#isOver = true;
    if (this.#current === null) return this.#complete();
    if (bytesWritten < this.#given && this.#engines.refusesMore) {
      return this.#fail(incomplete("followed by other bytes"));
    }
    this.#consumed();
  }

  #discardEngine(): void {
    this.#engine?.destroy();
    this.#engine = null;
  }

  /** All bytes were decoded. */
  #finish(): void {
    const engine = this.#engine;
    if (this.#isOver) return this.#complete();
    if (engine === null) {
      // No body at all has no coding either.
      if (this.#frames === null || this.#frames.isBetween) return this.#complete();
      return this.#fail(incomplete("not complete"));
    }
    if (this.#frames !== null) return this.#fail(incomplete("not complete"));
    if (!this.#engines.acceptsLess) return engine.end();
    this.#current = MARKED;
    this.#given++;
    engine.write(MARKER, () => {
      if (!this.#isClosed) this.#fail(incomplete("not complete"));
    });
  }

  #complete(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#discardEngine();
    this.#body.ended();
  }
}

/** What is decoded while the end of a body is looked for. */
const MARKED: Piece = { bytes: MARKER, at: 0 };

function incomplete(what: string): WireError {
  return new WireError("BAD_ENCODING", `the compressed data is ${what}`);
}

/** Gives what one decoder has decoded to the next one. */
class Stage implements DecodedBody {
  readonly #next: StreamedDecoder;
  readonly #body: DecodedBody;

  constructor(next: StreamedDecoder, body: DecodedBody) {
    this.#next = next;
    this.#body = body;
  }

  decoded(bytes: Bytes, at: number): void {
    this.#next.push(bytes, at);
  }

  consumed(): void {
    this.#body.consumed();
  }

  ended(): void {
    this.#next.end();
  }

  failed(error: WireError): void {
    this.#next.close();
    this.#body.failed(error);
  }
}

/** What the next bytes of zstd data are. */
type ZstdPart = "magic" | "skippable size" | "descriptor" | "block";

/**
 * Finds the ends of frames in zstd data (RFC 8878) that arrive in pieces: the runtime decodes one frame only, and does
 * not say whether it was complete.
 */
class ZstdFrames {
  #part: ZstdPart = "magic";
  /** The bytes of the part that have arrived, as a number. */
  #value = 0;
  #length = 0;
  /** How many bytes follow before the next part. */
  #skipped = 0;
  #hasChecksum = false;
  /** Whether what is skipped is the last of the frame. */
  #isLast = false;

  /** Whether no frame is under way. */
  get isBetween(): boolean {
    return this.#part === "magic" && this.#length === 0 && this.#skipped === 0;
  }

  /**
   * How many of these bytes belong to the frame that is under way.
   *
   * @throws WireError if they are no zstd data.
   */
  take(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length) {
      if (this.#skipped > 0) {
        const count = Math.min(this.#skipped, bytes.length - at);
        this.#skipped -= count;
        at += count;
      } else {
        this.#value += bytes[at++]! * 2 ** (8 * this.#length++);
        if (this.#length === PART_LENGTHS[this.#part]) this.#read();
      }
      if (this.#skipped === 0 && this.#isLast) {
        this.#part = "magic";
        this.#isLast = false;
        return at;
      }
    }
    return at;
  }

  #read(): void {
    const value = this.#value;
    this.#value = this.#length = 0;
    switch (this.#part) {
      case "magic":
        if (value === 0xfd2fb528) this.#part = "descriptor";
        else if (Math.floor(value / 16) === 0x184d2a5) this.#part = "skippable size";
        else throw new WireError("BAD_ENCODING", "the zstd data is not valid");
        return;
      case "skippable size":
        this.#skipped = value;
        this.#isLast = true;
        return;
      case "descriptor": {
        const isSingleSegment = (value >> 5) & 1;
        const dictionarySize = [0, 1, 2, 4][value & 3]!;
        const sizeSize = [isSingleSegment, 2, 4, 8][value >> 6]!;
        this.#skipped = 1 - isSingleSegment + dictionarySize + sizeSize;
        this.#hasChecksum = ((value >> 2) & 1) === 1;
        this.#part = "block";
        return;
      }
      case "block":
        this.#skipped = ((value >> 1) & 3) === 1 ? 1 : value >> 3;
        if ((value & 1) === 0) return;
        this.#skipped += this.#hasChecksum ? 4 : 0;
        this.#isLast = true;
    }
  }
}

const PART_LENGTHS: Readonly<Record<ZstdPart, number>> = {
  magic: 4,
  "skippable size": 4,
  descriptor: 1,
  block: 3,
};
