/**
 * The master's side of what nodes share: every node's calls come here, and messages between nodes go
 * through here.
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
  type Rpc,
} from "./calls.ts";
import { type BroadcastMessage, messageIn, Outbox } from "./messages.ts";
import type { SharedServices } from "./services.ts";

/** The service that a worker's desk offers itself: `withdraw` gives up another call, by its id. */
export const SESSION_SERVICE = "call";

/** What a desk works with. */
interface WorkerRpcHooks {
  /** Carries a call out. */
  perform(call: SharedCall, done: Done): Cancel;
  /** Answers the worker. */
  reply(id: number, outcome: Outcome): void;
  /**
   * A call has changed something, and must not do so again: this is what another master carries out
   * in its place. Called before it is answered.
   */
  onChanged(id: number, call: SharedCall): void;
  /** The worker has got the answers to these calls, each of which had changed something. */
  onSettled(ids: readonly number[]): void;
}

/** Calls of one worker whose answers it has not got, as far as anybody knows. */
const MAX_OPEN = 100_000;

/** Characters of all the answers to them. */
const MAX_ANSWERS = 64 * 1024 * 1024;

/** A call whose answer the worker has not got, as far as this desk knows. */
interface OpenCall {
  /** Null where there is none yet. */
  answer: PerformedCall | null;
  cancel: Cancel;
}

/**
 * Takes the calls of one worker, and carries each out once, however often it is sent.
 *
 * A connection keeps the order of what is sent, and a worker that comes back says first which calls it
 * still wants answered. So a number that is not above all others, and not open, is an old copy.
 */
export class WorkerRpcSession {
  readonly #hooks: WorkerRpcHooks;
  readonly #open = new Map<number, OpenCall>();
  /** Calls that were given up when their worker was lost: they are new when they come again. */
  readonly #givenUp = new Set<number>();
  #lastId = 0;
  #answerLength = 0;

  constructor(hooks: WorkerRpcHooks) {
    this.#hooks = hooks;
  }

  /**
   * Carries a call out, or answers it again.
   *
   * @throws ProtocolError where the worker lets too much pile up.
   */
  handle({ id, service, name, operation, args }: Message<"CALL">): void {
    const known = this.#open.get(id);
    if (known !== undefined) {
      if (known.answer !== null) this.#hooks.reply(id, known.answer);
      return;
    }
    if (id <= this.#lastId && !this.#givenUp.delete(id)) return;
    this.#lastId = Math.max(this.#lastId, id);
    if (this.#open.size >= MAX_OPEN || this.#answerLength >= MAX_ANSWERS) {
      throw new ProtocolError("protocol", "more calls than anybody takes the answers of");
    }
    this.#perform(id, { service, name, operation, args }, true);
  }

  /** Carries out what was carried out before, for another master of the same run; tells nobody. */
  replay(id: number, call: SharedCall): void {
    this.#perform(id, call, false);
  }

  /** The worker has got the answer to a call. */
  settle(id: number): void {
    if (this.#open.get(id)?.answer) this.#settle([id]);
  }

  /** The worker is here again, and wants these calls answered, and no others. */
  recall(wanted: readonly number[]): void {
    const all = new Set(wanted);
    for (const id of this.#givenUp) if (!all.has(id)) this.#givenUp.delete(id);
    const others = [...this.#open].filter(([id]) => !all.has(id));
    for (const [, { cancel }] of others) cancel();
    this.#settle(others.map(([id]) => id));
  }

  /** The worker has gone: what it had been given, and may never have got, goes back. */
  workerLost(): void {
    for (const [id, { answer, cancel }] of [...this.#open]) {
      // What is under way elsewhere cannot be stopped: its answer is kept for whoever comes back.
      const isDone = answer === null ? cancel === NOTHING_TO_CANCEL : answer.giveBack === null;
      if (isDone) continue;
      this.#forget(id);
      this.#givenUp.add(id);
      cancel();
      answer?.giveBack?.();
    }
  }

  #perform(id: number, call: SharedCall, live: boolean): void {
    const entry: OpenCall = { answer: null, cancel: () => {} };
    this.#open.set(id, entry);
    const done: Done = (performed) => {
      // Nobody wants it any more, and whatever was carried out elsewhere is kept there.
      if (this.#open.get(id) !== entry) return;
      entry.answer = performed;
      this.#answerLength += performed.value.length;
      if (!live) return;
      if (performed.changed) this.#hooks.onChanged(id, performed.replayAs ?? call);
      this.#hooks.reply(id, performed);
    };
    if (call.service === SESSION_SERVICE) this.#withdraw(call, done);
    else entry.cancel = this.#hooks.perform(call, done);
  }

  /** Gives up the call of this number; what it had been given goes back. */
  #withdraw({ args }: SharedCall, done: Done): void {
    const id = Number(args);
    const call = this.#open.get(id);
    this.#givenUp.delete(id);
    if (call !== undefined) this.#forget(id);
    call?.cancel();
    const giveBack = call?.answer?.giveBack ?? null;
    // Written down before anybody else is given it.
    done({ result: "ok", value: "", changed: giveBack !== null, giveBack: null });
    giveBack?.();
  }

  #settle(ids: readonly number[]): void {
    const changed = ids.filter((id) => this.#open.get(id)?.answer?.changed);
    for (const id of ids) this.#forget(id);
    if (changed.length > 0) this.#hooks.onSettled(changed);
  }

  #forget(id: number): void {
    this.#answerLength -= this.#open.get(id)?.answer?.value.length ?? 0;
    this.#open.delete(id);
  }
}

/**
 * The port of the node that has all that is shared in its own process. Answers come in a turn of their
 * own, as they do elsewhere: a loop that asks again and again leaves others their time.
 */
class LocalRpc implements Rpc {
  readonly node: string;
  readonly #clock: Clock;
  readonly #perform: (call: SharedCall, done: Done) => Cancel;

  /** @param perform carries a call out. */
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

/** What an exchange works with. */
export interface RpcServerOptions {
  readonly services: SharedServices;
  /** What the master is called. */
  readonly node: string;
  /** Receivers of messages that mean the master itself, among others or not. */
  readonly names: readonly string[];
  readonly clock: Clock;
  /** Gives the master's own test file a message. */
  readonly deliver: (letter: BroadcastMessage) => void;
  readonly warn: (text: string) => void;
}

/** A worker that has been here. */
interface RpcPeer {
  readonly member: WorkerState;
  readonly box: Outbox;
}

/** The service that says how long the test has lasted, in seconds; 0 before it began. */
export const TIME_SERVICE = "time";

/** Different warnings about messages; whoever sends them chooses the names in them. */
const MAX_WARNINGS = 100;

/** Whose calls the master's own are, in the journal. */
const MASTER = "";

/** Serves the workers of a run, and the master itself. */
export class RpcServer {
  /** Where the master's own calls go. */
  readonly localRpc: Rpc;
  readonly #options: RpcServerOptions;
  /** By incarnation, as all others. */
  readonly #desks = new Map<string, WorkerRpcSession>();
  readonly #subscribers = new Map<string, RpcPeer>();
  readonly #warned = new Set<string>();
  #journal: RunJournal = NO_JOURNAL;
  #send: (member: WorkerState, message: Message) => void = () => {};
  #elapsed: () => number = () => 0;

  constructor(options: RpcServerOptions) {
    const { node, clock } = options;
    this.#options = options;
    this.localRpc = new LocalRpc(
      node,
      clock,
      (call, done) =>
        this.#perform({ incarnation: MASTER, id: node }, call, (performed) => {
          if (performed.changed) this.#changed(MASTER, 0, performed.replayAs ?? call);
          done(performed);
        }),
    );
  }

  /** Writes down, from now on, what changes. */
  useJournal(journal: RunJournal): void {
    this.#journal = journal;
  }

  /** Speaks to workers in this way from now on. */
  connect(send: (member: WorkerState, message: Message) => void): void {
    this.#send = send;
  }

  /** The test has begun. @param elapsed how long it has lasted, in seconds. */
  begin(elapsed: () => number): void {
    this.#elapsed = elapsed;
  }

  /** Takes up what another master of this run has written down, record by record. */
  replay(record: SharedRecord): void {
    switch (record.type) {
      case "call": {
        const { incarnation, id, service, name, operation, args } = record;
        const call = { service, name, operation, args };
        if (incarnation === MASTER) this.#options.services.perform(call, () => {}, MASTER);
        else this.#desk(incarnation).replay(id, call);
        return;
      }
      case "settled":
        for (const id of record.ids) this.#desk(record.incarnation).settle(id);
        return;
      case "membership":
        if (record.membership !== "present") this.#lose(record.incarnation);
    }
  }

  /** A worker is in, for the first time or again. */
  workerConnected(member: WorkerState): void {
    const known = this.#subscribers.get(member.incarnation);
    if (known !== undefined) return known.box.resend();
    const box = new Outbox((cast) => this.#send(member, cast));
    this.#subscribers.set(member.incarnation, { member, box });
  }

  /** A worker stands to the run in another way than before. */
  membershipChanged({ incarnation, membership }: WorkerState): void {
    if (membership !== "present") this.#lose(incarnation);
  }

  /**
   * Takes what a worker says, where it is about what nodes share.
   *
   * @throws ProtocolError where the worker lets too much pile up.
   */
  handle({ incarnation }: WorkerState, message: Message): void {
    switch (message.type) {
      case "CALL":
        return this.#desk(incarnation).handle(message);
      case "SETTLED":
        return this.#desk(incarnation).settle(message.id);
      case "RECALL":
        return this.#desk(incarnation).recall(message.ids);
      case "CAST_ACK":
        return this.#subscribers.get(incarnation)?.box.acknowledged(message.seq);
    }
  }

  #lose(incarnation: string): void {
    this.#desks.get(incarnation)?.workerLost();
    this.#options.services.nodeLost(incarnation);
  }

  #desk(incarnation: string): WorkerRpcSession {
    const known = this.#desks.get(incarnation);
    if (known !== undefined) return known;
    const member = (): WorkerState | undefined => this.#subscribers.get(incarnation)?.member;
    const desk = new WorkerRpcSession({
      perform: (call, done) => this.#perform({ incarnation, id: member()?.id ?? "" }, call, done),
      reply: (id, { result, value }) => {
        const to = member();
        if (to !== undefined) this.#send(to, { type: "REPLY", id, result, value });
      },
      onChanged: (id, call) => this.#changed(incarnation, id, call),
      onSettled: (ids) => this.#journal.append({ type: "settled", incarnation, ids }),
    });
    this.#desks.set(incarnation, desk);
    return desk;
  }

  #changed(incarnation: string, id: number, call: SharedCall): void {
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
    const letter = messageIn(call, id);
    if (letter === undefined) return this.#options.services.perform(call, done, incarnation);
    if (letter === null) done(refused("a message that goes nowhere"));
    else {
      this.#post(letter.to, letter);
      done(read(null));
    }
    return NOTHING_TO_CANCEL;
  }

  #post(to: string, { from, kind, data }: BroadcastMessage): void {
    const { names, deliver } = this.#options;
    const letter = { from, kind, data };
    const present = [...this.#subscribers.values()].filter(({ member }) =>
      member.membership === "present"
    );
    const boxes = present.filter(({ member }) =>
      to === "all" || to === "workers" || to === member.id
    );
    if (names.includes(to)) deliver(letter);
    else if (boxes.length === 0 && to !== "workers") {
      this.#warn(`A message for ${peerText(to)}, which is no node of this run, was dropped.`);
    }
    for (const { box, member } of boxes) {
      if (box.add(letter)) continue;
      this.#warn(`Worker ${member.id} does not take its messages: further ones are dropped.`);
    }
  }

  #warn(text: string): void {
    if (this.#warned.has(text) || this.#warned.size >= MAX_WARNINGS) return;
    this.#warned.add(text);
    this.#options.warn(text);
  }
}
