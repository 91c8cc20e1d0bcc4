/**
 * A node's side of shared state: the calls of its test file ({@link RpcClient}), and the connection that
 * carries a worker's calls to the master ({@link RemoteRpc}).
 *
 * @module
 */

import type { Message, Outcome, SharedCall } from "../cluster/protocol.ts";
import type { Clock } from "../core/clock.ts";
import { currentUser, UserEnd } from "../core/user_lifetime.ts";
import type { RpcTransport } from "./calls.ts";
import type { BroadcastMessage } from "./messages.ts";
import { SESSION_SERVICE } from "./rpc.ts";

/** Makes the calls of a node's test file. Calls that are made before the test starts wait for it. */
export class RpcClient {
  readonly #clock: Clock;
  readonly #waiting: ((rpc: RpcTransport) => void)[] = [];
  #rpc: RpcTransport | null = null;
  #isInit = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether calls are sent. */
  get isOpen(): boolean {
    return this.#rpc !== null;
  }

  /** Sends calls from now on, starting with those that wait. */
  open(rpc: RpcTransport): void {
    this.#rpc = rpc;
    for (const start of this.#waiting.splice(0)) start(rpc);
  }

  /**
   * Runs the preparation of the test file. Calls are rejected in the meantime, because waiting for their
   * answers would never end.
   */
  async duringInit<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#isInit = true;
    try {
      return await work();
    } finally {
      this.#isInit = false;
    }
  }

  /**
   * Performs a call; rejects if the answer is an error.
   *
   * A call that may block rejects in a user that is to stop. In a user that has ended, calls never settle.
   */
  call(call: SharedCall, mayBlock: boolean): Promise<unknown> {
    const user = currentUser.getStore();
    // If it settled, the abandoned test would continue, and might never end.
    if (user?.ended) return new Promise(() => {});
    if (this.#isInit) return Promise.reject(tooEarly(call));
    if (mayBlock && user?.stopping) return this.#rejectStopping();
    return new Promise((resolve, reject) => {
      let forget = (): void => {};
      const start = (rpc: RpcTransport): void => {
        let answered = false;
        const withdraw = rpc.call(call, mayBlock, (outcome) => {
          answered = true;
          forget();
          if (user?.ended) return;
          try {
            resolve(valueOf(outcome));
          } catch (error) {
            reject(error);
          }
        });
        if (!mayBlock || user === undefined || answered) return;
        forget = user.onStopping(() => {
          withdraw();
          reject(userStops());
        });
      };
      if (this.#rpc === null) this.#waiting.push(start);
      else start(this.#rpc);
    });
  }

  /** Rejects in a later turn, so that a test that retries in a loop does not block other users. */
  async #rejectStopping(): Promise<never> {
    await this.#clock.nextTurn();
    throw userStops();
  }
}

/** @throws if the outcome is not an answer. */
function valueOf({ result, value }: Outcome): unknown {
  if (result === "end") throw new UserEnd(value);
  if (result === "error") throw new Error(value);
  return value === "" ? undefined : JSON.parse(value);
}

function userStops(): UserEnd {
  return new UserEnd("the user is to stop");
}

function tooEarly({ service, name }: SharedCall): Error {
  return new Error(
    `${service} ${name}: nothing can be shared in init; do it in testStart, or when a user starts`,
  );
}

/** A connection to the master. */
export interface RpcConnection {
  /** Sends a message to the master; it is lost if there is no connection. */
  send(message: Message): void;
}

/** A call that is not answered yet. */
interface PendingCall {
  readonly call: SharedCall;
  readonly mayBlock: boolean;
  readonly done: (outcome: Outcome) => void;
  /** 0 until it is sent. */
  id: number;
}

/** The maximum number of calls in flight that do not block, because their answers must fit the connection. */
const MAX_IN_FLIGHT = 64;

/** The maximum total length of their arguments, in UTF-16 units, for the same reason. */
const MAX_LENGTH_IN_FLIGHT = 1024 * 1024;

const OVER: Outcome = { result: "end", value: "the run is over" };

/** The transport of a worker: sends each call to the master until it is answered, across reconnections. */
export class RemoteRpc implements RpcTransport {
  readonly node: string;
  readonly #deliver: (message: BroadcastMessage) => void;
  /** In the order in which they were sent. */
  readonly #sent = new Map<number, PendingCall>();
  /** Calls that wait until others are answered, in order. */
  readonly #backlog = new Set<PendingCall>();
  #connection: RpcConnection | null = null;
  #inFlight = 0;
  #lengthInFlight = 0;
  #lastId = 0;
  #lastCast = 0;
  #epoch = 0;
  #closed = false;

  /**
   * @param node the name of the worker.
   * @param deliver is called with each message to this node, once.
   */
  constructor(node: string, deliver: (message: BroadcastMessage) => void) {
    this.node = node;
    this.#deliver = deliver;
  }

  /** Uses this connection to the master from now on. */
  connect(connection: RpcConnection): void {
    this.#connection = connection;
  }

  call(call: SharedCall, mayBlock: boolean, done: (outcome: Outcome) => void): () => void {
    if (this.#closed) {
      done(OVER);
      return () => {};
    }
    const pending: PendingCall = { call, mayBlock, done, id: 0 };
    if (mayBlock) this.#send(pending);
    else {
      this.#backlog.add(pending);
      this.#sendBacklog();
    }
    return () => this.#withdraw(pending);
  }

  /** The worker has joined, for the first time or again; what it has sent before may be lost. */
  joined(epoch: number): void {
    // A restarted master numbers its messages from 1 again.
    if (epoch !== this.#epoch) this.#lastCast = 0;
    this.#epoch = epoch;
    if (this.#lastId === 0) return;
    const sent = [...this.#sent.values()];
    // A call that is being withdrawn is still open, because what it was given has to be returned.
    const ids = sent.flatMap(({ id, call }) =>
      call.service === SESSION_SERVICE ? [Number(call.args), id] : [id]
    );
    this.#connection?.send({ type: "RECALL", ids });
    for (const { id, call } of sent) this.#connection?.send({ type: "CALL", id, ...call });
  }

  /** Handles a message of the master if it concerns shared state. */
  handle(message: Message): void {
    if (message.type === "REPLY") this.#onReply(message);
    else if (message.type === "CAST") this.#onCast(message);
  }

  /** The master cannot be reached any more: all calls end their users. */
  close(): void {
    this.#closed = true;
    const all = [...this.#sent.values(), ...this.#backlog];
    this.#sent.clear();
    this.#backlog.clear();
    for (const { done } of all) done(OVER);
  }

  #send(pending: PendingCall): void {
    pending.id = ++this.#lastId;
    this.#sent.set(pending.id, pending);
    this.#connection?.send({ type: "CALL", id: pending.id, ...pending.call });
  }

  #sendBacklog(): void {
    for (const pending of this.#backlog) {
      if (this.#inFlight >= MAX_IN_FLIGHT || this.#lengthInFlight >= MAX_LENGTH_IN_FLIGHT) return;
      this.#backlog.delete(pending);
      this.#inFlight++;
      this.#lengthInFlight += pending.call.args.length;
      this.#send(pending);
    }
  }

  #onReply({ id, result, value }: Message<"REPLY">): void {
    const pending = this.#take(id);
    if (pending === undefined) return;
    // This must precede any use of the answer: what is not settled may be given to another user.
    this.#connection?.send({ type: "SETTLED", id });
    pending.done({ result, value });
    this.#sendBacklog();
  }

  #withdraw(pending: PendingCall): void {
    if (this.#backlog.delete(pending) || this.#take(pending.id) === undefined) return;
    const call = {
      service: SESSION_SERVICE,
      name: "",
      operation: "withdraw",
      args: `${pending.id}`,
    };
    this.#send({ call, mayBlock: true, done: () => {}, id: 0 });
    this.#sendBacklog();
  }

  #take(id: number): PendingCall | undefined {
    const pending = this.#sent.get(id);
    if (pending === undefined) return undefined;
    this.#sent.delete(id);
    if (!pending.mayBlock) {
      this.#inFlight--;
      this.#lengthInFlight -= pending.call.args.length;
    }
    return pending;
  }

  #onCast({ seq, from, kind, data }: Message<"CAST">): void {
    if (seq > this.#lastCast) {
      this.#lastCast = seq;
      this.#deliver({ from, kind, data });
    }
    this.#connection?.send({ type: "CAST_ACK", seq: this.#lastCast });
  }
}
