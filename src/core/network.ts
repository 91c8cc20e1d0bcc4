/**
 * TCP and TLS streams and HTTP listeners for everything that is not a request of a test: the cluster's
 * connections, the dashboard, metrics.
 *
 * @module
 */

/** A plain or TLS connection: the part of `Deno.Conn` that aiotest uses. */
export interface ByteStream {
  /** Reads some bytes; resolves with their number, or `null` at the end of the stream. */
  read(into: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Writes some of the bytes; resolves with their number. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<number>;
  /** Closes the connection; pending reads and writes reject. */
  close(): void;
}

/** Writes all bytes, with as many writes as the stream needs. */
export async function writeAll(
  stream: Pick<ByteStream, "write">,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await stream.write(rest));
}

/** Where to connect to. */
export interface ConnectOptions {
  readonly hostname: string;
  readonly port: number;
  /** TLS with additional trusted authorities in PEM; `null` for plain TCP. */
  readonly tls: { readonly caCerts: readonly string[] } | null;
}

/**
 * Opens a connection. Rejects with `Deno.errors.ConnectionRefused` and other errors of the system, and
 * with `Deno.errors.InvalidData` if the TLS handshake fails.
 */
export async function connect({ hostname, port, tls }: ConnectOptions): Promise<ByteStream> {
  const conn = tls === null
    ? await Deno.connect({ hostname, port })
    : await connectTls(hostname, port, tls.caCerts);
  disableNagle(conn);
  return conn;
}

/** Completes the handshake first. Otherwise an untrusted certificate would look like a closed connection. */
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

/** Where to listen. */
export interface ListenOptions {
  readonly hostname: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Certificate and key in PEM; `null` for plain TCP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

/** An accepted connection. */
export interface AcceptedStream {
  readonly stream: ByteStream;
  /** The peer's address without the port. */
  readonly address: string;
}

/** Accepts connections. */
export interface StreamListener {
  readonly port: number;
  /** The next connection; `null` once the listener is closed. */
  accept(): Promise<AcceptedStream | null>;
  close(): void;
}

/** The wait after a failed accept: out of file descriptors, or a connection that was reset. */
const ACCEPT_RETRY_MS = 50;

/**
 * Listens for TCP or TLS connections.
 *
 * @throws `Deno.errors.AddrInUse` and other errors of the system.
 */
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
          disableNagle(conn);
          return { stream: conn, address: conn.remoteAddr.hostname };
        } catch (error) {
          if (
            error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted
          ) {
            return null;
          }
          // The error affects one connection, or is temporary. The listener continues.
          await new Promise((resolve) => setTimeout(resolve, ACCEPT_RETRY_MS));
        }
      }
    },
    close: () => listener.close(),
  };
}

/** Small messages are sent immediately. Deno's TLS streams do not offer this option. */
function disableNagle(conn: Deno.Conn): void {
  if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(true);
}

/** Where to serve HTTP. */
export interface WebListenOptions {
  readonly hostname: string;
  /** 0 for any free port. */
  readonly port: number;
}

/**
 * Answers one request.
 *
 * @param address the client's address without the port.
 */
export type WebHandler = (request: Request, address: string) => Response | Promise<Response>;

/** An HTTP server. */
export interface WebListener {
  readonly port: number;
  /** Stops answering new requests; gives pending answers half a second to finish. */
  close(): Promise<void>;
}

/** How long pending answers may take after the listener was closed, in milliseconds. */
const LAST_ANSWERS_MS = 500;

/**
 * Serves HTTP.
 *
 * @throws `Deno.errors.AddrInUse` and other errors of the system.
 */
export function serveWeb({ hostname, port }: WebListenOptions, handle: WebHandler): WebListener {
  const server = Deno.serve({
    hostname,
    port,
    // By default, Deno prints a line here.
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
  }, (request, { remoteAddr }) => handle(request, remoteAddr.hostname));
  return {
    port: server.addr.port,
    async close(): Promise<void> {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, LAST_ANSWERS_MS);
      // A client that does not read its response would block the shutdown forever.
      await Promise.race([server.shutdown(), late]);
      clearTimeout(timer);
    },
  };
}
