import type { Clock, Timer } from "../core/clock.ts";
import type { Channel } from "./channel.ts";
import type { FileBundle } from "./file_bundle.ts";
import type { Join } from "./message.ts";
import { peerText } from "./peer_text.ts";
import { ProtocolError } from "./protocol_error.ts";

/** What a desk works with. */
export interface FileDeskOptions {
  readonly clock: Clock;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
}

/** Who says nothing for so long has gone. */
const SILENCE_MS = 10_000;

/** Where workers that have no test file get the master's. They take no part in the run as yet. */
export class FileDesk {
  readonly #bundle: FileBundle;
  readonly #options: FileDeskOptions;
  readonly #channels = new Set<Channel>();

  constructor(bundle: FileBundle, options: FileDeskOptions) {
    this.#bundle = bundle;
    this.#options = options;
  }

  /** Of the files; who has them can join with it. */
  get hash(): string {
    return this.#bundle.hash;
  }

  /** Serves a worker, at its own pace, until it goes. */
  async serve(channel: Channel, { workerId }: Pick<Join, "workerId">): Promise<void> {
    const { clock, info } = this.#options;
    info(`Worker ${peerText(workerId)} fetches the test file.`);
    this.#channels.add(channel);
    const watch = (): Timer => clock.setTimer(() => channel.close(), SILENCE_MS);
    let timer = watch();
    try {
      channel.send(this.#bundle.list);
      for (;;) {
        const message = await channel.receive();
        if (message === null) break;
        clock.clearTimer(timer);
        timer = watch();
        if (message.type === "PING") channel.send({ type: "PONG", number: message.number });
        else if (message.type === "NEED") this.#hand(channel, message.offset);
        else if (message.type === "ERROR") this.#warn(workerId, message.text);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      channel.refuse(error, clock);
      await channel.flushed();
    } finally {
      clock.clearTimer(timer);
      this.#channels.delete(channel);
      channel.close();
    }
  }

  /** Serves nobody any more. */
  close(): void {
    for (const channel of this.#channels) channel.close();
  }

  #hand(channel: Channel, offset: number): void {
    const data = this.#bundle.chunk(offset);
    if (data.length > 0) channel.send({ type: "CHUNK", offset, data });
  }

  #warn(workerId: string, text: string): void {
    this.#options.warn(
      `Worker ${peerText(workerId)} cannot use the test file: ${peerText(text)}`,
    );
  }
}
