import { createHash } from "node:crypto";
import { type RawConnection, RawServer } from "./raw_server.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A frame that a client has sent. */
export interface ClientFrame {
  readonly opcode: number;
  readonly isCompressed: boolean;
  readonly isMasked: boolean;
  readonly payload: Bytes;
}

/** The server's side of a WebSocket, which sends any bytes. */
export class WebSocketPeer {
  /** The request that has opened it, including the empty line. */
  readonly head: string;
  readonly raw: RawConnection;

  constructor(head: string, raw: RawConnection) {
    this.head = head;
    this.raw = raw;
  }

  /** The value of a header of the request; `null` if it is missing. */
  header(name: string): string | null {
    return headerOf(this.head, name);
  }

  /** The next frame of the client; `null` if it has closed the connection. */
  async frame(): Promise<ClientFrame | null> {
    const head = bytesOf(await this.raw.readText(2));
    if (head.length < 2) return null;
    const short = head[1]! & 0x7f;
    const extra = short < 126 ? 0 : short === 126 ? 2 : 8;
    const lengthBytes = bytesOf(await this.raw.readText(extra));
    const length = extra === 0 ? short : lengthBytes.reduce((sum, byte) => sum * 256 + byte, 0);
    const mask = bytesOf(await this.raw.readText(4));
    const payload = bytesOf(await this.raw.readText(length));
    return {
      opcode: head[0]! & 0x0f,
      isCompressed: (head[0]! & 0x40) !== 0,
      isMasked: (head[1]! & 0x80) !== 0,
      payload: payload.map((byte, index) => byte ^ mask[index % 4]!),
    };
  }

  /** The next frame as text, with its opcode: `1 hello`, `8 1000`; `null` if the client has closed the connection. */
  async next(): Promise<string | null> {
    const frame = await this.frame();
    if (frame === null) return null;
    const { opcode, payload } = frame;
    if (opcode !== 8) return `${opcode} ${new TextDecoder().decode(payload)}`;
    const code = payload.length === 0 ? "" : (payload[0]! << 8) | payload[1]!;
    return `8 ${code} ${new TextDecoder().decode(payload.subarray(2))}`.trim();
  }

  /** Sends text in one frame. */
  text(text: string): Promise<void> {
    return this.send(0x81, new TextEncoder().encode(text));
  }

  /** Sends a close. */
  close(code: number, reason = ""): Promise<void> {
    const text = new TextEncoder().encode(reason);
    return this.send(0x88, Uint8Array.from([code >> 8, code & 0xff, ...text]));
  }

  /** Sends a frame. @param first its first byte. */
  send(first: number, payload: Uint8Array = new Uint8Array(0)): Promise<void> {
    return this.raw.write(serverFrame(first, payload));
  }
}

/** A frame as a server sends it. @param first its first byte: FIN 0x80, reserved bits 0x70, opcode 0x0f. */
export function serverFrame(first: number, payload: Uint8Array): Bytes {
  const { length } = payload;
  const head = length < 126
    ? [first, length]
    : length < 65_536
    ? [first, 126, length >> 8, length & 0xff]
    : [
      first,
      127,
      0,
      0,
      0,
      0,
      length >>> 24,
      (length >> 16) & 0xff,
      (length >> 8) & 0xff,
      length & 0xff,
    ];
  const bytes = new Uint8Array(head.length + length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return bytes;
}

/** The response that agrees to a request. @param more further lines, each with its line break. */
export function agreement(head: string, more = ""): string {
  const key = headerOf(head, "sec-websocket-key");
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${accept}\r\n${more}\r\n`;
}

/** A server that agrees to all requests, and then does what a function says. */
export function webSocketServer(
  play: (peer: WebSocketPeer, index: number) => Promise<void>,
  more = "",
  ...rest: [identity?: ConstructorParameters<typeof RawServer>[1]]
): RawServer {
  return new RawServer(async (raw, index) => {
    const head = await raw.readHead();
    if (head === null) return;
    await raw.write(agreement(head, more));
    await play(new WebSocketPeer(head, raw), index);
  }, ...rest);
}

/** Answers each message with `echo` and the message, and each close with the same code. */
export async function echo(peer: WebSocketPeer): Promise<void> {
  for (;;) {
    const text = await peer.next();
    if (text === null) return;
    if (text.startsWith("8")) return await peer.close(Number(text.slice(2, 6)) || 1000);
    await peer.text(`echo ${text.slice(2)}`);
  }
}

function headerOf(head: string, name: string): string | null {
  return new RegExp(`^${name}: *(.*)\r$`, "im").exec(head)?.[1] ?? null;
}

/** A {@link RawConnection} decodes what it reads, each byte as one character of windows-1252. */
const BYTES: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 256 }, (_, byte) => [
    new TextDecoder("latin1").decode(Uint8Array.of(byte)),
    byte,
  ]),
);

function bytesOf(text: string): Bytes {
  return Uint8Array.from(text, (character) => BYTES.get(character)!);
}
