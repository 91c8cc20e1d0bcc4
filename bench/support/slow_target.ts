/**
 * A target that answers every request after 10 ms. It prints its URL, and runs until it is killed.
 *
 * @module
 */

import process from "node:process";

const DELAY_MS = 10;

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async () => {
  await new Promise((resolve) => setTimeout(resolve, DELAY_MS));
  return new Response("ok");
});
process.stdout.write(`http://127.0.0.1:${server.addr.port}/\n`);
