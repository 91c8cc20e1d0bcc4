import { connect, createServer, type Server, type Socket } from "node:net";

/** A SOCKS 5 proxy without login. Every connection leads to this machine. */
export class SocksProxy implements AsyncDisposable {
  /** What clients asked for, such as `a.test:443`. */
  readonly asked: string[] = [];
  /** Hosts that it answers are unreachable. */
  readonly unreachable: readonly string[];
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #targetPort: number;

  private constructor(targetPort: number, unreachable: readonly string[]) {
    this.#targetPort = targetPort;
    this.unreachable = unreachable;
    this.#server = createServer((client) => this.#serve(client));
  }

  static async start(targetPort: number, ...unreachable: string[]): Promise<SocksProxy> {
    const proxy = new SocksProxy(targetPort, unreachable);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #track(socket: Socket): void {
    this.#open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.#open.delete(socket));
  }

  #serve(client: Socket): void {
    this.#track(client);
    let greeted = false;
    client.on("data", (bytes: Uint8Array) => {
      if (!greeted) {
        greeted = true;
        client.write(Uint8Array.of(5, 0));
        return;
      }
      client.removeAllListeners("data");
      const host = bytes[3] === 3
        ? new TextDecoder().decode(bytes.subarray(5, 5 + bytes[4]!))
        : bytes.subarray(4, 8).join(".");
      this.asked.push(`${host}:${bytes.at(-2)! * 256 + bytes.at(-1)!}`);
      const refuses = this.unreachable.includes(host);
      client.write(Uint8Array.of(5, refuses ? 4 : 0, 0, 1, 0, 0, 0, 0, 0, 0));
      if (refuses) return client.end();
      const target = connect(this.#targetPort, "127.0.0.1");
      this.#track(target);
      client.pipe(target).pipe(client);
    });
  }
}
