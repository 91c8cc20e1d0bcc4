/**
 * Connections by epoll, called directly in libc (Linux with glibc): one loop for all sockets.
 *
 * @module
 */

import { setImmediate } from "node:timers/promises";
import type { Connections, Target } from "./connections.ts";
import { ResponseReader, type Workload } from "./workload.ts";

const AF_INET = 2;
const SOCK_STREAM = 1;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;

const EVENTS = 4096;
const BUFFER_BYTES = 65_536;
const WAIT_MS = 100;

/** 32-bit words of an `epoll_event`, and the position of its data: x86-64 alone packs it. */
const [EVENT_WORDS, DATA_AT] = Deno.build.arch === "x86_64" ? [3, 1] : [4, 2];

/** Opens connections, one after the other. */
export function epollConnections(
  { hostname, port, users }: Target,
  workload: Workload,
): Connections {
  const libc = Deno.dlopen("libc.so.6", {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
    recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
    send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
    epoll_create1: { parameters: ["i32"], result: "i32" },
    epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
    epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
    wait: {
      name: "epoll_wait",
      parameters: ["i32", "buffer", "i32", "i32"],
      result: "i32",
      nonblocking: true,
    },
  }).symbols;
  const epoll = libc.epoll_create1(0);
  const sockets = Array.from({ length: users }, (_, user) => {
    const socket = libc.socket(AF_INET, SOCK_STREAM, 0);
    if (libc.connect(socket, socketAddress(hostname, port), 16) !== 0) {
      throw new Error(`connection ${user} of ${users} cannot be opened`);
    }
    libc.setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, new Uint8Array([1, 0, 0, 0]), 4);
    const event = new Int32Array(EVENT_WORDS);
    event[0] = EPOLLIN;
    event[DATA_AT] = user;
    libc.epoll_ctl(epoll, EPOLL_CTL_ADD, socket, new Uint8Array(event.buffer));
    return socket;
  });
  const readers = sockets.map(() => new ResponseReader(workload));
  const settle: ((isSuccess: boolean) => void)[] = sockets.map(() => () => {});
  const events = new Int32Array(EVENT_WORDS * EVENTS);
  const eventBytes = new Uint8Array(events.buffer);
  const buffer = new Uint8Array(BUFFER_BYTES);
  let isBusy = true;

  function receive(user: number): void {
    const length = Number(
      libc.recv(sockets[user]!, buffer, BigInt(BUFFER_BYTES), MSG_DONTWAIT),
    );
    const result = length > 0 ? readers[user]!.take(buffer, length) : false;
    if (result !== null) settle[user]!(result);
  }

  async function serve(): Promise<void> {
    while (isBusy) {
      let ready = libc.epoll_wait(epoll, eventBytes, EVENTS, 0);
      if (ready === 0) ready = await libc.wait(epoll, eventBytes, EVENTS, WAIT_MS);
      for (let at = 0; at < ready; at++) receive(events[at * EVENT_WORDS + DATA_AT]!);
      // A turn of the event loop, in which the users go on.
      await setImmediate();
    }
  }

  const served = serve();
  return {
    exchange: (user) => {
      const request = workload.request();
      libc.send(sockets[user]!, request, BigInt(request.length), MSG_NOSIGNAL);
      return new Promise((resolve) => {
        settle[user] = resolve;
      });
    },
    stop: async () => {
      isBusy = false;
      await served;
    },
  };
}

/** A `sockaddr_in`. */
function socketAddress(hostname: string, port: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  bytes.set(hostname.split(".").map(Number), 4);
  return bytes;
}
