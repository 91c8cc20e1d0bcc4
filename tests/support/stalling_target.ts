/** A target that answers at once, but for a while in which it answers nobody. */
export class StallingTarget implements AsyncDisposable {
  readonly url: string;
  total = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #stallAfter: number;
  readonly #stallMs: number;
  /** Resolves when the stall is over; null before it. */
  #stall: Promise<void> | null = null;

  /**
   * @param stallAfter requests that are answered before it stands still.
   * @param stallMs how long it does.
   */
  constructor(stallAfter: number, stallMs: number) {
    this.#stallAfter = stallAfter;
    this.#stallMs = stallMs;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => this.#answer(),
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(): Promise<Response> {
    this.total++;
    if (this.total > this.#stallAfter) {
      await (this.#stall ??= new Promise((resolve) => void setTimeout(resolve, this.#stallMs)));
    }
    return new Response("ok");
  }
}
