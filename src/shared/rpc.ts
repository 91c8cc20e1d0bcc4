/**
 * The master's side of shared state: performs the calls of all nodes, and forwards the messages that
 * test files send to each other.
 *
 * @module
 */

import { NO_JOURNAL, type RunJournal } from "../cluster/journal.ts";
import { type Message, type Outcome, ProtocolError, type SharedCall } from "../cluster/protocol.ts";
import type { SharedRecord } from "../cluster/restore.ts";
import type { WorkerState } from "../cluster/run_state.ts";
import type { Clock } from "../core/clock.ts";
import { peerText } from "../core/text.ts";
import {
  type Cancel,
  type Done,
  NOTHING_TO_CANCEL,
  type PerformedCall,
  read,
  refused,
  type RpcTransport,
} from "./calls.ts";
import { type BroadcastMessage, BroadcastOutbox, messageIn } from "./messages.ts";
import type { SharedServices } from "./services.ts";

/** What an {@link RpcServer} needs. */
export interface RpcServerOptions {
  readonly services: SharedServices;
  /** The name of the master. */
  readonly node: string;
  /** Receivers of messages that include the master. */
  readonly names: readonly string[];
  readonly clock: Clock;
  /** Passes a message to the master's own test file. */
  readonly deliver: (message: BroadcastMessage) => void;
  readonly warn: (text: string) => void;
}

/** A worker that has connected at least once. */
interface Peer {
  readonly worker: WorkerState;
  readonly outbox: BroadcastOutbox;
}

/** The service that returns the seconds since the start of the test; 0 before it. */
export const TIME_SERVICE = "time";

/** The maximum number of different warnings about messages, because senders choose the names in them. */
const MAX_WARNINGS = 100;

/** The incarnation under which the master's own calls are written to the journal. */
const MASTER = "";

/** Performs the calls of all nodes of a run on the master, or in a local run. */
export class RpcServer {
  /** Carries the calls of the node that this server runs on. */
  readonly localRpc: RpcTransport;
  readonly #options: RpcServerOptions;
  /** By incarnation, like all maps here. */
  readonly #sessions = new Map<string, WorkerRpcSession>();
  readonly #peers = new Map<string, Peer>();
  readonly #warned = new Set<string>();
  readonly #held = new HeldTexts();
  /** Resolved when no message for a worker is outstanding; `null` while that is not awaited. */
  #delivered: PromiseWithResolvers<void> | null = null;
  #journal: RunJournal = NO_JOURNAL;
  #send: (worker: WorkerState, message: Message) => void = () => {};
  #elapsed: () => number = () => 0;

  constructor(options: RpcServerOptions) {
    const { node, clock } = options;
    this.#options = options;
    this.localRpc = new LocalRpc(
      node,
      clock,
      (call, done) =>
        this.#perform({ incarnation: MASTER, id: node }, call, (performed) => {
          if (performed.changed) this.#recordChange(MASTER, 0, performed.replayAs ?? call);
          done(performed);
        }),
    );
  }

  /** Writes all changes to this journal from now on. */
  useJournal(journal: RunJournal): void {
    this.#journal = journal;
  }

  /** Sends messages to workers in this way from now on. */
  connect(send: (worker: WorkerState, message: Message) => void): void {
    this.#send = send;
  }

  /** The test has started. @param elapsed returns the seconds since then. */
  begin(elapsed: () => number): void {
    this.#elapsed = elapsed;
  }

  /** Restores state from a record that a previous master of this run has written. */
  replay(record: SharedRecord): void {
    switch (record.type) {
      case "call": {
        const { incarnation, id, service, name, operation, args } = record;
        const call = { service, name, operation, args };
        if (incarnation === MASTER) this.#options.services.perform(call, () => {}, MASTER);
        else this.#session(incarnation).replay(id, call);
        return;
      }
      case "settled":
        for (const id of record.ids) this.#session(record.incarnation).settle(id);
        return;
      case "membership":
        if (record.membership !== "present") this.#workerLost(record.incarnation);
    }
  }

  /** A worker has connected, for the first time or again. */
  workerConnected(worker: WorkerState): void {
    const known = this.#peers.get(worker.incarnation);
    if (known !== undefined) return known.outbox.resend();
    const outbox = new BroadcastOutbox((cast) => this.#send(worker, cast));
    this.#peers.set(worker.incarnation, { worker, outbox });
  }

  /** A worker is to run these users, by class. */
  usersAssigned(incarnation: string, classes: Readonly<Record<string, number>>): void {
    const users = Object.values(classes).reduce((sum, count) => sum + count, 0);
    this.#options.services.usersAssigned(incarnation, users);
  }

  /** Forgets a worker that is lost and has never changed anything. */
  forget({ incarnation }: WorkerState): void {
    this.#sessions.delete(incarnation);
    this.#peers.delete(incarnation);
    this.#checkDelivered();
  }

  /** Resolves when each worker that takes part has received all messages for it. */
  delivered(): Promise<void> {
    this.#delivered = Promise.withResolvers();
    this.#checkDelivered();
    return this.#delivered.promise;
  }

  #checkDelivered(): void {
    const isDelivered = [...this.#peers.values()].every(({ worker, outbox }) =>
      outbox.isEmpty || worker.membership !== "present"
    );
    if (isDelivered) this.#delivered?.resolve();
  }

  /** The membership of a worker has changed. */
  membershipChanged({ incarnation, membership }: WorkerState): void {
    if (membership !== "present") this.#workerLost(incarnation);
  }

  /**
   * Handles a worker's message if it concerns shared state.
   *
   * @throws ProtocolError if the worker has too many open calls.
   */
  handle(worker: WorkerState, message: Message): void {
    const { incarnation } = worker;
    switch (message.type) {
      case "CALL":
        worker.hasActed ||= message.service !== TIME_SERVICE;
        return this.#session(incarnation).handle(message);
      case "SETTLED":
        return this.#session(incarnation).settle(message.id);
      case "RECALL":
        return this.#session(incarnation).recall(message.ids);
      case "CAST_ACK":
        this.#peers.get(incarnation)?.outbox.acknowledged(message.seq);
        if (this.#delivered !== null) this.#checkDelivered();
    }
  }

  #workerLost(incarnation: string): void {
    this.#sessions.get(incarnation)?.workerLost();
    this.#options.services.nodeLost(incarnation);
    this.#checkDelivered();
  }

  #session(incarnation: string): WorkerRpcSession {
    const known = this.#sessions.get(incarnation);
    if (known !== undefined) return known;
    const worker = (): WorkerState | undefined => this.#peers.get(incarnation)?.worker;
    const session = new WorkerRpcSession({
      perform: (call, done) => this.#perform({ incarnation, id: worker()?.id ?? "" }, call, done),
      reply: (id, { result, value }) => {
        const to = worker();
        if (to !== undefined) this.#send(to, { type: "REPLY", id, result, value });
      },
      onChanged: (id, call) => this.#recordChange(incarnation, id, call),
      onSettled: (ids) => this.#journal.append({ type: "settled", incarnation, ids }),
    }, this.#held);
    this.#sessions.set(incarnation, session);
    return session;
  }

  #recordChange(incarnation: string, id: number, call: SharedCall): void {
    this.#journal.append({ type: "call", incarnation, id, ...call });
  }

  #perform(
    { incarnation, id }: Pick<WorkerState, "incarnation" | "id">,
    call: SharedCall,
    done: Done,
  ): Cancel {
    if (call.service === TIME_SERVICE) {
      done(read(this.#elapsed()));
      return NOTHING_TO_CANCEL;
    }
    const message = messageIn(call, id);
    if (message === undefined) return this.#options.services.perform(call, done, incarnation);
    if (message === null) done(refused("an invalid message"));
    else {
      this.#forward(message.to, message);
      done(read(null));
    }
    return NOTHING_TO_CANCEL;
  }

  #forward(to: string, { from, kind, data }: BroadcastMessage): void {
    const { names, deliver } = this.#options;
    const message = { from, kind, data };
    const present = [...this.#peers.values()].filter(({ worker }) =>
      worker.membership === "present"
    );
    const receivers = present.filter(({ worker }) =>
      to === "all" || to === "workers" || to === worker.id
    );
    if (names.includes(to)) deliver(message);
    else if (receivers.length === 0 && to !== "workers") {
      this.#warn(`Dropped a message for ${peerText(to)}, which is not a node of this run.`);
    }
    for (const { outbox, worker } of receivers) {
      if (outbox.add(message)) continue;
      this.#warn(`Worker ${worker.id} does not receive its messages: further ones are dropped.`);
    }
  }

  #warn(text: string): void {
    if (this.#warned.has(text) || this.#warned.size >= MAX_WARNINGS) return;
    this.#warned.add(text);
    this.#options.warn(text);
  }
}

/** The service by which a worker withdraws one of its calls; the arguments are the call's id. */
export const SESSION_SERVICE = "call";

/** What the owner of a {@link WorkerRpcSession} does for it. */
interface WorkerRpcHooks {
  /** Performs a call. */
  perform(call: SharedCall, done: Done): Cancel;
  /** Answers the worker. */
  reply(id: number, outcome: Outcome): void;
  /**
   * A call has changed state, which must not happen again: a restarted master performs `call` in its
   * place. This is called before the worker is answered.
   */
  onChanged(id: number, call: SharedCall): void;
  /** The worker has received the answers to these calls, each of which had changed state. */
  onSettled(ids: readonly number[]): void;
}

/** The maximum number of unsettled calls of one worker. */
const MAX_OPEN = 100_000;

/** The maximum total length of their arguments and answers, in UTF-16 units. */
const MAX_TEXTS = 64 * 1024 * 1024;

/** The same for all workers together: without a token, anyone can be one. */
const MAX_ALL_TEXTS = 256 * 1024 * 1024;

/** The length of texts that several sessions hold. */
class HeldTexts {
  length = 0;
}

/** What a call takes in memory besides its texts, in UTF-16 units. */
const CALL_LENGTH = 200;

/** A call that is not settled: as far as the master knows, the worker has not received the answer. */
interface OpenCall {
  /** Null if there is none yet. */
  answer: PerformedCall | null;
  /** Of its arguments and its answer, in UTF-16 units. */
  length: number;
  cancel: Cancel;
}

/**
 * Handles the calls of one worker. Each is performed once, however often it is sent.
 *
 * A connection preserves the order of messages, and a worker that reconnects first says which calls it
 * still wants answered. So a call that is not open and whose id is not above all others is an old copy.
 */
export class WorkerRpcSession {
  readonly #hooks: WorkerRpcHooks;
  /** Of all workers. */
  readonly #held: HeldTexts;
  readonly #open = new Map<number, OpenCall>();
  /** Calls that were dropped when their worker was lost: they are performed if they are sent again. */
  readonly #dropped = new Set<number>();
  #lastId = 0;
  #length = 0;

  constructor(hooks: WorkerRpcHooks, held: HeldTexts = new HeldTexts()) {
    this.#hooks = hooks;
    this.#held = held;
  }

  /**
   * Performs a call, or answers it again.
   *
   * @throws ProtocolError if the worker has too many open calls.
   */
  handle({ id, service, name, operation, args }: Message<"CALL">): void {
    const known = this.#open.get(id);
    if (known !== undefined) {
      if (known.answer !== null) this.#hooks.reply(id, known.answer);
      return;
    }
    if (id <= this.#lastId && !this.#dropped.delete(id)) return;
    this.#lastId = Math.max(this.#lastId, id);
    const isFull = this.#open.size >= MAX_OPEN || this.#length >= MAX_TEXTS;
    // What many workers hold together costs only those that hold much of it.
    if (isFull || (this.#held.length >= MAX_ALL_TEXTS && this.#length >= MAX_TEXTS / 64)) {
      throw new ProtocolError("protocol", "too many calls whose answers are not acknowledged");
    }
    this.#perform(id, { service, name, operation, args }, true);
  }

  /** Performs a call from the journal, without an answer. */
  replay(id: number, call: SharedCall): void {
    this.#perform(id, call, false);
  }

  /** The worker has received the answer to a call. */
  settle(id: number): void {
    if (this.#open.get(id)?.answer) this.#settle([id]);
  }

  /** The worker has reconnected, and wants only these calls to be answered. */
  recall(wanted: readonly number[]): void {
    const all = new Set(wanted);
    for (const id of this.#dropped) if (!all.has(id)) this.#dropped.delete(id);
    const others = [...this.#open].filter(([id]) => !all.has(id));
    for (const [, { cancel }] of others) cancel();
    this.#settle(others.map(([id]) => id));
  }

  /** The worker is lost: what it was given and may never have received is taken back. */
  workerLost(): void {
    for (const [id, { answer, cancel }] of [...this.#open]) {
      // A call that another server performs cannot be stopped, so its answer is kept for the worker.
      const isFinal = answer === null ? cancel === NOTHING_TO_CANCEL : answer.giveBack === null;
      if (isFinal) continue;
      this.#forget(id);
      this.#dropped.add(id);
      cancel();
      answer?.giveBack?.();
    }
  }

  #perform(id: number, call: SharedCall, isLive: boolean): void {
    const entry: OpenCall = { answer: null, length: 0, cancel: () => {} };
    this.#open.set(id, entry);
    this.#grow(entry, call.args.length + CALL_LENGTH);
    const done: Done = (performed) => {
      // The call was dropped or withdrawn. If another server has performed it, its state stays there.
      if (this.#open.get(id) !== entry) return;
      entry.answer = performed;
      this.#grow(entry, performed.value.length);
      if (!isLive) return;
      if (performed.changed) this.#hooks.onChanged(id, performed.replayAs ?? call);
      this.#hooks.reply(id, performed);
    };
    if (call.service === SESSION_SERVICE) this.#withdraw(call, done);
    else entry.cancel = this.#hooks.perform(call, done);
  }

  /** Withdraws the call of this id, and takes back what it was given. */
  #withdraw({ args }: SharedCall, done: Done): void {
    const id = Number(args);
    const call = this.#open.get(id);
    this.#dropped.delete(id);
    if (call !== undefined) this.#forget(id);
    call?.cancel();
    const giveBack = call?.answer?.giveBack ?? null;
    // This is written to the journal before what is taken back is handed out again.
    done({ result: "ok", value: "", changed: giveBack !== null, giveBack: null });
    giveBack?.();
  }

  #settle(ids: readonly number[]): void {
    const changed = ids.filter((id) => this.#open.get(id)?.answer?.changed);
    for (const id of ids) this.#forget(id);
    if (changed.length > 0) this.#hooks.onSettled(changed);
  }

  #forget(id: number): void {
    const entry = this.#open.get(id);
    if (entry !== undefined) this.#grow(entry, -entry.length);
    this.#open.delete(id);
  }

  #grow(entry: OpenCall, by: number): void {
    entry.length += by;
    this.#length += by;
    this.#held.length += by;
  }
}

/**
 * The transport of the node that has the shared state in its own process. Each answer arrives in a later
 * turn, as on other nodes, so that a loop of calls does not block other users.
 */
class LocalRpc implements RpcTransport {
  readonly node: string;
  readonly #clock: Clock;
  readonly #perform: (call: SharedCall, done: Done) => Cancel;

  constructor(node: string, clock: Clock, perform: (call: SharedCall, done: Done) => Cancel) {
    this.node = node;
    this.#clock = clock;
    this.#perform = perform;
  }

  call(call: SharedCall, _: boolean, done: (outcome: Outcome) => void): () => void {
    let withdrawn = false;
    const cancel = this.#perform(call, (performed) => {
      void this.#clock.nextTurn().then(() => {
        if (withdrawn) performed.giveBack?.();
        else done(performed);
      });
    });
    return () => {
      withdrawn = true;
      cancel();
    };
  }
}
