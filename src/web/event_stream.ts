/** One client's stream of server-sent events, which never holds up whoever sends. */
export interface EventStream {
  /** What the client gets. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Sends bytes as they are; a client that is too far behind is cut off instead. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** Ends the stream. */
  close(): void;
}

/** Bytes that may wait for a client, unless it is one event alone: that of a long run may be longer. */
const MOST_WAITING = 8 * 1024 * 1024;

/**
 * Makes a stream.
 *
 * @param onEnd called once, when the client has gone, was cut off, or the stream was closed.
 */
export function openEventStream(onEnd: () => void): EventStream {
  let controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | null = null;
  const end = (): void => {
    if (controller === null) return;
    controller = null;
    onEnd();
  };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (made) => {
      controller = made;
    },
    cancel: end,
  }, new ByteLengthQueuingStrategy({ highWaterMark: MOST_WAITING }));
  return {
    body,
    send(bytes): void {
      if (controller === null) return;
      const room = controller.desiredSize ?? 0;
      if (room < MOST_WAITING && room < bytes.length) {
        controller.error(new Error("the client does not read"));
        end();
      } else controller.enqueue(bytes);
    },
    close(): void {
      controller?.close();
      end();
    },
  };
}

/** An event as bytes. @param data text without line breaks, such as JSON. */
export function eventBytes(event: string, data: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(`event: ${event}\ndata: ${data}\n\n`);
}

/** What a client ignores: it shows whoever waits that the connection lives. */
export const HEARTBEAT: Uint8Array<ArrayBuffer> = new TextEncoder().encode(": still here\n\n");

const encoder = new TextEncoder();
