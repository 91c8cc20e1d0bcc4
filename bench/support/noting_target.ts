/**
 * A target that notes when each request came and for what, and can be told to stand still. It prints its
 * URL, and obeys a command a line on its standard input until it is ended:
 *
 * - `count`: prints how many requests there were.
 * - `stall MS`: for so long it takes connections and requests, and answers nobody; then it prints when
 *   that began and ended.
 * - `notes FILE`: writes what it has noted to a file, forgets it, and prints the file's name.
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

/** Heads are small and come one by one, so each is a read; whatever else comes would be miscounted. */
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
    // A user that is stopped closes its connection, whatever is under way.
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
