import assert from "node:assert/strict";
import type { RedisClient } from "../../src/shared/redis.ts";

interface Sent {
  readonly words: readonly string[];
  readonly answer: PromiseWithResolvers<unknown>;
}

/** A Redis client whose connections and answers the test controls. */
export class FakeRedisClient implements RedisClient {
  readonly connected = Promise.withResolvers<unknown>();
  isDestroyed = false;
  readonly #listeners: [event: string, listener: (error?: unknown) => void][] = [];
  readonly #sent: Sent[] = [];

  on(event: string, listener: (error?: unknown) => void): void {
    this.#listeners.push([event, listener]);
  }

  connect(): Promise<unknown> {
    return this.connected.promise;
  }

  sendCommand(words: readonly string[]): Promise<unknown> {
    const answer = Promise.withResolvers<unknown>();
    this.#sent.push({ words, answer });
    return answer.promise;
  }

  destroy(): void {
    if (this.isDestroyed) throw new Error("The client is closed");
    this.isDestroyed = true;
  }

  emit(event: string, error?: unknown): void {
    for (const [name, listener] of this.#listeners) if (name === event) listener(error);
  }

  /** Answers the oldest command, which must be this one; an error makes it fail. */
  answer(command: string, reply: unknown): void {
    const { words, answer } = this.#sent.shift() ?? assert.fail(`nobody has sent ${command}`);
    assert.equal(words.join(" "), command);
    if (reply instanceof Error) answer.reject(reply);
    else answer.resolve(reply);
  }

  /** The number of unanswered commands. */
  get waiting(): number {
    return this.#sent.length;
  }
}
