/**
 * A target that answers every request after as many milliseconds as its argument says. It prints its
 * URL, and runs until it is ended.
 *
 * @module
 */

import process from "node:process";

const delayMs = Number(process.argv[2]);
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async () => {
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  return new Response("ok");
});
process.stdout.write(`http://127.0.0.1:${server.addr.port}/\n`);
