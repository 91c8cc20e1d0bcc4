import fc from "fast-check";
import { decodeMessage, encodeMessage } from "../../src/cluster/codec.ts";
import { LENGTH_BYTES } from "../../src/cluster/frames.ts";
import type { Message } from "../../src/cluster/protocol.ts";
import { anyMessage } from "./messages.ts";
import { type Below, mutated, numbers } from "./mutations.ts";

type Frame = Uint8Array<ArrayBuffer>;

/** How many messages there are before they are changed. */
const MESSAGES = 2_000;

/** Messages that whoever gets them at a wrong time only wonders about. */
const HARMLESS: ReadonlySet<Message["type"]> = new Set([
  "HELLO",
  "JOIN",
  "WELCOME",
  "SETUP",
  "START",
  "STARTED",
  "TARGET_ACK",
  "STATE",
  "STOPPED",
  "PING",
  "PONG",
]);

/** Frames of all types of messages, each changed in a few places; no end of them. */
export class HostileFrames {
  readonly #originals: readonly Frame[];
  readonly #harmless: readonly Frame[];
  readonly #below: Below;

  /**
   * @param seed decides; the same one decides the same again.
   * @param change is made to each message before the frames are.
   */
  constructor(seed: number, change: (message: Message) => Message = (message) => message) {
    this.#below = numbers(seed);
    const messages = fc.sample(anyMessage, { seed, numRuns: MESSAGES }).map(change);
    this.#originals = messages.map(encodeMessage);
    this.#harmless = messages.filter(({ type }) => HARMLESS.has(type)).map(encodeMessage);
  }

  /** Any of them. */
  next(): Frame {
    return this.#changed(this.#originals);
  }

  /** One that ends the connection of whoever sends it. */
  refused(): Frame {
    return this.#changedThat(
      this.#originals,
      (frame) => hasItsLength(frame) && typeOf(frame) === null,
    );
  }

  /** One that is a message all the same, and does not end the connection. */
  harmless(): Frame {
    return this.#changedThat(this.#harmless, (frame) => {
      const type = hasItsLength(frame) ? typeOf(frame) : null;
      return type !== null && HARMLESS.has(type);
    });
  }

  #changed(originals: readonly Frame[]): Frame {
    return mutated(originals[this.#below(originals.length)]!, this.#below);
  }

  #changedThat(originals: readonly Frame[], isSo: (frame: Frame) => boolean): Frame {
    for (let tries = 0; tries < 10_000; tries++) {
      const frame = this.#changed(originals);
      if (isSo(frame)) return frame;
    }
    throw new Error("no frame is like that");
  }
}

/** Whether a frame is as long as it says; behind any other, nothing is looked at as a frame. */
export function hasItsLength(frame: Frame): boolean {
  if (frame.length < LENGTH_BYTES) return false;
  return new DataView(frame.buffer).getUint32(0) === frame.length - LENGTH_BYTES;
}

function typeOf(frame: Frame): Message["type"] | null {
  try {
    return decodeMessage(frame.subarray(LENGTH_BYTES)).type;
  } catch {
    return null;
  }
}
