/**
 * A server of gRPC that answers every call with the same frames, so that it takes little processor time. It prints its
 * port, and answers `GET /counts` over HTTP/1.1 on the next line's port with what it has counted.
 *
 * @module
 */

import { createServer as createHttpServer } from "node:http";
import { createServer, type Socket } from "node:net";
import process from "node:process";
import {
  FLAG,
  FRAME,
  FrameReader,
  HEAD_LENGTH,
  newFrame,
  numberFrame,
  PREFACE,
  SETTING,
  settingsFrame,
} from "../../src/http2/frames.ts";
import { framedMessage } from "../../src/grpc/message_frames.ts";

const encoder = new TextEncoder();

/** A header that changes no table of the other side. */
function literal(name: string, value: string): number[] {
  return [0x10, name.length, ...encoder.encode(name), value.length, ...encoder.encode(value)];
}

/** The status 200 is entry 8 of the static table. */
const HEADERS = [0x88, ...literal("content-type", "application/grpc")];
const TRAILERS = literal("grpc-status", "0");
/** `shop.Item { id: 7, name: "a lamp of glass", price: 4900 }`. */
const ITEM = [0x08, 7, 0x12, 15, ...encoder.encode("a lamp of glass"), 0x18, 0xa4, 0x26];

function frame(type: number, flags: number, id: number, payload: readonly number[]): Uint8Array {
  const bytes = newFrame(type, flags, id, payload.length);
  bytes.set(payload, HEAD_LENGTH);
  return bytes;
}

function answer(id: number): readonly Uint8Array[] {
  return [
    frame(FRAME.headers, FLAG.endHeaders, id, HEADERS),
    frame(FRAME.data, 0, id, [...framedMessage(Uint8Array.from(ITEM), false)]),
    frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, id, TRAILERS),
  ];
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The answer to a call on stream 0, whose id is written into three frames. */
const ANSWER = joined(answer(0));
const ID_AT = [5, 5 + answer(0)[0]!.length, 5 + answer(0)[0]!.length + answer(0)[1]!.length];
/** A client may send this much more, each time that it has sent half of it. */
const WINDOW = 2 ** 30;

let calls = 0;

function serve(socket: Socket): void {
  socket.setNoDelay(true);
  socket.on("error", () => {});
  let out: Uint8Array[] = [];
  let received = 0;
  let rest = PREFACE.length;
  const reader = new FrameReader({
    tooLarge(length): void {
      throw new Error(`a frame of ${length} bytes`);
    },
    frame(type, flags, id, bytes, start, end): void {
      if (type === FRAME.settings && (flags & FLAG.ack) === 0) {
        out.push(frame(FRAME.settings, FLAG.ack, 0, []));
      } else if (type === FRAME.ping && (flags & FLAG.ack) === 0) {
        out.push(frame(FRAME.ping, FLAG.ack, 0, [...bytes.subarray(start, end)]));
      } else if (type === FRAME.data) {
        received += end - start;
        if (received > WINDOW / 2) {
          out.push(numberFrame(FRAME.windowUpdate, 0, received));
          received = 0;
        }
        if ((flags & FLAG.endStream) === 0) return;
        calls++;
        const bytes = ANSWER.slice();
        const view = new DataView(bytes.buffer);
        for (const at of ID_AT) view.setUint32(at, id);
        out.push(bytes);
      }
    },
  });
  out.push(
    settingsFrame([[SETTING.maxConcurrentStreams, 1000]]),
    numberFrame(FRAME.windowUpdate, 0, WINDOW),
  );
  socket.on("data", (chunk: Uint8Array) => {
    const skipped = Math.min(rest, chunk.length);
    rest -= skipped;
    const bytes = Uint8Array.from(chunk.subarray(skipped));
    reader.feed(bytes, bytes.length);
    if (out.length > 0) socket.write(joined(out));
    out = [];
  });
}

const counts = createHttpServer((_, response) => response.end(JSON.stringify({ calls })));
const server = createServer(serve);
server.listen(0, "127.0.0.1", () => {
  counts.listen(0, "127.0.0.1", () => {
    const ports = [server, counts].map((one) => (one.address() as { port: number }).port);
    process.stdout.write(`${ports.join(" ")}\n`);
  });
});
