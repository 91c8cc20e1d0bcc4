import { Channel } from "../../src/cluster/channel.ts";
import { joinMaster } from "../../src/cluster/handshake.ts";
import type { Message, WorkerStateName } from "../../src/cluster/protocol.ts";
import { identity } from "./joining.ts";
import type { VirtualCluster } from "./virtual_cluster.ts";

/** A worker without users, which sends what a test says. */
export interface ScriptedWorker {
  readonly channel: Channel;
  /** Messages from the master. */
  readonly received: Message[];
  /** Sends a STATE message. */
  sendState(state: WorkerStateName): void;
  /** Sends a PING every second, this many times. */
  ping(times: number): void;
}

/**
 * Joins the master of a virtual cluster.
 *
 * @param capacity bytes that it may leave unread before the master's writes wait.
 * @param reads messages that it reads after the handshake.
 */
export async function scriptedWorker(
  { network, clock }: VirtualCluster,
  name: string,
  { capacity = Infinity, reads = Infinity, token = "secret" }: {
    readonly capacity?: number;
    readonly reads?: number;
    readonly token?: string | null;
  } = {},
): Promise<ScriptedWorker> {
  const channel = new Channel(await network.line("10.0.0.99", capacity).connect());
  const who = identity({ workerId: name, incarnation: `${name}'s only` });
  const joined = joinMaster(channel, who, { token, clock });
  await Promise.all([joined, clock.advance(0)]);
  const received: Message[] = [];
  void (async () => {
    while (received.length < reads) {
      const message = await channel.receive();
      if (message === null) return;
      received.push(message);
    }
  })();
  const ping = (times: number): void => {
    if (times === 0) return;
    channel.send({ type: "PING", number: times });
    clock.setTimer(() => ping(times - 1), 1000);
  };
  const sendState = (state: WorkerStateName): void =>
    channel.send({
      type: "STATE",
      users: 0,
      state,
      elapsedSeconds: 0,
      sockets: "epoll",
      exhausted: [],
      unprepared: false,
    });
  return { channel, received, sendState, ping };
}
