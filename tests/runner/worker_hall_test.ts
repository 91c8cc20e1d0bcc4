import assert from "node:assert/strict";
import { Channel } from "../../src/cluster/channel.ts";
import { FileServer } from "../../src/cluster/files.ts";
import { joinMaster } from "../../src/cluster/handshake.ts";
import type { JournalRecord } from "../../src/cluster/journal.ts";
import type { Message } from "../../src/cluster/protocol.ts";
import { RunState } from "../../src/cluster/run_state.ts";
import { WorkerManager } from "../../src/runner/worker_manager.ts";
import { bundled, bundleOf } from "../support/bundles.ts";
import { rpcServerWith } from "../support/rpc_servers.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { identity, MASTER_HASH, refusal } from "../support/joining.ts";
import { MemoryNetwork } from "../support/memory_network.ts";
import { report } from "../support/reports.ts";
import { assignment } from "../support/assignments.ts";

/** A worker that has been let in. */
interface Guest {
  readonly welcome: Message<"WELCOME">;
  readonly channel: Channel;
  readonly heard: Message[];
}

const BUNDLE = bundleOf(bundled("shop.ts", "test"));

class Scene {
  readonly clock = new FakeClock();
  readonly network = new MemoryNetwork();
  readonly book = new RunState("run", MASTER_HASH);
  /** What was written down, said and called, in its order. */
  readonly log: string[] = [];
  readonly hall = new WorkerManager({
    book: this.book,
    journal: {
      append: (...records: readonly JournalRecord[]) =>
        void records.forEach(({ type }) => this.log.push(`wrote ${type}`)),
      close: () => {},
    },
    exchange: rpcServerWith(this.clock),
    clock: this.clock,
    listener: this.network.listen(),
    where: "here:5557",
    token: "secret",
    allowDifferentTestfile: false,
    desk: new FileServer(BUNDLE, {
      clock: this.clock,
      info: (text) => void this.log.push(text),
      warn: (text) => void this.log.push(text),
    }),
    setup: '{"users":"5"}',
    info: (text) => void this.log.push(text),
    warn: (text) => void this.log.push(text),
  }, {
    onStaffChange: () =>
      void this.log.push(`staff: ${this.hall.staff.map(({ id }) => id).join(" ")}`),
    onReturn: ({ id }) => void this.log.push(`return of ${id}`),
    onHeard: ({ id }, revision) => void this.log.push(`${id} heard ${revision}`),
    onReport: ({ id }, { seq }) => void this.log.push(`counted ${seq} of ${id}`),
    onState: () => {},
  });

  constructor() {
    this.hall.open();
  }

  readonly guest = async (
    name: string,
    incarnation = name,
    testfileHash = MASTER_HASH,
  ): Promise<Guest> => {
    const channel = new Channel(await this.network.line("10.0.0.1").connect());
    const who = identity({ workerId: name, incarnation, testfileHash });
    const { welcome } = await joinMaster(channel, who, { token: "secret", clock: this.clock });
    const heard: Message[] = [];
    void (async () => {
      for (;;) {
        const message = await channel.receive();
        if (message === null) return;
        if (message.type !== "PING") heard.push(message);
      }
    })();
    await settle();
    return { welcome, channel, heard };
  };

  /** What was noted since it was asked last. */
  readonly news = (): string[] => this.log.splice(0);
}

function state(state: Message<"STATE">["state"], users = 0): Message<"STATE"> {
  return { type: "STATE", users, state, elapsedSeconds: 0 };
}

Deno.test("a worker is let in, told how to get ready, and can run users when it is", async () => {
  const { hall, book, news, guest } = new Scene();
  const a = await guest("a");
  assert.deepEqual([a.welcome.runId, a.welcome.ackedSeq], ["run", 0]);
  assert.deepEqual([a.welcome.heartbeatSeconds, a.welcome.leaseSeconds], [1, 5]);
  assert.deepEqual(a.heard, [{ type: "SETUP", workerIndex: 0, options: '{"users":"5"}' }]);
  assert.deepEqual(news(), ["wrote worker"]);
  a.channel.send(state("preparing"));
  await settle();
  assert.deepEqual(hall.staff, []);
  a.channel.send(state("ready"));
  await settle();
  assert.deepEqual(hall.staff, book.members);
  assert.deepEqual(news(), ["return of a", "staff: a"]);
  await hall.end();
});

Deno.test("when the test has begun, those that are ready are told, and later ones when they are", async () => {
  const { hall, clock, guest } = new Scene();
  const [early, gone] = [await guest("early"), await guest("gone")];
  for (const { channel } of [early, gone]) channel.send(state("ready"));
  await settle();
  gone.channel.close();
  await settle();
  hall.begin(() => clock.now() / 1000);
  await clock.advance(2_500);
  assert.deepEqual(early.heard.at(-1), { type: "START", elapsedSeconds: 0, phase: 0 });
  const late = await guest("late");
  late.channel.send(state("preparing"));
  await settle();
  assert.equal(late.heard.length, 1);
  late.channel.send(state("ready"));
  await settle();
  assert.deepEqual(late.heard.at(-1), { type: "START", elapsedSeconds: 2.5, phase: 0 });
  // Who was not there owes nothing.
  assert.equal(hall.settled, false);
  early.channel.send(report({ seq: 1, final: true }));
  late.channel.send(report({ seq: 1, final: true }));
  await settle();
  assert.equal(hall.settled, true);
  await hall.end();
});

Deno.test("a report is written down before it is acknowledged, and counted once", async () => {
  const { hall, news, guest } = new Scene();
  const a = await guest("a");
  hall.begin(() => 0);
  a.channel.send(state("ready"));
  await settle();
  news();
  for (const seq of [1, 3, 1, 2]) a.channel.send(report({ seq }));
  await settle();
  assert.deepEqual(news(), [
    "wrote report",
    "counted 1 of a",
    "wrote report",
    "counted 2 of a",
  ]);
  assert.deepEqual(a.heard.slice(-4), [
    { type: "ACK", seq: 1 },
    { type: "RESUME", seq: 2 },
    { type: "ACK", seq: 1 },
    { type: "ACK", seq: 2 },
  ]);
  await hall.end();
});

Deno.test("what a worker is told to run is written down before it is told", async () => {
  const { hall, book, news, guest } = new Scene();
  const a = await guest("a");
  a.channel.send(state("ready"));
  await settle();
  news();
  const target = assignment({ classes: { A: 2 } });
  hall.tell(book.members[0]!, target);
  assert.deepEqual(news(), ["wrote assigned"]);
  await settle();
  assert.deepEqual(a.heard.at(-1), target);
  a.channel.send({ type: "TARGET_ACK", revision: 1 });
  await settle();
  assert.deepEqual(news(), ["a heard 1"]);
  await hall.end();
});

Deno.test("a worker that is lost is no staff; it is again when it is back and has said how it is", async () => {
  const { hall, clock, book, news, guest } = new Scene();
  const a = await guest("a");
  a.channel.send(state("ready"));
  await settle();
  hall.begin(() => 0);
  a.channel.send(state("running", 4));
  await clock.advance(0);
  news();
  await clock.advance(6_100);
  assert.deepEqual(news(), [
    "wrote membership",
    "Worker a was not heard of for 6 s: the others get its users.",
    "staff: ",
  ]);
  assert.equal(book.members[0]!.users, 0);
  const again = await guest("a");
  assert.deepEqual(news(), ["Worker a is back.", "wrote membership"]);
  assert.deepEqual(hall.staff, []);
  assert.equal(hall.isConnected(book.members[0]!), false);
  again.channel.send(state("ready"));
  await settle();
  assert.equal(hall.isConnected(book.members[0]!), true);
  assert.deepEqual(news(), ["return of a", "staff: a"]);
  assert.deepEqual(again.heard.map(({ type }) => type), ["SETUP", "START"]);
  await hall.end();
});

Deno.test("who is back is told what it may have missed: that all users ran, or that all is to stop", async () => {
  const { hall, clock, book, guest } = new Scene();
  const a = await guest("a");
  a.channel.send(state("ready"));
  await settle();
  hall.begin(() => 0);
  a.channel.close();
  book.reset(1, 3);
  hall.started(7);
  const second = await guest("a");
  second.channel.send(state("running", 4));
  await settle();
  assert.deepEqual(second.heard.slice(1), [{ type: "STARTED", userCount: 7, phase: 1 }]);
  second.channel.close();
  hall.stop(17);
  await clock.advance(2_000);
  const third = await guest("a");
  third.channel.send(state("running", 4));
  await settle();
  assert.deepEqual(third.heard.slice(1), [
    { type: "STARTED", userCount: 7, phase: 1 },
    { type: "STOP", deadline: 15 },
  ]);
  await hall.end();
});

Deno.test("when all is to stop nobody new is let in, and nobody at the very end", async () => {
  const { hall, guest } = new Scene();
  const a = await guest("a");
  a.channel.send(state("ready"));
  await settle();
  hall.begin(() => 0);
  hall.stop(17);
  await assert.rejects(guest("b"), refusal("run", "The run is over."));
  await hall.end();
  await assert.rejects(guest("a"), Deno.errors.ConnectionRefused);
  assert.equal(a.heard.at(-1)!.type, "QUIT");
});

Deno.test("a worker that leaves is gone when its last counts are in", async () => {
  const { hall, book, news, guest } = new Scene();
  const a = await guest("a");
  a.channel.send(state("ready"));
  await settle();
  hall.begin(() => 0);
  a.channel.send(state("leaving", 3));
  await settle();
  assert.deepEqual(hall.staff, []);
  assert.equal(book.members[0]!.membership, "present");
  news();
  a.channel.send(report({ seq: 1, final: true }));
  await settle();
  assert.deepEqual(news(), ["wrote report", "wrote membership", "counted 1 of a"]);
  assert.equal(book.members[0]!.membership, "left");
  assert.equal(hall.settled, true);
  await hall.end();
});

Deno.test("who goes before the test begins is no loss", async () => {
  const { hall, clock, news, guest } = new Scene();
  const a = await guest("a");
  a.channel.close();
  news();
  await clock.advance(6_100);
  assert.deepEqual(news(), [
    "wrote membership",
    "Worker a has gone before the test began.",
    "staff: ",
  ]);
  assert.equal(hall.settled, true);
  assert.equal(hall.silence, 6_100);
  await hall.end();
  assert.equal(clock.pending, 0);
});

Deno.test("what a worker says of itself in its last words is passed on", async () => {
  const { hall, news, guest } = new Scene();
  const a = await guest("a");
  news();
  a.channel.send({ type: "ERROR", code: "protocol", text: "a report was never sent" });
  await settle();
  assert.deepEqual(news(), ["Worker a: a report was never sent"]);
  await hall.end();
});

Deno.test("who comes for the files gets them, and is no worker before it comes back with them", async () => {
  const { hall, book, news, guest } = new Scene();
  const visitor = await guest("a", "a", "");
  assert.equal(visitor.welcome.filesHash, BUNDLE.hash);
  assert.deepEqual(visitor.heard, [BUNDLE.list]);
  assert.deepEqual([book.members, news()], [[], ["Worker a fetches the test file."]]);
  const a = await guest("a", "a", BUNDLE.hash);
  assert.deepEqual(a.heard.map(({ type }) => type), ["SETUP"]);
  assert.deepEqual(book.members.map(({ id }) => id), ["a"]);
  await hall.end();
  await settle();
  assert.equal(visitor.channel.closed, true);
});
