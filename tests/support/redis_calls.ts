import type { Done, SharedService } from "../../src/shared/calls.ts";
import type { SharedCall } from "../../src/cluster/protocol.ts";
import type { Redis } from "../../src/shared/redis.ts";

/** Calls of one service, with replies of Redis that the test chooses. */
export class RedisCalls {
  /** The commands that were sent. */
  readonly sent: string[] = [];
  readonly #replies: unknown[];
  readonly #service: string;
  readonly #store: SharedService;

  /** @param replies to the commands, in order; an error makes a command fail. */
  constructor(
    service: string,
    storeOf: (redis: Redis) => SharedService,
    replies: readonly unknown[],
  ) {
    this.#service = service;
    this.#replies = [...replies];
    this.#store = storeOf({
      command: (...words) => {
        this.sent.push(words.join(" "));
        const reply = this.#replies.shift();
        return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply);
      },
    });
  }

  /** Performs a call; resolves with the result, the value, and the record for the journal. */
  async ask(operation: string, args: readonly unknown[] = []): Promise<string> {
    const call: SharedCall = {
      service: this.#service,
      name: "n",
      operation,
      args: JSON.stringify(args),
    };
    const performed = await new Promise<Parameters<Done>[0]>((resolve) => {
      this.#store.perform(call, args, resolve, "w1");
    });
    const { result, value, changed, replayAs } = performed;
    const written = replayAs === undefined ? "" : ` [${replayAs.operation} ${replayAs.args}]`;
    return `${result} ${value}${changed ? written || " [again]" : ""}`;
  }
}
