/**
 * Connections of aiotest's own sockets, without its HTTP engine.
 *
 * @module
 */

import { chooseSockets } from "../../src/net/choose_sockets.ts";
import type { Socket, SocketHandler } from "../../src/net/socket.ts";
import type { Connections, Target } from "./connections.ts";
import { ResponseReader, type Workload } from "./workload.ts";

class LoopConnection implements SocketHandler {
  readonly opened = Promise.withResolvers<void>();
  readonly #reader: ResponseReader;
  #settle: (isSuccess: boolean) => void = () => {};

  constructor(workload: Workload) {
    this.#reader = new ResponseReader(workload);
  }

  response(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  onOpen(): void {
    this.opened.resolve();
  }

  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    const result = this.#reader.take(bytes, length);
    if (result !== null) this.#settle(result);
  }

  onEnd(): void {
    this.#settle(false);
  }

  onDrain(): void {}

  onError(error: unknown): void {
    this.opened.reject(error);
    this.#settle(false);
  }
}

/** Opens all connections at once. */
export async function socketConnections(
  { hostname: address, port, users }: Target,
  workload: Workload,
): Promise<Connections> {
  const sockets = chooseSockets();
  const handlers = Array.from({ length: users }, () => new LoopConnection(workload));
  const open: Socket[] = handlers.map((handler) =>
    sockets.open({ address, port, localAddress: null }, handler)
  );
  await Promise.all(handlers.map(({ opened }) => opened.promise));
  return {
    exchange: (user) => {
      open[user]!.write(workload.request());
      return handlers[user]!.response();
    },
    stop: () => Promise.resolve(),
  };
}
