/**
 * Chooses how the sockets of a process are implemented.
 *
 * @module
 */

import { messageText } from "../core/errors.ts";
import { epollSockets } from "./epoll_sockets.ts";
import { loadLibc } from "./libc.ts";
import { nodeSockets } from "./node_sockets.ts";
import type { Sockets } from "./socket.ts";

/** The sockets of a process. */
export interface SocketChoice {
  readonly sockets: Sockets;
  /** Why they are not the fastest ones that this system has; `null` if they are. */
  readonly fallback: string | null;
}

/** All sockets of the process share one loop. */
let choice: SocketChoice | null = null;

/** The fastest sockets that this process can use; the same object each time. Never throws. */
export function chooseSockets(): Sockets {
  return socketChoice().sockets;
}

/** The sockets that {@link chooseSockets} returns, and why. */
export function socketChoice(): SocketChoice {
  return choice ??= choose();
}

function choose(): SocketChoice {
  if (Deno.build.os !== "linux") return { sockets: nodeSockets(), fallback: null };
  let fallback: string;
  try {
    const libc = loadLibc();
    if (typeof libc !== "string") return { sockets: epollSockets(libc), fallback: null };
    fallback = libc;
  } catch (error) {
    fallback = messageText(error);
  }
  return { sockets: nodeSockets(), fallback };
}
