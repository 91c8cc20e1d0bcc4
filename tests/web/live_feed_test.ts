import assert from "node:assert/strict";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { LiveFeed, LogTail } from "../../src/web/feed.ts";
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
      rights: () => ({ refusal: null, canStart: false }),
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
