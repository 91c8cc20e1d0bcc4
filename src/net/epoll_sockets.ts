/**
 * Sockets over the system's epoll. One loop serves all sockets of the process.
 *
 * While sockets are busy, each turn of the event loop handles one small batch of events without waiting.
 * The promises of users, timers and other connections of the process are served between two batches. When
 * nothing is ready, a thread of the runtime waits for the next event.
 *
 * Interest is registered once per socket, edge-triggered, so that no request costs a call of `epoll_ctl`. An
 * edge is used up by one read that does not fill the buffer: what arrives after it is a new edge. Where one
 * read is not enough, the socket gets its next one in the next turn. The system keeps ready sockets in the order in
 * which they became ready, so every socket gets its turn.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import {
  EPOLLERR,
  EPOLLET,
  EpollEvents,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
  eventLayout,
} from "./epoll_events.ts";
import { errorNumber, type Libc, type LibcSymbols, SystemError, systemError } from "./libc.ts";
import { runtimeTurn } from "./node_sockets.ts";
import type {
  Socket,
  SocketAddress,
  SocketFacts,
  SocketHandler,
  Sockets,
  TcpInfo,
} from "./socket.ts";
import { AF_INET6, decodeAddress, encodeAddress, MAX_ADDRESS_SIZE } from "./socket_address.ts";
import { JOBS, STEP } from "./turns.ts";

/** Events handled per turn of the event loop. More would keep the promises of users waiting. */
const BATCH = 64;

/** The size of the buffer that all sockets read into. */
const BUFFER_SIZE = 65_536;

/** Reads in a row from a socket whose end is known to follow. */
const MAX_READS = 4;

/**
 * Turns of {@link EpollSockets.drain} in addition to those that all sockets take: more reads than what the
 * system buffers for one socket by default. Without a limit, a download could hold it for as long as it lasts.
 */
const MAX_DRAIN_TURNS = 128;

/** Turns in which the runtime's own streams, of TLS and of `fetch`, deliver what they have. */
const RUNTIME_TURNS = 5;

/** Turns without an event before a thread waits. Handing over to it costs more than a few turns. */
const EMPTY_TURNS = 4;

/** The longest wait of the thread, in milliseconds. */
const MAX_WAIT_MS = 10_000;

/** The longest part of a message that is sent at once. Results are 32 bits wide. */
const MAX_SEND = 1 << 30;

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;
const EPOLL_CTL_ADD = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const POLLIN = 1;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const IPPROTO_IP = 0;
const IP_BIND_ADDRESS_NO_PORT = 24;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_INFO = 11;

/** `struct tcp_info` up to its last field that is read, and where the fields are, in units of 32 bits. */
const TCP_INFO_WORDS = 26;
const TCP_INFO_RTT = 17;
const TCP_INFO_TOTAL_RETRANS = 25;

const INTEREST = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;

/** After these, one read that does not fill the buffer does not tell that there is nothing more. */
const MORE_FOLLOWS = EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI;
const READABLE = EPOLLIN | MORE_FOLLOWS;

const EAGAIN = errorNumber("EAGAIN");
const EINTR = errorNumber("EINTR");
const EINPROGRESS = errorNumber("EINPROGRESS");
const EPIPE = errorNumber("EPIPE");
const ECONNRESET = errorNumber("ECONNRESET");

const ONE = new Int32Array([1]);

/**
 * Sockets over epoll.
 *
 * @throws SystemError if this process cannot have two more descriptors.
 */
export function epollSockets(libc: Libc): Sockets {
  return new EpollSockets(libc);
}

/** What the sockets of a process share. */
class EpollSockets implements Sockets {
  readonly kind = "epoll";
  readonly libc: Libc;
  /** What is read, until the handler returns. */
  readonly buffer = new Uint8Array(BUFFER_SIZE);
  readonly #symbols: LibcSymbols;
  readonly #epoll: number;
  /** Ends the wait of the thread. */
  readonly #waker: number;
  /** Two `struct pollfd`; larger than that, because a thread uses them. */
  readonly #waits = new Int32Array(32);
  readonly #count = new BigUint64Array(1);
  readonly #events: EpollEvents;
  readonly #interest: EpollEvents;
  /** By descriptor. */
  readonly #open: (EpollSocket | undefined)[] = [];
  /** Sockets to be served in the next turns whether or not there are events of them, oldest first. */
  #again: EpollSocket[] = [];
  /** How many sockets have a descriptor. */
  #size = 0;
  #generation = 0;
  #emptyTurns = 0;
  /** Whether a turn will follow. */
  #scheduled = false;
  /** Whether a batch is being handled. */
  #polling = false;
  /** Whether the thread waits. */
  #waiting = false;
  /** The next descriptor that {@link tcpInfo} looks at. */
  #nextInfo = 0;

  constructor(libc: Libc) {
    this.libc = libc;
    const { symbols, errno } = libc;
    this.#symbols = symbols;
    this.#epoll = symbols.epoll_create1(CLOEXEC);
    if (this.#epoll < 0) throw systemError(libc, errno[0]!);
    this.#waker = symbols.eventfd(0, CLOEXEC | EFD_NONBLOCK);
    if (this.#waker < 0) {
      const error = systemError(libc, errno[0]!);
      symbols.close(this.#epoll);
      throw error;
    }
    this.#waits.set([this.#epoll, POLLIN, this.#waker, POLLIN]);
    const layout = eventLayout(Deno.build.arch);
    this.#events = new EpollEvents(layout, BATCH);
    this.#interest = new EpollEvents(layout, 1);
  }

  open(to: SocketAddress, handler: SocketHandler): Socket {
    this.#generation = (this.#generation + 1) | 0;
    const socket = new EpollSocket(this, handler, this.#generation);
    const error = this.#connect(socket, to);
    if (error === null) {
      this.#open[socket.descriptor] = socket;
      this.#size++;
      this.#schedule();
    } else {
      this.serveAgain(socket, error);
    }
    return socket;
  }

  async drain(): Promise<void> {
    // The system's list has each socket once at most, the one that has been ready for longest first.
    let ready = this.#size;
    const turns = MAX_READS * Math.ceil(ready / BATCH) + MAX_DRAIN_TURNS;
    for (let turn = 0; turn < turns; turn++) {
      // Never inside of a callback, and with the promise jobs of callbacks served in between.
      await nextTurn();
      if (this.#again.length > 0) this.#serveAgain();
      const count = await this.#poll();
      ready -= count;
      if ((count < BATCH || ready <= 0) && this.#again.length === 0) break;
    }
    // The runtime asks the system about its own streams after timers, not after immediates.
    for (let turn = 0; turn < RUNTIME_TURNS; turn++) await runtimeTurn();
  }

  tcpInfo(max: number): readonly TcpInfo[] {
    const infos: TcpInfo[] = [];
    const words = new Uint32Array(TCP_INFO_WORDS);
    const length = new Uint32Array(1);
    const all = this.#open.length;
    for (let i = 0; i < all && infos.length < max; i++) {
      const descriptor = this.#nextInfo++ % all;
      const socket = this.#open[descriptor];
      if (socket?.isOpen !== true) continue;
      length[0] = words.byteLength;
      const code = this.#symbols.getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, words, length);
      if (code !== 0 || length[0]! < words.byteLength) continue;
      infos.push({
        rttMs: words[TCP_INFO_RTT]! / 1000,
        retransmits: words[TCP_INFO_TOTAL_RETRANS]!,
      });
    }
    return infos;
  }

  /**
   * Serves a socket in the next turn.
   *
   * @param error what has happened to it, if anything.
   */
  serveAgain(socket: EpollSocket, error: SystemError | null): void {
    socket.error ??= error;
    if (socket.waitsForTurn) return;
    socket.waitsForTurn = true;
    this.#again.push(socket);
    this.#schedule();
  }

  /** Closes the descriptor of a socket. */
  close(descriptor: number): void {
    this.#open[descriptor] = undefined;
    // This also ends the interest in it.
    this.#symbols.close(descriptor);
    this.#size--;
    if (this.#size > 0 || !this.#waiting) return;
    this.#count[0] = 1n;
    this.#symbols.write(this.#waker, this.#count, 8);
  }

  /** The error of the last call. */
  lastError(): SystemError {
    return systemError(this.libc, this.libc.errno[0]!);
  }

  /** Starts connecting; returns what prevents it. */
  #connect(socket: EpollSocket, to: SocketAddress): SystemError | null {
    const symbols = this.#symbols;
    const remote = encodeAddress(symbols, to.address, to.port);
    if (remote === null) return invalidAddress(to.address);
    const { family } = remote;
    const descriptor = symbols.socket(family, SOCK_STREAM | SOCK_NONBLOCK | CLOEXEC, 0);
    if (descriptor < 0) return this.lastError();
    symbols.setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, ONE, 4);
    const error =
      (to.localAddress === null ? null : this.#bind(descriptor, family, to.localAddress)) ??
        this.#start(descriptor, remote.bytes) ??
        this.#register(descriptor, socket.generation);
    if (error === null) socket.descriptor = descriptor;
    else symbols.close(descriptor);
    return error;
  }

  #bind(descriptor: number, family: number, address: string): SystemError | null {
    const local = encodeAddress(this.#symbols, address, 0);
    if (local === null) return invalidAddress(address);
    if (local.family !== family) {
      return new SystemError(
        "EINVAL",
        `a connection to an IPv${family === AF_INET6 ? 6 : 4} address cannot leave from ${address}`,
      );
    }
    // The port is chosen when connecting: it only has to be unique together with the target's address. The
    // option is of level IP for IPv6 as well.
    this.#symbols.setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, ONE, 4);
    const code = this.#symbols.bind(descriptor, local.bytes, local.bytes.length);
    return code === 0 ? null : this.lastError();
  }

  #start(descriptor: number, address: Uint8Array<ArrayBuffer>): SystemError | null {
    if (this.#symbols.connect(descriptor, address, address.length) === 0) return null;
    const number = this.libc.errno[0]!;
    return number === EINPROGRESS || number === EINTR ? null : systemError(this.libc, number);
  }

  #register(descriptor: number, generation: number): SystemError | null {
    this.#interest.set(0, INTEREST, descriptor, generation);
    const { words } = this.#interest;
    const code = this.#symbols.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, descriptor, words);
    return code === 0 ? null : this.lastError();
  }

  /** Makes a turn follow, unless a thread waits for the next event anyway. */
  #schedule(): void {
    if (this.#scheduled || (this.#waiting && this.#again.length === 0)) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = async (): Promise<void> => {
    this.#scheduled = false;
    if (this.#again.length > 0) this.#serveAgain();
    if (this.#size === 0 && this.#again.length === 0) return;
    this.#polling = true;
    const count = await this.#poll();
    this.#polling = false;
    if (count > 0 || this.#again.length > 0) this.#emptyTurns = 0;
    else this.#emptyTurns++;
    if (this.#emptyTurns < EMPTY_TURNS) this.#schedule();
    else if (this.#size > 0 && !this.#waiting) this.#wait();
  };

  /**
   * Handles one batch of what is ready; resolves with its size. It does not wait for anything but promise
   * jobs, so all of it is one turn of the event loop.
   */
  async #poll(): Promise<number> {
    const events = this.#events;
    const count = this.#symbols.epoll_wait(this.#epoll, events.words, BATCH, 0);
    for (let i = 0; i < count; i++) {
      const socket = this.#open[events.descriptor(i)];
      // A callback can have closed the socket, and opened another one with the same descriptor.
      if (socket === undefined || socket.generation !== events.generation(i)) continue;
      socket.serve(events.flags(i));
      if (i % STEP === STEP - 1) { for (let job = 0; job < JOBS; job++) await null; }
    }
    return count;
  }

  /** Serves one batch of the sockets that wait for it. */
  #serveAgain(): void {
    const sockets = this.#again.splice(0, BATCH);
    for (const socket of sockets) {
      socket.waitsForTurn = false;
      socket.serve(0);
    }
  }

  /** Lets a thread wait for the next event. It takes no events, so that this thread can take them meanwhile. */
  #wait(): void {
    this.#waiting = true;
    this.#symbols.poll(this.#waits, 2, MAX_WAIT_MS).then(() => {
      this.#waiting = false;
      this.#emptyTurns = 0;
      this.#symbols.read(this.#waker, this.#count, 8);
      if (!this.#scheduled && !this.#polling) void this.#turn();
    });
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function invalidAddress(address: string): SystemError {
  return new SystemError("EINVAL", `${address} is not an IP address of this machine's networks`);
}

/** States of a socket, in their order. */
const CONNECTING = 0;
const OPEN = 1;
/** Open, but nothing is read. */
const PAUSED = 2;
const LOST = 3;
const CLOSED = 4;

class EpollSocket implements Socket {
  handler: SocketHandler;
  unsent = 0;
  /** -1 before there is one. */
  descriptor = -1;
  readonly generation: number;
  /** What has happened to the socket and is not reported yet. */
  error: SystemError | null = null;
  /** Whether it is served in the next turn. */
  waitsForTurn = false;
  readonly #sockets: EpollSockets;
  readonly #symbols: LibcSymbols;
  #state = CONNECTING;
  /** Flags of events that have not been handled completely. */
  #flags = 0;
  /** Whether the other side has ended its stream. */
  #ended = false;
  #wasReset = false;
  /** What is to be sent as soon as the system takes it. */
  readonly #queue: Uint8Array<ArrayBuffer>[] = [];

  constructor(sockets: EpollSockets, handler: SocketHandler, generation: number) {
    this.#sockets = sockets;
    this.#symbols = sockets.libc.symbols;
    this.handler = handler;
    this.generation = generation;
  }

  get isOpen(): boolean {
    return this.#state === OPEN || this.#state === PAUSED;
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (this.#state >= LOST || this.error !== null) return true;
    if (this.#state === CONNECTING || this.unsent > 0) {
      this.#queue.push(bytes);
      this.unsent += bytes.length;
      return false;
    }
    const sent = this.#send(bytes);
    if (sent === bytes.length || sent < 0) return true;
    this.#queue.push(bytes.subarray(sent));
    this.unsent = bytes.length - sent;
    return false;
  }

  wasReset(probe: Uint8Array<ArrayBuffer>): Promise<boolean> {
    // A send may take the error that the loop has not seen yet; it then reports it all the same.
    if (this.isOpen && this.error === null) this.write(probe);
    return Promise.resolve(this.#wasReset);
  }

  pause(): void {
    if (this.#state === OPEN) this.#state = PAUSED;
  }

  resume(): void {
    if (this.#state !== PAUSED) return;
    this.#state = OPEN;
    this.#sockets.serveAgain(this, null);
  }

  facts(): SocketFacts {
    const address = new Uint8Array(MAX_ADDRESS_SIZE);
    const length = new Uint32Array([address.length]);
    const code = this.#symbols.getpeername(this.descriptor, address, length);
    return { remote: code === 0 ? decodeAddress(address) : null, tls: null };
  }

  close(): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.#queue.length = 0;
    this.unsent = 0;
    if (this.descriptor >= 0) this.#sockets.close(this.descriptor);
  }

  /**
   * Handles events, and what is left of earlier ones. Called by the loop only. An error that the handler throws
   * is reported like any other that is not caught; this socket and the others are still served.
   */
  serve(events: number): void {
    try {
      this.#serve(events | this.#flags);
    } catch (error) {
      // It may have interrupted reading, and no event tells of what is left.
      this.#continueLater(events | EPOLLIN);
      reportError(error);
    }
  }

  #serve(events: number): void {
    this.#flags = 0;
    if (this.#state === CONNECTING) {
      if (!this.#opened(events)) return;
      // The promise jobs that opening starts run before anything else is delivered.
      const more = (events & READABLE) !== 0 || this.error !== null || this.unsent > 0;
      if (more) this.#continueLater(events);
      return;
    }
    if (this.unsent > 0 && (events & EPOLLOUT) !== 0) this.#sendQueue();
    if (this.error !== null) events |= EPOLLHUP;
    if ((events & READABLE) !== 0) this.#read(events);
  }

  /** Completes connecting; returns whether the connection is open. */
  #opened(events: number): boolean {
    if (this.error === null) {
      if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) === 0) return false;
      if ((events & (EPOLLERR | EPOLLHUP)) !== 0) this.error = this.#pendingError();
    }
    // A reset shows that the connection was open: one that is not accepted is refused.
    if (this.error !== null && !this.#wasReset) {
      this.#lose(this.error);
      return false;
    }
    this.#state = OPEN;
    this.handler.onOpen();
    return this.#state === OPEN;
  }

  #read(events: number): void {
    const { buffer } = this.#sockets;
    for (let reads = 0; this.#state === OPEN && !this.#ended; reads++) {
      if (reads === MAX_READS) return this.#continueLater(events);
      const count = this.#symbols.recv(this.descriptor, buffer, BUFFER_SIZE, 0);
      if (count > 0) {
        this.handler.onData(buffer, count);
        if ((events & MORE_FOLLOWS) === 0) {
          if (count === BUFFER_SIZE) this.#continueLater(events);
          return;
        }
      } else if (count === 0) {
        this.#ended = true;
        // After an error of `send`, the end of the stream only shows that there is nothing more to read.
        if (this.error === null) this.handler.onEnd();
      } else {
        const number = this.#sockets.libc.errno[0]!;
        if (number === EINTR) continue;
        if (number !== EAGAIN) this.#failed(number);
        break;
      }
    }
    if (this.#state === PAUSED) this.#flags = events;
    if (this.#state !== OPEN) return;
    // The end of the stream hides a reset after it.
    if (this.#ended && (events & EPOLLERR) !== 0) this.error ??= this.#pendingError();
    if (this.error !== null) this.#lose(this.error);
  }

  #continueLater(events: number): void {
    if (!this.isOpen) return;
    this.#flags = events;
    if (this.#state === OPEN) this.#sockets.serveAgain(this, null);
  }

  /** Sends a message; returns how many bytes the system has taken, or -1 if the connection is lost. */
  #send(bytes: Uint8Array<ArrayBuffer>): number {
    const length = Math.min(bytes.length, MAX_SEND);
    const flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    const sent = this.#symbols.send(this.descriptor, bytes, length, flags);
    if (sent >= 0) return sent;
    const number = this.#sockets.libc.errno[0]!;
    if (number === EAGAIN || number === EINTR) return 0;
    this.#failed(number);
    return -1;
  }

  #sendQueue(): void {
    const queue = this.#queue;
    let done = 0;
    for (const bytes of queue) {
      const sent = this.#send(bytes);
      if (sent < 0) return;
      this.unsent -= sent;
      if (sent < bytes.length) {
        queue[done] = bytes.subarray(sent);
        break;
      }
      done++;
    }
    queue.splice(0, done);
    if (queue.length === 0) this.handler.onDrain();
  }

  /** Remembers an error, which the loop reports after what arrived before it. */
  #failed(number: number): void {
    this.#noteReset(number);
    this.#sockets.serveAgain(this, systemError(this.#sockets.libc, number));
  }

  /** The error that the system has for this socket. */
  #pendingError(): SystemError | null {
    const number = new Int32Array(1);
    const length = new Uint32Array([4]);
    this.#symbols.getsockopt(this.descriptor, SOL_SOCKET, SO_ERROR, number, length);
    this.#noteReset(number[0]!);
    return number[0] === 0 ? null : systemError(this.#sockets.libc, number[0]!);
  }

  #noteReset(number: number): void {
    if (number === ECONNRESET || number === EPIPE) this.#wasReset = true;
  }

  #lose(error: SystemError): void {
    this.#state = LOST;
    this.#queue.length = 0;
    this.unsent = 0;
    this.handler.onError(error);
  }
}
