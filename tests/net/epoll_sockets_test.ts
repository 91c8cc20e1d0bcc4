import assert from "node:assert/strict";
import { createServer } from "node:net";
import { epollSockets } from "../../src/net/epoll_sockets.ts";
import { loadLibc } from "../../src/net/libc.ts";

Deno.test("epoll: connections echo, end and are refused", async () => {
  const libc = loadLibc();
  if (typeof libc === "string") return;
  const sockets = epollSockets(libc);
  const server = createServer((peer) => peer.pipe(peer));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const to = { address: "127.0.0.1", port, localAddress: null };
  const events: string[] = [];
  const done = Promise.withResolvers<void>();
  const socket = sockets.open(to, {
    onOpen: () => void socket.write(new TextEncoder().encode("hello")),
    onData: (bytes, length) => {
      events.push(new TextDecoder().decode(bytes.subarray(0, length)));
      socket.close();
      done.resolve();
    },
    onEnd: () => events.push("end"),
    onDrain: () => events.push("drain"),
    onError: (error) => done.reject(error),
  });
  await done.promise;
  await new Promise((resolve) => server.close(resolve));
  assert.deepEqual(events, ["hello"]);
  const refused = Promise.withResolvers<unknown>();
  const other = sockets.open(to, {
    onOpen: () => refused.resolve("open"),
    onData: () => {},
    onEnd: () => {},
    onDrain: () => {},
    onError: refused.resolve,
  });
  const error = await refused.promise as Error & { code: string };
  assert.equal(error.code, "ECONNREFUSED");
  assert.equal(error.message, "Connection refused (os error 111)");
  other.close();
});
