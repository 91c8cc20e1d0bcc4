const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** The server's side of one connection. */
export class RawConnection {
  readonly #conn: Deno.Conn;
  #buffered = "";

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** The IP address that the connection comes from. */
  get remoteAddress(): string {
    return (this.#conn.remoteAddr as Deno.NetAddr).hostname;
  }

  /** The next request head, including the empty line; null if the client has closed. */
  async readHead(): Promise<string | null> {
    for (;;) {
      const end = this.#buffered.indexOf("\r\n\r\n");
      if (end >= 0) {
        const head = this.#buffered.slice(0, end + 4);
        this.#buffered = this.#buffered.slice(end + 4);
        return head;
      }
      const more = await this.#read(65_536);
      if (more === null) return null;
      this.#buffered += more;
    }
  }

  /** Reads a number of bytes, or fewer if the client has closed. */
  async readText(length: number): Promise<string> {
    while (this.#buffered.length < length) {
      const more = await this.#read(65_536);
      if (more === null) break;
      this.#buffered += more;
    }
    const text = this.#buffered.slice(0, length);
    this.#buffered = this.#buffered.slice(length);
    return text;
  }

  /** Reads and discards everything until the client closes. */
  async readToEnd(): Promise<void> {
    while (await this.#read(65_536) !== null);
  }

  /** Sends all bytes unchanged. */
  async write(bytes: string | Uint8Array): Promise<void> {
    let rest = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
    while (rest.length > 0) rest = rest.subarray(await this.#conn.write(rest));
  }

  /** Closes with a reset, which the system sends if received bytes have not been read. */
  async reset(): Promise<void> {
    await this.#read(1);
    this.#conn.close();
  }

  async #read(most: number): Promise<string | null> {
    const buffer = new Uint8Array(most);
    const count = await this.#conn.read(buffer);
    return count === null ? null : decoder.decode(buffer.subarray(0, count));
  }
}

/** What a raw server does on each connection. The connection is closed when it returns. */
export type ConnectionScript = (connection: RawConnection, index: number) => Promise<void>;

/** A certificate and its key in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** A TCP or TLS server that sends arbitrary bytes. */
export class RawServer implements AsyncDisposable {
  /** Without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** The number of accepted connections. */
  connections = 0;
  readonly #listener: Deno.Listener;
  readonly #open = new Set<Deno.Conn>();
  readonly #done: Promise<void>;
  #playing: Promise<void>[] = [];
  #isClosed = false;

  constructor(play: ConnectionScript, identity?: Identity, hostname = "127.0.0.1") {
    const address = { hostname, port: 0 };
    const listener = identity === undefined
      ? Deno.listen(address)
      : Deno.listenTls({ ...address, ...identity });
    this.#listener = listener;
    this.port = listener.addr.port;
    this.url = `${identity === undefined ? "http" : "https"}://127.0.0.1:${this.port}`;
    this.#done = this.#accept(play);
  }

  /** Refuses further connections. */
  stopListening(): void {
    if (!this.#isClosed) this.#listener.close();
    this.#isClosed = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopListening();
    for (const conn of this.#open) conn.close();
    await this.#done;
    await Promise.all(this.#playing);
  }

  async #accept(play: ConnectionScript): Promise<void> {
    for (;;) {
      try {
        const conn = await this.#listener.accept();
        this.#playing.push(this.#serve(conn, play, this.connections++));
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) return;
        // The client gave up while connecting; other connections are not affected.
      }
    }
  }

  async #serve(conn: Deno.Conn, play: ConnectionScript, index: number): Promise<void> {
    this.#open.add(conn);
    try {
      await play(new RawConnection(conn), index);
    } catch {
      // The client has closed the connection, as in most of these tests.
    } finally {
      this.#open.delete(conn);
      try {
        conn.close();
      } catch {
        // The script or the end of the test has closed it.
      }
    }
  }
}

/** Answers every request with the same bytes, and keeps the connection open. */
export function answering(bytes: string | Uint8Array): ConnectionScript {
  return async (connection) => {
    while (await connection.readHead() !== null) await connection.write(bytes);
  };
}

/** Answers the first request with the given bytes, and closes the connection. */
export function answeringOnce(bytes: string | Uint8Array): ConnectionScript {
  return async (connection) => {
    await connection.readHead();
    await connection.write(bytes);
  };
}

/** Reads requests and never answers. */
export function silent(connection: RawConnection): Promise<void> {
  return connection.readToEnd();
}
