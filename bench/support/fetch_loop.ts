/**
 * A plain `fetch` loop: the highest rate that users of native `fetch` could reach. Like users, each loop has
 * its own client. `deno run -A bench/support/fetch_loop.ts URL LOOPS SECONDS` prints its count as JSON.
 *
 * @module
 */

import process from "node:process";

const [url, loops, seconds] = [Deno.args[0]!, Number(Deno.args[1]), Number(Deno.args[2])];
const start = performance.now();
const end = start + seconds * 1000;
let requests = 0;

async function loop(): Promise<void> {
  const client = Deno.createHttpClient({});
  while (performance.now() < end) {
    const response = await fetch(url, { client });
    await response.arrayBuffer();
    requests++;
  }
  client.close();
}

await Promise.all(Array.from({ length: loops }, loop));
const rate = requests / ((performance.now() - start) / 1000);
process.stdout.write(JSON.stringify({ requests, rate }));
Deno.exit(0);
