import type { Identity } from "./raw_server.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A proxy that supports CONNECT only, and always connects to the same port of this machine. */
export class TunnelProxy implements AsyncDisposable {
  readonly port: number;
  /** The heads of all requests, including the empty line. */
  readonly heads: string[] = [];
  readonly #listener: Deno.Listener;
  readonly #open = new Set<Deno.Conn>();
  readonly #tunnels: Promise<void>[] = [];
  readonly #done: Promise<void>;

  constructor(targetPort: number, identity?: Identity) {
    const address = { hostname: "127.0.0.1", port: 0 };
    const listener = identity === undefined
      ? Deno.listen(address)
      : Deno.listenTls({ ...address, ...identity });
    this.#listener = listener;
    this.port = listener.addr.port;
    this.#done = this.#accept(targetPort);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#open) close(conn);
    await this.#done;
    await Promise.all(this.#tunnels);
  }

  async #accept(targetPort: number): Promise<void> {
    for (;;) {
      try {
        this.#tunnels.push(this.#serve(await this.#listener.accept(), targetPort));
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) return;
      }
    }
  }

  async #serve(client: Deno.Conn, targetPort: number): Promise<void> {
    this.#open.add(client);
    try {
      const buffer = new Uint8Array(4096);
      let head = "";
      while (!head.endsWith("\r\n\r\n")) {
        const count = await client.read(buffer);
        if (count === null) return;
        head += decoder.decode(buffer.subarray(0, count));
      }
      this.heads.push(head);
      const target = await Deno.connect({ hostname: "127.0.0.1", port: targetPort });
      this.#open.add(target);
      await client.write(encoder.encode("HTTP/1.1 200 Connection established\r\n\r\n"));
      await Promise.all([pump(client, target), pump(target, client)]);
    } catch {
      // The client has closed the connection.
    } finally {
      close(client);
    }
  }
}

async function pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(16_384);
  try {
    for (let count; (count = await from.read(buffer)) !== null;) {
      for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
    }
  } catch {
    // One side has closed, so the other is closed too.
  } finally {
    close(from);
    close(to);
  }
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // The other direction has already closed it.
  }
}
