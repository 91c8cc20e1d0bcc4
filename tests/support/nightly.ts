import process from "node:process";

/** Whether tests run at full length, as `deno task test:nightly` has them. */
const NIGHTLY = process.env.AIOTEST_NIGHTLY === "1";

/**
 * A number of rounds, requests or milliseconds that a test can do with less of.
 *
 * @param short what `deno task test:all` takes.
 * @param full what `deno task test:nightly` takes.
 */
export function lengthOf({ short, full }: { short: number; full: number }): number {
  return NIGHTLY ? full : short;
}
