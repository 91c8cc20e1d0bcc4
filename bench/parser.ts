/**
 * Measures how long parsing a response takes if it arrives in one read. `deno task bench parser`
 *
 * @module
 */

import { systemClock } from "../src/core/clock.ts";
import { denoHost } from "../src/core/host.ts";
import { ResponseParser } from "../src/http/response_parser.ts";

const CANDIDATE_MS = 400;
const BATCH = 20_000;

const HEAD = [
  "HTTP/1.1 200 OK",
  "Server: nginx/1.26.3",
  "Date: Tue, 14 Jul 2026 09:30:00 GMT",
  "Content-Type: text/plain",
  "Last-Modified: Tue, 14 Jul 2026 09:00:00 GMT",
  "Connection: keep-alive",
  'ETag: "66937a30-40"',
  "Accept-Ranges: bytes",
];
const BODY = "x".repeat(64);

const RESPONSES: readonly (readonly [name: string, text: string])[] = [
  ["content-length", [...HEAD, "Content-Length: 64", "", BODY].join("\r\n")],
  ["chunked", [...HEAD, "Transfer-Encoding: chunked", "", "40", BODY, "0", "", ""].join("\r\n")],
];

/** Nanoseconds per response, measured for {@link CANDIDATE_MS}. */
function nanosecondsEach(response: Uint8Array<ArrayBuffer>): number {
  const parser = new ResponseParser(1_000_000);
  const start = systemClock.now();
  let responses = 0;
  let elapsed = 0;
  do {
    for (let i = 0; i < BATCH; i++) {
      parser.begin("GET");
      parser.feed(response, response.length);
      if (parser.message.status === 200) responses++;
    }
    elapsed = systemClock.now() - start;
  } while (elapsed < CANDIDATE_MS);
  return elapsed * 1e6 / responses;
}

if (import.meta.main) {
  const { stdout } = denoHost();
  const encoder = new TextEncoder();
  for (const [name, text] of RESPONSES) {
    const response = encoder.encode(text);
    const cost = nanosecondsEach(response);
    const size = `${response.length} bytes`;
    stdout.write(`${name.padEnd(16)}${size.padStart(10)}${cost.toFixed(0).padStart(7)} ns\n`);
  }
  Deno.exit(0);
}
