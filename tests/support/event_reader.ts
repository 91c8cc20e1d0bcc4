/** One event of a stream; a comment has an empty name. */
export interface ReadEvent {
  readonly event: string;
  // deno-lint-ignore no-explicit-any -- parsed JSON.
  readonly data: any;
}

/** Reads a stream of server-sent events, an event at a time. */
export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next event; null at the stream's end. */
  async next(): Promise<ReadEvent | null> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const event = parse(this.#text.slice(0, end));
        this.#text = this.#text.slice(end + 2);
        return event;
      }
      const { value, done } = await this.#reader.read();
      if (done) return null;
      this.#text += value;
    }
  }

  /** The next event of a name; earlier events are discarded. */
  async nextOf(name: string): Promise<ReadEvent> {
    for (;;) {
      const event = await this.next();
      if (event === null) throw new Error(`the stream ended before an event ${name}`);
      if (event.event === name) return event;
    }
  }

  /** Goes away. */
  async leave(): Promise<void> {
    await this.#reader.cancel();
  }
}

function parse(text: string): ReadEvent {
  const match = /^event: (\w+)\ndata: (.*)$/.exec(text);
  if (match === null) return { event: "", data: text };
  return { event: match[1]!, data: JSON.parse(match[2]!) };
}
