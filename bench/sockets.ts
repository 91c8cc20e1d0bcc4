/**
 * What do the sockets cost without the engine? Connections send a request, wait for the response, and send the
 * next one. The target must listen already, and answer in one segment.
 *
 *     deno task bench sockets --port 18300 --users 1000 --seconds 5
 *
 * With `--every 60`, each user waits for the next of its minutes, which begin evenly spread: what do idle
 * connections cost? 1,000 of them must use less than 1 % of a core.
 *
 * With `--ca FILE`, the connections use TLS and trust this authority. `--min-version TLSv1.3` makes them use
 * `node:tls` instead of the runtime's own TLS.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { chooseSockets } from "../src/net/choose_sockets.ts";
import type { Socket, SocketHandler } from "../src/net/socket.ts";
import { tlsSettings } from "../src/net/tls_settings.ts";
import { openTls } from "../src/net/tls_sockets.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "18300" },
    users: { type: "string", default: "64" },
    seconds: { type: "string", default: "4" },
    every: { type: "string", default: "0" },
    ca: { type: "string" },
    "min-version": { type: "string" },
  },
});
const port = Number(values.port);
const users = Number(values.users);
const seconds = Number(values.seconds);
const every = Number(values.every);
const request = new TextEncoder().encode(`GET / HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`);

class User implements SocketHandler {
  count = 0;
  socket!: Socket;
  constructor(readonly opened: () => void, readonly failed: (error: unknown) => void) {}
  onOpen(): void {
    this.opened();
  }
  onData(): void {
    this.count++;
    if (every === 0) this.socket.write(request);
  }
  onEnd(): void {
    this.failed(new Error("the target has closed a connection"));
  }
  onDrain(): void {}
  onError(error: unknown): void {
    this.failed(error);
  }
}

const ca = values.ca === undefined ? null : Deno.readTextFileSync(values.ca);
const settings = ca === null
  ? null
  : tlsSettings({ ca, minVersion: values["min-version"] }, "the command line");
const sockets = chooseSockets();
const all: User[] = [];
const opened = Promise.withResolvers<void>();
let open = 0;
for (let i = 0; i < users; i++) {
  const user = new User(() => {
    if (++open === users) opened.resolve();
  }, opened.reject);
  const to = { address: "127.0.0.1", port, localAddress: null };
  user.socket = settings === null ? sockets.open(to, user) : openTls({
    ...to,
    sockets,
    hostname: "127.0.0.1",
    settings,
    protocols: ["http/1.1"],
    over: null,
  }, user);
  all.push(user);
}
await opened.promise;
const before = process.cpuUsage();
const start = performance.now();
if (every === 0) { for (const { socket } of all) socket.write(request); }
else {
  let next = 0;
  setInterval(() => all[next++ % users]!.socket.write(request), every * 1000 / users);
}
await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const elapsed = (performance.now() - start) / 1000;
const cpu = process.cpuUsage(before);
const counts = all.map(({ count }) => count).sort((a, b) => a - b);
const total = counts.reduce((sum, count) => sum + count, 0);
const at = (part: number): number => counts[Math.floor((counts.length - 1) * part)]!;
process.stdout.write(
  `${sockets.kind}${ca === null ? "" : " TLS"} ${users}: ${(total / elapsed).toFixed(0)}/s, ` +
    `${((cpu.user + cpu.system) / total).toFixed(2)} us (system ${
      (cpu.system / total).toFixed(2)
    }), ` +
    `${((cpu.user + cpu.system) / elapsed / 1e4).toFixed(2)} % of a core, ` +
    `${(Deno.memoryUsage().rss / 1e6).toFixed(0)} MB, ` +
    `per user ${at(0)} to ${at(1)}, p10/p90 ${(at(0.1) / at(0.9)).toFixed(3)}\n`,
);
Deno.exit(0);
