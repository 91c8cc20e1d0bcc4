/** Below the ports that the system hands out by itself, on Linux as on macOS and Windows. */
const FIRST = 20_000;
const LAST = 29_999;

/**
 * A port of this machine that is free, and that the system gives to nobody of its own accord. So it is
 * there for whoever leaves it for a moment and comes back; one that was given for port 0 may by then be
 * the end of somebody's connection.
 */
export function steadyPort(): number {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`none of 100 ports from ${FIRST} to ${LAST} is free`);
}
