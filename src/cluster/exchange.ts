/**
 * The master's side of what nodes share: every node's calls come here, and messages between nodes go
 * through here.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { CallDesk } from "./call_desk.ts";
import type { ClusterHub } from "./cluster_hub.ts";
import { NO_JOURNAL, type RunJournal } from "./journal.ts";
import { type Letter, Mailbox } from "./mailbox.ts";
import type { Member } from "./member.ts";
import type { Message } from "./message.ts";
import { letterOf } from "./letter_call.ts";
import { OwnPort } from "./own_port.ts";
import { peerText } from "./peer_text.ts";
import type { SharedRecord } from "./restored_run.ts";
import {
  type Cancel,
  type ClusterPort,
  type Done,
  NOTHING_TO_CANCEL,
  read,
  refused,
  type SharedCall,
} from "./shared_call.ts";

/** What an exchange works with. */
export interface ExchangeOptions {
  readonly hub: ClusterHub;
  /** What the master is called. */
  readonly node: string;
  /** Receivers of messages that mean the master itself, among others or not. */
  readonly names: readonly string[];
  readonly clock: Clock;
  /** Gives the master's own test file a message. */
  readonly deliver: (letter: Letter) => void;
  readonly warn: (text: string) => void;
}

/** A worker that has been here. */
interface Subscriber {
  readonly member: Member;
  readonly box: Mailbox;
}

/** The service that says how long the test has lasted, in seconds; 0 before it began. */
export const TIME_SERVICE = "time";

/** Different warnings about messages; whoever sends them chooses the names in them. */
const MAX_WARNINGS = 100;

/** Whose calls the master's own are, in the journal. */
const MASTER = "";

/** Serves the workers of a run, and the master itself. */
export class Exchange {
  /** Where the master's own calls go. */
  readonly port: ClusterPort;
  readonly #options: ExchangeOptions;
  /** By incarnation, as all others. */
  readonly #desks = new Map<string, CallDesk>();
  readonly #subscribers = new Map<string, Subscriber>();
  readonly #warned = new Set<string>();
  #journal: RunJournal = NO_JOURNAL;
  #send: (member: Member, message: Message) => void = () => {};
  #elapsed: () => number = () => 0;

  constructor(options: ExchangeOptions) {
    const { node, clock } = options;
    this.#options = options;
    this.port = new OwnPort(
      node,
      clock,
      (call, done) =>
        this.#perform({ incarnation: MASTER, id: node }, call, (performed) => {
          if (performed.changed) this.#changed(MASTER, 0, performed.instead ?? call);
          done(performed);
        }),
    );
  }

  /** Writes down, from now on, what changes. */
  keep(journal: RunJournal): void {
    this.#journal = journal;
  }

  /** Speaks to workers in this way from now on. */
  connect(send: (member: Member, message: Message) => void): void {
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
        if (incarnation === MASTER) this.#options.hub.perform(call, () => {}, MASTER);
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
  seated(member: Member): void {
    const known = this.#subscribers.get(member.incarnation);
    if (known !== undefined) return known.box.sendAgain();
    const box = new Mailbox((cast) => this.#send(member, cast));
    this.#subscribers.set(member.incarnation, { member, box });
  }

  /** A worker stands to the run in another way than before. */
  moved({ incarnation, membership }: Member): void {
    if (membership !== "present") this.#lose(incarnation);
  }

  /**
   * Takes what a worker says, where it is about what nodes share.
   *
   * @throws ProtocolError where the worker lets too much pile up.
   */
  take({ incarnation }: Member, message: Message): void {
    switch (message.type) {
      case "CALL":
        return this.#desk(incarnation).take(message);
      case "SETTLED":
        return this.#desk(incarnation).settle(message.id);
      case "RECALL":
        return this.#desk(incarnation).recall(message.ids);
      case "CAST_ACK":
        return this.#subscribers.get(incarnation)?.box.acknowledged(message.seq);
    }
  }

  #lose(incarnation: string): void {
    this.#desks.get(incarnation)?.lose();
    this.#options.hub.gone(incarnation);
  }

  #desk(incarnation: string): CallDesk {
    const known = this.#desks.get(incarnation);
    if (known !== undefined) return known;
    const member = (): Member | undefined => this.#subscribers.get(incarnation)?.member;
    const desk = new CallDesk({
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
    { incarnation, id }: Pick<Member, "incarnation" | "id">,
    call: SharedCall,
    done: Done,
  ): Cancel {
    if (call.service === TIME_SERVICE) {
      done(read(this.#elapsed()));
      return NOTHING_TO_CANCEL;
    }
    const letter = letterOf(call, id);
    if (letter === undefined) return this.#options.hub.perform(call, done, incarnation);
    if (letter === null) done(refused("a message that goes nowhere"));
    else {
      this.#post(letter.to, letter);
      done(read(null));
    }
    return NOTHING_TO_CANCEL;
  }

  #post(to: string, { from, kind, data }: Letter): void {
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
      if (box.post(letter)) continue;
      this.#warn(`Worker ${member.id} does not take its messages: further ones are dropped.`);
    }
  }

  #warn(text: string): void {
    if (this.#warned.has(text) || this.#warned.size >= MAX_WARNINGS) return;
    this.#warned.add(text);
    this.#options.warn(text);
  }
}
