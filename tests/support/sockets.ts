import { nodeSockets } from "../../src/net/node_sockets.ts";
import type { Sockets } from "../../src/net/socket.ts";

/**
 * Real sockets for tests in virtual time. Virtual deadlines do not wait for bytes that arrive in real time.
 */
export function testSockets(): Sockets {
  const sockets = nodeSockets();
  return {
    kind: sockets.kind,
    open: (to, handler) => sockets.open(to, handler),
    drain: () => Promise.resolve(),
  };
}
