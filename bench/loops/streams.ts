/**
 * Connections of the runtime: `node:net` with callbacks, and `Deno.connect` and `Deno.connectTls` with
 * promises.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import type { Connections, Target } from "./connections.ts";
import { ResponseReader, type Workload } from "./workload.ts";

/** Connections that are being opened at the same time. */
const OPENING = 64;

const BUFFER_BYTES = 8192;

/** Opens connections of `node:net`. */
export async function nodeConnections(target: Target, workload: Workload): Promise<Connections> {
  const { hostname, port, users } = target;
  const settle: ((isSuccess: boolean) => void)[] = [];
  const sockets = await openAll(users, (user) => {
    settle[user] = () => {};
    const reader = new ResponseReader(workload);
    const socket = connect({ host: hostname, port, noDelay: true });
    socket.on("data", (bytes: Uint8Array) => {
      const result = reader.take(bytes, bytes.length);
      if (result !== null) settle[user]!(result);
    });
    socket.on("close", () => settle[user]!(false));
    return new Promise<Socket>((resolve, reject) => {
      socket.once("connect", () => resolve(socket));
      socket.once("error", reject);
    });
  });
  return {
    exchange: (user) => {
      sockets[user]!.write(workload.request());
      return new Promise((resolve) => {
        settle[user] = resolve;
      });
    },
    stop: () => Promise.resolve(),
  };
}

/** Opens connections of `Deno.connect`. */
export function tcpConnections(target: Target, workload: Workload): Promise<Connections> {
  return promised(target, workload, async ({ hostname, port }) => {
    const connection = await Deno.connect({ hostname, port });
    connection.setNoDelay(true);
    return connection;
  });
}

/** Opens connections of `Deno.connectTls`. */
export function tlsConnections(target: Target, workload: Workload): Promise<Connections> {
  return promised(target, workload, async ({ hostname, port }) => {
    const connection = await Deno.connectTls({ hostname, port });
    await connection.handshake();
    return connection;
  });
}

async function promised(
  target: Target,
  workload: Workload,
  open: (target: Target) => Promise<Deno.Conn>,
): Promise<Connections> {
  const connections = await openAll(target.users, () => open(target));
  const readers = connections.map(() => new ResponseReader(workload));
  const buffers = connections.map(() => new Uint8Array(BUFFER_BYTES));
  return {
    exchange: async (user) => {
      const connection = connections[user]!;
      // A failed write shows in the read.
      connection.write(workload.request()).catch(() => {});
      for (;;) {
        const length = await connection.read(buffers[user]!);
        if (length === null) return false;
        const result = readers[user]!.take(buffers[user]!, length);
        if (result !== null) return result;
      }
    },
    stop: () => Promise.resolve(),
  };
}

/** Opens a few at a time, in order. */
async function openAll<Connection>(
  count: number,
  open: (user: number) => Promise<Connection>,
): Promise<Connection[]> {
  const opened: Connection[] = [];
  while (opened.length < count) {
    const first = opened.length;
    const length = Math.min(OPENING, count - first);
    opened.push(...await Promise.all(Array.from({ length }, (_, at) => open(first + at))));
  }
  return opened;
}
