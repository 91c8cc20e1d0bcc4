/**
 * TCP and TLS streams of this machine, for whatever is not a request of a test.
 *
 * @module
 */

/** Where to listen. */
export interface ListenOptions {
  readonly hostname: string;
  /** 0: any port that is free. */
  readonly port: number;
  /** Certificate and key in PEM; null: plain TCP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

/** Where to connect to. */
export interface ConnectOptions {
  readonly hostname: string;
  readonly port: number;
  /** TLS, with the authorities in PEM that are trusted beside the usual ones; null: plain TCP. */
  readonly tls: { readonly caCerts: readonly string[] } | null;
}

/** A connection that came in. */
export interface AcceptedStream {
  readonly stream: ByteStream;
  /** Address of the peer, without its port. */
  readonly address: string;
}

/** Takes connections. */
export interface StreamListener {
  readonly port: number;
  /** The next connection; null once it is closed. */
  accept(): Promise<AcceptedStream | null>;
  close(): void;
}

/** @throws `Deno.errors.AddrInUse` and its like. */
export function listen({ hostname, port, tls }: ListenOptions): StreamListener {
  const listener = tls === null
    ? Deno.listen({ hostname, port })
    : Deno.listenTls({ hostname, port, ...tls });
  return {
    port: listener.addr.port,
    async accept(): Promise<AcceptedStream | null> {
      for (;;) {
        try {
          const conn = await listener.accept();
          sendAtOnce(conn);
          return { stream: conn, address: conn.remoteAddr.hostname };
        } catch (error) {
          if (
            error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted
          ) {
            return null;
          }
          // One connection that was gone before it was taken is no reason to take no more.
          await new Promise((resolve) => setTimeout(resolve, ACCEPT_RETRY_MS));
        }
      }
    },
    close: () => listener.close(),
  };
}

/** Out of file descriptors, or a connection that was reset: the next one may do better. */
const ACCEPT_RETRY_MS = 50;

/**
 * Rejects with `Deno.errors.ConnectionRefused` and its like, and with `Deno.errors.InvalidData` where
 * TLS cannot be agreed on.
 */
export async function connect({ hostname, port, tls }: ConnectOptions): Promise<ByteStream> {
  const conn = tls === null
    ? await Deno.connect({ hostname, port })
    : await connectTls(hostname, port, tls.caCerts);
  sendAtOnce(conn);
  return conn;
}

/** Shakes hands at once: else a certificate that nobody trusts would look like a connection that ends. */
async function connectTls(
  hostname: string,
  port: number,
  caCerts: readonly string[],
): Promise<Deno.TlsConn> {
  const conn = await Deno.connectTls({ hostname, port, caCerts: [...caCerts] });
  try {
    await conn.handshake();
    return conn;
  } catch (error) {
    conn.close();
    throw error;
  }
}

/** Small messages must not wait for more of them; TLS streams of Deno do not offer it. */
function sendAtOnce(conn: Deno.Conn): void {
  if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(true);
}

/** A connection as bytes, plain or TLS: as much of `Deno.Conn` as aiotest needs. */
export interface ByteStream {
  /** Reads some bytes; resolves with how many, or null at the end of the stream. */
  read(into: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Writes some of the bytes; resolves with how many. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<number>;
  /** Closes it; a read or write under way rejects. */
  close(): void;
}

/** Writes all of the bytes, however few the stream takes at once. */
export async function writeAll(
  stream: Pick<ByteStream, "write">,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await stream.write(rest));
}

// Answers HTTP requests of people and their tools. Those of a test are another matter, and go out.

/** Where to answer. */
export interface WebListenOptions {
  readonly hostname: string;
  /** 0: any port that is free. */
  readonly port: number;
}

/**
 * Answers one request.
 *
 * @param address the client's, without its port.
 */
export type WebHandler = (request: Request, address: string) => Response | Promise<Response>;

/** Answers requests until it is closed. */
export interface WebListener {
  readonly port: number;
  /** Lets answers under way end, but not for long; resolves when nothing new is answered. */
  close(): Promise<void>;
}

/** How long answers under way may take once nothing new is answered, in milliseconds. */
const LAST_ANSWERS_MS = 500;

/** @throws `Deno.errors.AddrInUse` and its like. */
export function serveWeb({ hostname, port }: WebListenOptions, handle: WebHandler): WebListener {
  const server = Deno.serve({
    hostname,
    port,
    // It would print a line of its own.
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
  }, (request, { remoteAddr }) => handle(request, remoteAddr.hostname));
  return {
    port: server.addr.port,
    async close(): Promise<void> {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, LAST_ANSWERS_MS);
      // A client that does not read would be waited for without end.
      await Promise.race([server.shutdown(), late]);
      clearTimeout(timer);
    },
  };
}
