/**
 * A worker's side of what nodes share: its calls to the master, and messages from it.
 *
 * @module
 */

import type { Message, Outcome, SharedCall } from "../cluster/protocol.ts";
import type { Clock } from "../core/clock.ts";
import { currentUser, UserEnd } from "../core/user_lifetime.ts";
import type { Rpc } from "./calls.ts";
import type { BroadcastMessage } from "./messages.ts";
import { SESSION_SERVICE } from "./rpc.ts";

/** Where a line's messages go. */
export interface RpcConnection {
  /** Says something to the master; lost where there is no connection. */
  send(message: Message): void;
}

/** A call that has no answer yet. */
interface Pending {
  readonly call: SharedCall;
  readonly mayBlock: boolean;
  readonly done: (outcome: Outcome) => void;
  /** 0 before it was sent. */
  id: number;
}

/** Calls that may be under way, beside those that may block: their answers must fit the connection. */
const UNDER_WAY = 64;

/** Characters of their arguments, which must fit it as well. */
const LENGTH_UNDER_WAY = 1024 * 1024;

const OVER: Outcome = { result: "end", value: "the run is over" };

/**
 * Carries a worker's calls to its master, each until it is answered, whatever becomes of the
 * connection.
 */
export class MasterRpc implements Rpc {
  readonly node: string;
  readonly #deliver: (letter: BroadcastMessage) => void;
  /** In the order of their sending. */
  readonly #sent = new Map<number, Pending>();
  /** Calls that wait for others to be answered, in their order. */
  readonly #backlog = new Set<Pending>();
  #link: RpcConnection | null = null;
  #underWay = 0;
  #lengthUnderWay = 0;
  #lastId = 0;
  #lastCast = 0;
  #epoch = 0;
  #closed = false;

  /**
   * @param node what the worker is called.
   * @param deliver gets each message for this node, once.
   */
  constructor(node: string, deliver: (letter: BroadcastMessage) => void) {
    this.node = node;
    this.#deliver = deliver;
  }

  /** Speaks to the master in this way from now on. */
  connect(link: RpcConnection): void {
    this.#link = link;
  }

  call(call: SharedCall, mayBlock: boolean, done: (outcome: Outcome) => void): () => void {
    if (this.#closed) {
      done(OVER);
      return () => {};
    }
    const pending: Pending = { call, mayBlock, done, id: 0 };
    if (mayBlock) this.#send(pending);
    else {
      this.#backlog.add(pending);
      this.#pump();
    }
    return () => this.#withdraw(pending);
  }

  /** There is a new connection; what was sent on the one before may be lost. */
  joined(epoch: number): void {
    // Another master numbers its messages anew.
    if (epoch !== this.#epoch) this.#lastCast = 0;
    this.#epoch = epoch;
    if (this.#lastId === 0) return;
    const sent = [...this.#sent.values()];
    // What is being withdrawn is not settled: it has to go back.
    const ids = sent.flatMap(({ id, call }) =>
      call.service === SESSION_SERVICE ? [Number(call.args), id] : [id]
    );
    this.#link?.send({ type: "RECALL", ids });
    for (const { id, call } of sent) this.#link?.send({ type: "CALL", id, ...call });
  }

  /** Takes what the master says, where it is about what nodes share. */
  handle(message: Message): void {
    if (message.type === "REPLY") this.#answer(message);
    else if (message.type === "CAST") this.#hear(message);
  }

  /** The master is not to be reached any more. */
  close(): void {
    this.#closed = true;
    const all = [...this.#sent.values(), ...this.#backlog];
    this.#sent.clear();
    this.#backlog.clear();
    for (const { done } of all) done(OVER);
  }

  #send(pending: Pending): void {
    pending.id = ++this.#lastId;
    this.#sent.set(pending.id, pending);
    this.#link?.send({ type: "CALL", id: pending.id, ...pending.call });
  }

  #pump(): void {
    for (const pending of this.#backlog) {
      if (this.#underWay >= UNDER_WAY || this.#lengthUnderWay >= LENGTH_UNDER_WAY) return;
      this.#backlog.delete(pending);
      this.#underWay++;
      this.#lengthUnderWay += pending.call.args.length;
      this.#send(pending);
    }
  }

  #answer({ id, result, value }: Message<"REPLY">): void {
    const pending = this.#take(id);
    if (pending === undefined) return;
    // Before anybody does anything with it: what is not settled may be given to somebody else.
    this.#link?.send({ type: "SETTLED", id });
    pending.done({ result, value });
    this.#pump();
  }

  #withdraw(pending: Pending): void {
    if (this.#backlog.delete(pending) || this.#take(pending.id) === undefined) return;
    const call = {
      service: SESSION_SERVICE,
      name: "",
      operation: "withdraw",
      args: `${pending.id}`,
    };
    this.#send({ call, mayBlock: true, done: () => {}, id: 0 });
    this.#pump();
  }

  #take(id: number): Pending | undefined {
    const pending = this.#sent.get(id);
    if (pending === undefined) return undefined;
    this.#sent.delete(id);
    if (!pending.mayBlock) {
      this.#underWay--;
      this.#lengthUnderWay -= pending.call.args.length;
    }
    return pending;
  }

  #hear({ seq, from, kind, data }: Message<"CAST">): void {
    if (seq > this.#lastCast) {
      this.#lastCast = seq;
      this.#deliver({ from, kind, data });
    }
    this.#link?.send({ type: "CAST_ACK", seq: this.#lastCast });
  }
}

/** What the calls of a node go through: before the test begins they wait here. */
export class RpcClient {
  readonly #clock: Clock;
  readonly #waiting: ((port: Rpc) => void)[] = [];
  #port: Rpc | null = null;
  #isInit = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether calls get through. */
  get isOpen(): boolean {
    return this.#port !== null;
  }

  /** Lets calls through from now on, those that wait first. */
  open(port: Rpc): void {
    this.#port = port;
    for (const begin of this.#waiting.splice(0)) begin(port);
  }

  /**
   * Does what the test file does before the test; calls are refused meanwhile, since who waits for one
   * there would wait for ever.
   */
  async duringInit(work: () => Promise<void>): Promise<void> {
    this.#isInit = true;
    try {
      await work();
    } finally {
      this.#isInit = false;
    }
  }

  /**
   * Asks for something; resolves with what came of it, and rejects where that is an error.
   *
   * A user that is to stop does not wait for what may be long in coming: for it, this rejects. One that
   * has ended never gets an answer.
   */
  call(call: SharedCall, mayBlock: boolean): Promise<unknown> {
    const user = currentUser.getStore();
    // Whoever it was made for would go on with it, and never end.
    if (user?.ended) return new Promise(() => {});
    if (this.#isInit) return Promise.reject(tooEarly(call));
    if (mayBlock && user?.stopping) return this.#end();
    return new Promise((resolve, reject) => {
      let forget = (): void => {};
      const begin = (port: Rpc): void => {
        let answered = false;
        const withdraw = port.call(call, mayBlock, (outcome) => {
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
          reject(ended());
        });
      };
      if (this.#port === null) this.#waiting.push(begin);
      else begin(this.#port);
    });
  }

  /** In a turn of its own: a test that tries again and again leaves others their time. */
  async #end(): Promise<never> {
    await this.#clock.nextTurn();
    throw ended();
  }
}

/** @throws what came of a call that was not answered. */
function valueOf({ result, value }: Outcome): unknown {
  if (result === "end") throw new UserEnd(value);
  if (result === "error") throw new Error(value);
  return value === "" ? undefined : JSON.parse(value);
}

function ended(): UserEnd {
  return new UserEnd("the user is to stop");
}

function tooEarly({ service, name }: SharedCall): Error {
  return new Error(
    `${service} ${name}: nothing can be shared in init; do it in testStart, or when a user starts`,
  );
}
