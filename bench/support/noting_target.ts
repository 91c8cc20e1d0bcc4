/**
 * A target that records the time and the path of each request, and that can stop answering. It prints its
 * URL, and then executes the commands on its standard input, one per line, until it is killed:
 *
 * - `count`: prints the number of requests.
 * - `stall MS`: accepts connections and requests for this time without answering; then prints when that
 *   started and ended.
 * - `notes FILE`: writes the record to a file, clears it, and prints the name of the file.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import type { Notes } from "./noted_target.ts";

const RESPONSE = new TextEncoder().encode(
  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok",
);
const [SPACE, LINE_FEED] = [0x20, 0x0a];
const LONGEST_HEAD = 4096;
const decoder = new TextDecoder();

let atMs: number[] = [];
let pathIndices: number[] = [];
let paths: string[] = [];
let stall: Promise<void> | null = null;

/** Milliseconds since 1970, in fractions. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function note(head: Uint8Array): void {
  atMs.push(now());
  const start = head.indexOf(SPACE) + 1;
  const path = decoder.decode(head.subarray(start, head.indexOf(SPACE, start)));
  let index = paths.indexOf(path);
  if (index < 0) index = paths.push(path) - 1;
  pathIndices.push(index);
}

/** Reads requests. Their heads are small and sent one at a time, so each is one read; others would be miscounted. */
function isOneHead(bytes: Uint8Array): boolean {
  return bytes.at(-1) === LINE_FEED && bytes.at(-3) === LINE_FEED &&
    bytes.indexOf(SPACE) === "GET".length;
}

async function serve(connection: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(LONGEST_HEAD);
  try {
    for (;;) {
      const length = await connection.read(buffer);
      if (length === null) break;
      const head = buffer.subarray(0, length);
      if (!isOneHead(head)) throw new Error(`not one GET: ${decoder.decode(head)}`);
      note(head);
      if (stall !== null) await stall;
      await connection.write(RESPONSE);
    }
  } catch (error) {
    // A user that stops closes its connection even during a request.
    const closed = error instanceof Deno.errors.ConnectionReset ||
      error instanceof Deno.errors.BrokenPipe;
    if (!closed) throw error;
  } finally {
    connection.close();
  }
}

async function obey(line: string): Promise<string> {
  const [command, argument = ""] = line.split(" ");
  if (command === "count") return String(atMs.length);
  if (command === "stall") {
    const from = now();
    stall = new Promise((resolve) => setTimeout(resolve, Number(argument)));
    await stall;
    stall = null;
    return JSON.stringify([from, now()]);
  }
  const notes: Notes = { paths, atMs, pathIndices };
  [paths, atMs, pathIndices] = [[], [], []];
  await Deno.writeTextFile(argument, JSON.stringify(notes));
  return argument;
}

async function obeyAll(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${await obey(line)}\n`);
  }
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
process.stdout.write(`http://127.0.0.1:${listener.addr.port}\n`);
void obeyAll();
for await (const connection of listener) void serve(connection);
