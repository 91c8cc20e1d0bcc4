/** Does what a test says with sockets, in a process of its own: `socket_child.ts TASK KIND PORT`. */

import process from "node:process";
import { chooseSockets } from "../../src/net/choose_sockets.ts";
import { nodeSockets } from "../../src/net/node_sockets.ts";
import type { Socket } from "../../src/net/socket.ts";

const [task, kind, port] = Deno.args;
const sockets = kind === "node:net" ? nodeSockets() : chooseSockets();
const to = { address: "127.0.0.1", port: Number(port), localAddress: null };

interface Client {
  readonly socket: Socket;
  /** The next thing that happens. */
  next(): Promise<string>;
}

function open(): Client {
  const events: string[] = [];
  let wake = (): void => {};
  const add = (event: string): void => {
    events.push(event);
    wake();
  };
  const socket = sockets.open(to, {
    onOpen: () => add("open"),
    onData: (bytes, length) => add(new TextDecoder().decode(bytes.subarray(0, length))),
    onEnd: () => add("end"),
    onDrain: () => {},
    onError: (error) => add(`error ${(error as { code?: string }).code}`),
  });
  return {
    socket,
    async next(): Promise<string> {
      while (events.length === 0) await new Promise<void>((resolve) => wake = resolve);
      return events.shift()!;
    },
  };
}

/** Opens sockets until there is no descriptor for one, uses those that are open, and opens another one. */
async function useUpDescriptors(): Promise<void> {
  const clients: Client[] = [];
  for (;;) {
    const client = open();
    const event = await client.next();
    if (event !== "open") {
      print(event);
      client.socket.close();
      break;
    }
    clients.push(client);
  }
  const last = clients.at(-1)!;
  last.socket.write(new TextEncoder().encode("echoed"));
  print(await last.next());
  last.socket.close();
  const another = open();
  print(await another.next() === "open" ? "opened again" : "not opened");
  for (const { socket } of [another, ...clients]) socket.close();
}

/** Opens a socket, leaves it idle for a moment, closes it, and tells how long the process still lives. */
async function end(): Promise<void> {
  const { socket, next } = open();
  await next();
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.close();
  const closedAt = performance.now();
  process.on("exit", () => print(String(Math.round(performance.now() - closedAt))));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await (task === "exit" ? end() : useUpDescriptors());
