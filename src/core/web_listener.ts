/**
 * Answers HTTP requests of people and their tools. Those of a test are another matter, and go out.
 *
 * @module
 */

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
