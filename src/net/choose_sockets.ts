/**
 * Chooses how sockets are implemented.
 *
 * @module
 */

import { messageText } from "../core/errors.ts";
import { epollSockets } from "./epoll_sockets.ts";
import { loadLibc } from "./libc.ts";
import { nodeSockets } from "./node_sockets.ts";
import type { Sockets } from "./socket.ts";

/** The sockets of this process: all of them share one loop. */
let chosen: Sockets | null = null;

/** The fastest sockets that this process can use; the same object each time. */
export function chooseSockets(): Sockets {
  if (chosen !== null) return chosen;
  const sockets = tryEpoll();
  return chosen = typeof sockets === "string" ? nodeSockets() : sockets;
}

/** Sockets over epoll, or why this process cannot use it. */
function tryEpoll(): Sockets | string {
  try {
    const libc = loadLibc();
    return typeof libc === "string" ? libc : epollSockets(libc);
  } catch (error) {
    return messageText(error);
  }
}
