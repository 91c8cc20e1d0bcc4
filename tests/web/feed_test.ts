import assert from "node:assert/strict";
import type { Snapshot, Statistics } from "../../src/stats/snapshot.ts";
import { eventBytes, liveChanges, LiveFeed, LogTail, openEventStream } from "../../src/web/feed.ts";
import { EventReader } from "../support/event_reader.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import {
  emptySnapshot,
  requestRow,
  snapshot,
  statistics,
  timelineSecond,
} from "../support/snapshots.ts";

class Bench {
  readonly clock = new FakeClock();
  readonly log = new LogTail();
  readonly feed: LiveFeed;
  now: Snapshot;
  asked = 0;

  constructor(now: Snapshot = second(1)) {
    this.now = now;
    this.feed = new LiveFeed({
      clock: this.clock,
      log: this.log,
      version: "1.2.3",
      snapshot: () => {
        this.asked++;
        return this.now;
      },
      permissions: () => ({ denial: null, canStart: false }),
    });
  }

  join(): EventReader {
    return new EventReader(this.feed.join()!);
  }

  /** Lets a second of the run pass. */
  async update(now: Snapshot, exitCode: number | null = null): Promise<void> {
    this.now = now;
    this.feed.update(now, exitCode);
    await this.clock.advance(1000);
  }

  write(text: string): void {
    this.log.add({ at: 0, level: "INFO", text });
  }
}

const TIMELINE = Array.from({ length: 60 }, (_, second) => timelineSecond({ second }));

/** A run so many seconds in: "a" counts all the time, "b" stands still. */
function second(seconds: number): Snapshot {
  return snapshot({
    elapsedSeconds: seconds,
    durationSeconds: seconds,
    statistics: statistics({
      requests: [
        requestRow({ name: "a", requests: 100 * seconds }),
        requestRow({ name: "b", requests: 7 }),
      ],
      timeline: TIMELINE.slice(0, seconds),
    }),
  });
}

Deno.test("who comes sees all, and then what has changed, once a second", async () => {
  const bench = new Bench();
  bench.write("begun");
  const reader = bench.join();
  const view = await reader.next();
  assert.equal(view?.event, "view");
  assert.equal(view.data.aiotest, "1.2.3");
  assert.equal(view.data.exitCode, null);
  assert.deepEqual(view.data.requests.map(({ name }: { name: string }) => name), ["a", "b"]);
  assert.equal("histogram" in view.data.totals, false);
  assert.equal(view.data.timeline.length, 1);
  assert.deepEqual(view.data.live.log, [
    { at: "1970-01-01T00:00:00.000Z", level: "INFO", text: "begun" },
  ]);

  await bench.update(second(2));
  const update = await reader.next();
  assert.equal(update?.event, "update");
  assert.deepEqual(update.data.requests.map(({ name }: { name: string }) => name), ["a"]);
  assert.equal(update.data.requests[0].requests, 200);
  assert.deepEqual(update.data.timeline.map(({ second }: { second: number }) => second), [1]);
  assert.equal(update.data.live.elapsedSeconds, 2);
  assert.equal("log" in update.data.live, false);
  assert.equal(update.data.failures, null);
  bench.feed.close();
  assert.equal(await reader.next(), null);
  assert.equal(bench.clock.pending, 0);
});

Deno.test("who comes later sees all, and then the same as everybody", async () => {
  const bench = new Bench();
  const first = bench.join();
  await bench.update(second(2));
  const later = bench.join();
  const again = bench.join();
  await bench.update(second(3));
  assert.deepEqual([(await first.next())?.event, (await first.next())?.event], ["view", "update"]);
  const view = await later.next();
  assert.equal(view?.data.totals.requests, 207);
  assert.deepEqual(await again.next(), view);
  const update = await later.next();
  assert.equal(update?.data.totals.requests, 307);
  assert.deepEqual(await again.next(), update);
  assert.deepEqual(await first.next(), update);
  assert.equal(bench.asked, 1);
  bench.feed.close();
});

Deno.test("the views and updates of any client, put together, are the run", async () => {
  const bench = new Bench();
  const reader = bench.join();
  const rows = new Map<string, number>();
  const seconds = new Map<number, number>();
  const take = ({ requests, timeline }: Snapshot["statistics"]): void => {
    for (const { name, requests: count } of requests) rows.set(name, count);
    for (const { second, requests: count } of timeline) seconds.set(second, count);
  };
  take((await reader.next())!.data);
  for (let seconds = 2; seconds <= 50; seconds++) {
    await bench.update(second(seconds));
    take((await reader.next())!.data);
  }
  assert.deepEqual([...rows], [["a", 5000], ["b", 7]]);
  assert.deepEqual([...seconds.keys()], TIMELINE.slice(0, 50).map(({ second }) => second));
  bench.feed.close();
});

Deno.test("another state, another exit code or dropped counts bring the whole anew", async () => {
  const bench = new Bench();
  const reader = bench.join();
  await reader.next();
  await bench.update({ ...second(2), state: "stopping" });
  assert.equal((await reader.next())?.event, "view");
  await bench.update({ ...second(1), state: "stopping" });
  assert.equal((await reader.next())?.event, "view");
  await bench.update({ ...second(1), state: "stopping" }, 1);
  const last = await reader.next();
  assert.equal(last?.event, "view");
  assert.equal(last.data.exitCode, 1);
  bench.feed.close();
});

Deno.test("lines of the log come once, before the update of their second", async () => {
  const bench = new Bench();
  const reader = bench.join();
  await reader.next();
  bench.write("one");
  bench.write("two");
  const late = bench.join();
  const view = await late.next();
  assert.deepEqual(view?.data.live.log.map(({ text }: { text: string }) => text), ["one", "two"]);
  bench.write("three");
  await bench.update(second(2));
  const texts = async (from: EventReader): Promise<string[]> =>
    (await from.nextOf("log")).data.lines.map(({ text }: { text: string }) => text);
  assert.deepEqual(await texts(reader), ["one", "two"]);
  assert.deepEqual(await texts(reader), ["three"]);
  assert.equal((await reader.next())?.event, "update");
  assert.deepEqual(await texts(late), ["three"]);
  bench.feed.close();
});

Deno.test("while nobody looks, nothing is made and no timer runs", async () => {
  const bench = new Bench();
  for (let seconds = 2; seconds < 5; seconds++) await bench.update(second(seconds));
  assert.equal(bench.asked, 0);
  assert.equal(bench.clock.pending, 0);
  const reader = bench.join();
  assert.equal((await reader.next())?.data.totals.requests, 407);
  await reader.leave();
  await settle();
  assert.equal(bench.feed.clients, 0);
  assert.equal(bench.clock.pending, 0);
});

Deno.test("a run that gives no updates is looked at, and said only where it has changed", async () => {
  const bench = new Bench(emptySnapshot());
  const reader = bench.join();
  await reader.next();
  await bench.clock.advance(2000);
  assert.equal((await reader.next())?.event, "update");
  await bench.clock.advance(5000);
  bench.now = snapshot();
  await bench.clock.advance(2000);
  const view = await reader.next();
  assert.equal(view?.event, "view");
  assert.equal(view.data.live.state, "running");
  bench.feed.close();
});

Deno.test("a silent stream shows every ten seconds that it lives", async () => {
  const bench = new Bench(emptySnapshot());
  const reader = bench.join();
  await bench.clock.advance(40_000);
  bench.feed.close();
  const events: string[] = [];
  for (;;) {
    const event = await reader.next();
    if (event === null) break;
    events.push(event.event === "" ? event.data : event.event);
  }
  const heartbeat = ": still here";
  assert.deepEqual(events, ["view", "update", heartbeat, heartbeat, heartbeat]);
});

Deno.test("a hundred may look at once", async () => {
  const bench = new Bench();
  const readers = Array.from({ length: 100 }, () => bench.join());
  assert.equal(bench.feed.join(), null);
  await readers[0]!.leave();
  await settle();
  assert.notEqual(bench.feed.join(), null);
  bench.feed.close();
});

Deno.test("who does not read is cut off, and others see no difference", async () => {
  const requests = Array.from({ length: 1000 }, (_, number) => `name ${number}`.padEnd(500, "."));
  const large = (seconds: number): Snapshot =>
    snapshot({
      elapsedSeconds: seconds,
      statistics: statistics({
        requests: requests.map((name) => requestRow({ name, requests: seconds })),
        timeline: [],
      }),
    });
  const bench = new Bench(large(1));
  bench.join();
  const reader = bench.join();
  await reader.next();
  let updates = 1;
  while (bench.feed.clients === 2 && updates < 20) {
    updates++;
    await bench.update(large(updates));
    assert.equal((await reader.next())?.data.live.elapsedSeconds, updates);
  }
  assert.equal(bench.feed.clients, 1);
  assert.ok(updates > 5, `cut off after ${updates} updates`);
  bench.feed.close();
});

function filled(lines: number): LogTail {
  const tail = new LogTail();
  for (let number = 0; number < lines; number++) {
    tail.add({ at: number, level: "INFO", text: `line ${number}` });
  }
  return tail;
}

Deno.test("a line has its time as text", () => {
  assert.deepEqual(filled(1).since(0), [
    { at: "1970-01-01T00:00:00.000Z", level: "INFO", text: "line 0" },
  ]);
});

Deno.test("the last 200 lines are kept, and all are counted", () => {
  for (const count of [0, 1, 199, 200, 201, 399, 400, 401, 1234]) {
    const tail = filled(count);
    assert.equal(tail.count, count);
    const texts = tail.since(0).map(({ text }) => text);
    assert.equal(texts.length, Math.min(count, 200));
    if (count > 0) assert.equal(texts.at(-1), `line ${count - 1}`);
    assert.equal(texts[0], count === 0 ? undefined : `line ${Math.max(0, count - 200)}`);
  }
});

Deno.test("those that are new are told apart from those that are known", () => {
  const tail = filled(1000);
  assert.deepEqual(tail.since(997).map(({ text }) => text), ["line 997", "line 998", "line 999"]);
  assert.deepEqual(tail.since(1000), []);
});

const A = requestRow({ name: "a" });
const B = requestRow({ name: "b" });
const POST_B = requestRow({ name: "b", method: "POST" });
const SECONDS = [0, 1, 2].map((second) => timelineSecond({ second }));

function counted(changes: Partial<Statistics>): Snapshot {
  return snapshot({
    statistics: statistics({ requests: [A, B], timeline: SECONDS, ...changes }),
  });
}

Deno.test("what stays as it is, is not said again", () => {
  const changes = liveChanges(counted({}), counted({}));
  assert.ok(changes !== null);
  const { totals, durationSeconds, complete, users, ...rest } = changes;
  assert.equal(totals.requests, 2000);
  assert.equal(durationSeconds, 10);
  assert.equal(complete, true);
  assert.deepEqual(users, { peak: 10, final: 10 });
  assert.deepEqual(rest, {
    requests: [],
    failures: null,
    userErrors: null,
    thresholds: null,
    warnings: null,
    iterations: null,
    breakingPoint: null,
    timeline: [],
  });
});

Deno.test("rows that have counted more, and new ones wherever they come in, are said", () => {
  const more = requestRow({ name: "b", requests: 1001 });
  const between = requestRow({ name: "ab", requests: 1 });
  const cases: [Statistics["requests"], string[]][] = [
    [[A, more], ["GET b"]],
    [[A, between, B], ["GET ab"]],
    [[A, B, POST_B], ["POST b"]],
    [[A, between, more, POST_B], ["GET ab", "GET b", "POST b"]],
    // Its rate falls as time goes by, which needs no saying.
    [[{ ...A, rate: 1 }, B], []],
  ];
  for (const [requests, said] of cases) {
    const changes = liveChanges(counted({}), counted({ requests }))!;
    assert.deepEqual(changes.requests.map(({ method, name }) => `${method} ${name}`), said);
  }
  const { requests: [row] } = liveChanges(counted({}), counted({ requests: [A, more] }))!;
  assert.equal(row!.requests, 1001);
  assert.ok(!("histogram" in row!) && !("codes" in row!));
});

Deno.test("seconds that have changed, and new ones, are said", () => {
  const late = timelineSecond({ second: 1, requests: 111 });
  const next = timelineSecond({ second: 3, p99: 1.23456 });
  const timeline = [SECONDS[0]!, late, SECONDS[2]!, next];
  const changes = liveChanges(counted({}), counted({ timeline }))!;
  assert.deepEqual(changes.timeline.map(({ second }) => second), [1, 3]);
  assert.equal(changes.timeline[0]!.requests, 111);
  assert.equal(changes.timeline[1]!.p99, 1.235);
  // A worker that comes back may bring the second before all others.
  const first = timelineSecond({ second: -1 });
  const earlier = liveChanges(counted({}), counted({ timeline: [first, ...SECONDS] }))!;
  assert.deepEqual(earlier.timeline.map(({ second }) => second), [-1]);
});

Deno.test("failures, errors, warnings and thresholds are said whole when one of them changes", () => {
  const failure = { method: "GET", name: "a", error: "HTTP 500", count: 1 };
  const userError = { user: "Shopper", error: "TypeError", count: 1 };
  const before = counted({ failures: [failure], userErrors: [userError] });
  const now: Snapshot = {
    ...counted({
      failures: [{ ...failure, count: 2 }],
      userErrors: [userError, { ...userError, user: "Other" }],
    }),
    warnings: ["slow"],
    thresholds: [{ expression: "p95<1ms", observed: 2, passed: false }],
  };
  const changes = liveChanges(before, now)!;
  assert.deepEqual(changes.failures, [{ ...failure, count: 2 }]);
  assert.equal(changes.userErrors!.length, 2);
  assert.deepEqual(changes.warnings, ["slow"]);
  assert.deepEqual(changes.thresholds, [
    { expression: "p95<1ms", observed: 2, passed: false, observedText: "2 ms" },
  ]);
});

Deno.test("where more than counts has changed, there is nothing to say but the whole", () => {
  const wholes: Snapshot[] = [
    snapshot({ runId: "another" }),
    snapshot({ state: "stopping" }),
    snapshot({ startedAt: 1 }),
    counted({ requests: [A] }),
    counted({ requests: [] }),
    counted({ requests: [A, requestRow({ name: "b", requests: 999 })] }),
    counted({ timeline: SECONDS.slice(1) }),
  ];
  const before = counted({});
  for (const now of wholes) assert.equal(liveChanges(before, now), null);
});

const MIB = 1024 * 1024;

Deno.test("an event is one of text/event-stream's", () => {
  const text = new TextDecoder().decode(eventBytes("log", '{"a":"ü\\n"}'));
  assert.equal(text, 'event: log\ndata: {"a":"ü\\n"}\n\n');
});

Deno.test("what is sent comes in its order, and ends when the stream is closed", async () => {
  let ends = 0;
  const stream = openEventStream(() => ends++);
  for (const text of ["a", "b", "c"]) stream.send(new TextEncoder().encode(text));
  stream.close();
  stream.close();
  stream.send(new TextEncoder().encode("d"));
  assert.equal(await new Response(stream.body).text(), "abc");
  assert.equal(ends, 1);
});

Deno.test("a client that goes away is told of once, and sent nothing more", async () => {
  let ends = 0;
  const stream = openEventStream(() => ends++);
  await stream.body.cancel();
  stream.send(new Uint8Array(1));
  stream.close();
  assert.equal(ends, 1);
});

Deno.test("a client that does not read is cut off once 8 MiB wait for it", async () => {
  let ends = 0;
  const stream = openEventStream(() => ends++);
  for (let count = 0; count < 8; count++) stream.send(new Uint8Array(MIB));
  assert.equal(ends, 0);
  stream.send(new Uint8Array(1));
  assert.equal(ends, 1);
  await assert.rejects(new Response(stream.body).bytes(), /the client does not read/);
});

Deno.test("an event that is longer by itself is sent all the same", async () => {
  let ends = 0;
  const stream = openEventStream(() => ends++);
  stream.send(new Uint8Array(20 * MIB));
  assert.equal(ends, 0);
  const reader = stream.body.getReader();
  assert.equal((await reader.read()).value!.length, 20 * MIB);
  stream.send(new Uint8Array(MIB));
  assert.equal((await reader.read()).value!.length, MIB);
  stream.close();
  assert.equal((await reader.read()).done, true);
});
