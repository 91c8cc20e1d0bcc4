import assert from "node:assert/strict";
import fc from "fast-check";
import type { History, Snapshot, Statistics } from "../../src/stats/snapshot.ts";
import { eventBytes, liveChanges, LiveFeed, LogTail, openEventStream } from "../../src/web/feed.ts";
import { type LiveView, liveView } from "../../src/web/live_view.ts";
import { updatedView } from "../../src/web/page/view_state.js";
import { EventReader } from "../support/event_reader.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import {
  checkRow,
  classRow,
  counterRow,
  emptySnapshot,
  gaugeRow,
  groupRow,
  history,
  rateRow,
  requestRow,
  scriptedSnapshot,
  snapshot,
  statistics,
  tagRow,
  timelineSecond,
  trendRow,
  unfinishedAt,
} from "../support/snapshots.ts";

class Scene {
  readonly clock = new FakeClock();
  readonly log = new LogTail();
  readonly feed: LiveFeed;
  now: Snapshot;
  snapshots = 0;

  constructor(now: Snapshot = second(1), maxClients = Infinity) {
    this.now = now;
    this.feed = new LiveFeed({
      clock: this.clock,
      log: this.log,
      version: "1.2.3",
      maxClients,
      snapshot: () => {
        this.snapshots++;
        return this.now;
      },
      permissions: () => ({ denial: null, canStart: false, series: null }),
    });
  }

  join(): EventReader {
    return new EventReader(this.feed.join()!);
  }

  /** Sends an update and advances the clock by a second. */
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

/** A run after the given number of seconds. The counts of "a" grow, those of "b" do not. */
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

Deno.test("a client receives the whole run, then what has changed each second", async () => {
  const scene = new Scene();
  scene.write("begun");
  const reader = scene.join();
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

  await scene.update(second(2));
  const update = await reader.next();
  assert.equal(update?.event, "update");
  assert.deepEqual(update.data.requests.map(({ name }: { name: string }) => name), ["a"]);
  assert.equal(update.data.requests[0].requests, 200);
  assert.deepEqual(update.data.timeline.map(({ second }: { second: number }) => second), [1]);
  assert.equal(update.data.live.elapsedSeconds, 2);
  assert.equal("log" in update.data.live, false);
  assert.equal(update.data.failures, null);
  scene.feed.close();
  assert.equal(await reader.next(), null);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("a client that connects later receives the whole run, then the same updates as the others", async () => {
  const scene = new Scene();
  const first = scene.join();
  await scene.update(second(2));
  const later = scene.join();
  const again = scene.join();
  await scene.update(second(3));
  assert.deepEqual([(await first.next())?.event, (await first.next())?.event], ["view", "update"]);
  const view = await later.next();
  assert.equal(view?.data.totals.requests, 207);
  assert.deepEqual(await again.next(), view);
  const update = await later.next();
  assert.equal(update?.data.totals.requests, 307);
  assert.deepEqual(await again.next(), update);
  assert.deepEqual(await first.next(), update);
  assert.equal(scene.snapshots, 1);
  scene.feed.close();
});

Deno.test("the view and all updates add up to the run", async () => {
  const scene = new Scene();
  const reader = scene.join();
  const rows = new Map<string, number>();
  const seconds = new Map<number, number>();
  const take = ({ requests, timeline }: Snapshot["statistics"]): void => {
    for (const { name, requests: count } of requests) rows.set(name, count);
    for (const { second, requests: count } of timeline) seconds.set(second, count);
  };
  take((await reader.next())!.data);
  for (let seconds = 2; seconds <= 50; seconds++) {
    await scene.update(second(seconds));
    take((await reader.next())!.data);
  }
  assert.deepEqual([...rows], [["a", 5000], ["b", 7]]);
  assert.deepEqual([...seconds.keys()], TIMELINE.slice(0, 50).map(({ second }) => second));
  scene.feed.close();
});

Deno.test("a new state, a new exit code or dropped counts cause a new view", async () => {
  const scene = new Scene();
  const reader = scene.join();
  await reader.next();
  await scene.update({ ...second(2), state: "stopping" });
  assert.equal((await reader.next())?.event, "view");
  await scene.update({ ...second(1), state: "stopping" });
  assert.equal((await reader.next())?.event, "view");
  await scene.update({ ...second(1), state: "stopping" }, 1);
  const last = await reader.next();
  assert.equal(last?.event, "view");
  assert.equal(last.data.exitCode, 1);
  scene.feed.close();
});

Deno.test("log lines are sent once, before the update of their second", async () => {
  const scene = new Scene();
  const reader = scene.join();
  await reader.next();
  scene.write("one");
  scene.write("two");
  const late = scene.join();
  const view = await late.next();
  assert.deepEqual(view?.data.live.log.map(({ text }: { text: string }) => text), ["one", "two"]);
  scene.write("three");
  await scene.update(second(2));
  const texts = async (from: EventReader): Promise<string[]> =>
    (await from.nextOf("log")).data.lines.map(({ text }: { text: string }) => text);
  assert.deepEqual(await texts(reader), ["one", "two"]);
  assert.deepEqual(await texts(reader), ["three"]);
  assert.equal((await reader.next())?.event, "update");
  assert.deepEqual(await texts(late), ["three"]);
  scene.feed.close();
});

Deno.test("without clients, nothing is built and no timer runs", async () => {
  const scene = new Scene();
  for (let seconds = 2; seconds < 5; seconds++) await scene.update(second(seconds));
  assert.equal(scene.snapshots, 0);
  assert.equal(scene.clock.pending, 0);
  const reader = scene.join();
  assert.equal((await reader.next())?.data.totals.requests, 407);
  await reader.leave();
  await settle();
  assert.equal(scene.feed.clients, 0);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("if the run sends no updates, the feed takes snapshots and sends changes", async () => {
  const scene = new Scene(emptySnapshot());
  const reader = scene.join();
  await reader.next();
  await scene.clock.advance(2000);
  assert.equal((await reader.next())?.event, "update");
  await scene.clock.advance(5000);
  scene.now = snapshot();
  await scene.clock.advance(2000);
  const view = await reader.next();
  assert.equal(view?.event, "view");
  assert.equal(view.data.live.state, "running");
  scene.feed.close();
});

Deno.test("a silent stream carries a heartbeat every ten seconds", async () => {
  const scene = new Scene(emptySnapshot());
  const reader = scene.join();
  await scene.clock.advance(40_000);
  scene.feed.close();
  const events: string[] = [];
  for (;;) {
    const event = await reader.next();
    if (event === null) break;
    events.push(event.event === "" ? event.data : event.event);
  }
  const heartbeat = ": still here";
  assert.deepEqual(events, ["view", "update", heartbeat, heartbeat, heartbeat]);
});

Deno.test("a hundred clients may be connected at once, or fewer where connections are few", async () => {
  for (const [maxClients, count] of [[1_000, 100], [8, 8]] as const) {
    const scene = new Scene(second(1), maxClients);
    const readers = Array.from({ length: count }, () => scene.join());
    assert.equal(scene.feed.join(), null);
    await readers[0]!.leave();
    await settle();
    assert.notEqual(scene.feed.join(), null);
    scene.feed.close();
  }
});

Deno.test("a client that does not read is disconnected without affecting others", async () => {
  const requests = Array.from({ length: 1000 }, (_, number) => `name ${number}`.padEnd(500, "."));
  const large = (seconds: number): Snapshot =>
    snapshot({
      elapsedSeconds: seconds,
      statistics: statistics({
        requests: requests.map((name) => requestRow({ name, requests: seconds })),
        timeline: [],
      }),
    });
  const scene = new Scene(large(1));
  scene.join();
  const reader = scene.join();
  await reader.next();
  let updates = 1;
  while (scene.feed.clients === 2 && updates < 20) {
    updates++;
    await scene.update(large(updates));
    assert.equal((await reader.next())?.data.live.elapsedSeconds, updates);
  }
  assert.equal(scene.feed.clients, 1);
  assert.ok(updates > 5, `disconnected after ${updates} updates`);
  scene.feed.close();
});

function filled(lines: number): LogTail {
  const tail = new LogTail();
  for (let number = 0; number < lines; number++) {
    tail.add({ at: number, level: "INFO", text: `line ${number}` });
  }
  return tail;
}

Deno.test("a line has its time as ISO 8601", () => {
  assert.deepEqual(filled(1).since(0), [
    { at: "1970-01-01T00:00:00.000Z", level: "INFO", text: "line 0" },
  ]);
});

Deno.test("the last 200 lines are kept, and all lines are counted", () => {
  for (const count of [0, 1, 199, 200, 201, 399, 400, 401, 1234]) {
    const tail = filled(count);
    assert.equal(tail.count, count);
    const texts = tail.since(0).map(({ text }) => text);
    assert.equal(texts.length, Math.min(count, 200));
    if (count > 0) assert.equal(texts.at(-1), `line ${count - 1}`);
    assert.equal(texts[0], count === 0 ? undefined : `line ${Math.max(0, count - 200)}`);
  }
});

Deno.test("new lines are those after a given count", () => {
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

Deno.test("unchanged data is not sent again", () => {
  const changes = liveChanges(counted({}), counted({}));
  assert.ok(changes !== null);
  const { totals, durationSeconds, pausedSeconds, pauses, complete, users, ...rest } = changes;
  assert.deepEqual([pausedSeconds, pauses], [0, []]);
  assert.equal(totals.requests, 2000);
  assert.equal(durationSeconds, 10);
  assert.equal(complete, true);
  assert.deepEqual(users, { peak: 10, final: 10 });
  assert.deepEqual(rest, {
    ...{ requests: [], classes: [], groups: [], metrics: [], checks: [], histories: [] },
    historyKeys: null,
    heatMap: null,
    tracedRequests: null,
    failures: null,
    failureSamples: [],
    workerLogs: {},
    userErrors: null,
    thresholds: null,
    annotations: null,
    warnings: null,
    iterations: null,
    network: null,
    breakingPoint: null,
    timeline: [],
  });
  const scripted = liveChanges(scriptedSnapshot(20), scriptedSnapshot(20))!;
  assert.deepEqual([scripted.classes, scripted.groups, scripted.metrics], [[], [], []]);
  assert.deepEqual([scripted.checks, scripted.histories], [[], []]);
});

Deno.test("rows of classes, groups, metrics and checks are sent if their counts have changed", () => {
  const before = counted({
    requests: [requestRow({ tags: [tagRow(), tagRow({ tags: "cache=miss" })] }), B],
    classes: [classRow(), classRow({ name: "Other" })],
    groups: [groupRow(), groupRow({ name: "other" })],
    metrics: [gaugeRow(), counterRow(), rateRow(), trendRow()],
    checks: [checkRow(), checkRow({ name: "other" })],
    histories: [history(), history({ name: "/other" })],
  });
  const now = counted({
    requests: [
      requestRow({
        requests: 1001,
        tags: [tagRow(), tagRow({ tags: "cache=miss", requests: 1001 })],
      }),
      B,
    ],
    classes: [classRow({ load: { users: 5, arrivalRate: null } }), classRow({ name: "Other" })],
    groups: [groupRow(), groupRow({ name: "new" }), groupRow({ name: "other", count: 501 })],
    // What a counter has per second falls, and the value of a gauge may, too.
    metrics: [
      gaugeRow({ value: 3 }),
      counterRow({ perSecond: 1 }),
      rateRow({ total: 1001 }),
      trendRow(),
    ],
    checks: [checkRow({ failed: 4 }), checkRow({ name: "other" })],
    histories: [history(), history({ name: "/other", requests: [...Array(9).fill(100), 101] })],
  });
  const changes = liveChanges(before, now)!;
  assert.deepEqual(changes.requests.map(({ tags }) => tags.map(({ tags }) => tags)), [[
    "cache=miss",
  ]]);
  assert.deepEqual(changes.classes.map(({ name, loadText }) => [name, loadText]), [
    ["BuyerTest", "5 users"],
  ]);
  assert.deepEqual(changes.groups.map(({ name }) => name), ["new", "other"]);
  assert.deepEqual(changes.metrics.map(({ name }) => name), ["queue length", "cache_hits"]);
  assert.deepEqual(changes.checks.map(({ failed }) => failed), [4]);
  assert.deepEqual(changes.histories.map(({ name, seconds }) => [name, seconds]), [["/other", [
    9,
  ]]]);
  const shrunk: Partial<Statistics>[] = [
    {
      classes: [classRow({ requests: [requestRow({ requests: 9 })] }), classRow({ name: "Other" })],
    },
    { groups: [groupRow()] },
    { groups: [groupRow({ count: 1 }), groupRow({ name: "other" })] },
    { metrics: [gaugeRow(), counterRow(), rateRow(), trendRow({ count: 1 })] },
    { checks: [checkRow({ passed: 1 }), checkRow({ name: "other" })] },
    { histories: [history({ seconds: [7, 8] }), history({ name: "/other" })] },
  ];
  for (const changes of shrunk) {
    const statistics = { ...before.statistics, ...changes };
    assert.equal(liveChanges(before, { ...before, statistics }), null);
  }
});

Deno.test("a page that applies all updates has the same run as one that opens now", () => {
  const names = fc.constantFrom("a", "b", "c", "<d>");
  const step = fc.array(
    fc.record({ name: names, tags: names, more: fc.integer({ min: 1, max: 9 }) }),
    {
      maxLength: 6,
    },
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
      const counts = new Counts();
      let before = counts.snapshot();
      let view = viewOf(before);
      for (const samples of steps) {
        counts.second(samples);
        const now = counts.snapshot();
        const changes = liveChanges(before, now)!;
        view = updatedView(view, { live: view.live, exitCode: null, ...changes });
        before = now;
      }
      assert.deepEqual(JSON.parse(JSON.stringify({ ...view, live: null })), {
        ...JSON.parse(JSON.stringify(viewOf(before))),
        live: null,
      });
    }),
    { numRuns: 60 },
  );
});

function viewOf(run: Snapshot): LiveView {
  const permissions = { denial: null, canStart: false, series: null };
  return liveView(run, { version: "", exitCode: null, permissions, log: [] });
}

interface Sample {
  readonly name: string;
  readonly tags: string;
  readonly more: number;
}

/** A run that counts the same for names, tags, classes, groups, metrics and checks. */
class Counts {
  #seconds: (readonly Sample[])[] = [];

  second(samples: readonly Sample[]): void {
    this.#seconds.push(samples);
  }

  snapshot(): Snapshot {
    const samples = this.#seconds.flat();
    const duration = 10 + this.#seconds.length;
    const sum = (isOne: (sample: Sample) => boolean): { requests: number; rate: number } => {
      const requests = samples.filter(isOne).reduce((all, { more }) => all + more, 0);
      return { requests, rate: requests / duration };
    };
    const names = [...new Set(samples.map(({ name }) => name))].sort();
    const requests = names.map((name) => {
      const own = samples.filter((sample) => sample.name === name);
      const tags = [...new Set(own.map(({ tags }) => tags))].sort().map((tags) =>
        tagRow({ tags, ...sum((sample) => sample.name === name && sample.tags === tags) })
      );
      return requestRow({ name, ...sum((sample) => sample.name === name), tags });
    });
    return snapshot({
      durationSeconds: duration,
      statistics: statistics({
        requests,
        timeline: TIMELINE.slice(0, this.#seconds.length),
        classes: [classRow({ name: "Z", requests }), classRow({ name: "A", requests: [] })],
        groups: requests.map(({ name, requests }) => groupRow({ name, count: requests })),
        checks: requests.map(({ name, requests }) => checkRow({ name, passed: requests })),
        metrics: requests.flatMap(({ name, requests: value, rate }) => [
          counterRow({ name: `${name}1`, value, perSecond: rate }),
          gaugeRow({ name: `${name}2`, value: value % 3 }),
          trendRow({ name: `${name}3`, count: value }),
        ]),
        // The busiest first, so that names come and go, and their order changes.
        histories: requests.toSorted((a, b) => b.requests - a.requests).slice(0, 2)
          .map(({ name }) => this.#history(name)),
      }),
    });
  }

  #history(name: string): History {
    const rows = this.#seconds.flatMap((samples, second) => {
      const own = samples.filter((sample) => sample.name === name);
      return own.length === 0 ? [] : [{ second, requests: own.length }];
    });
    return history({
      name,
      seconds: rows.map(({ second }) => second),
      requests: rows.map(({ requests }) => requests),
    });
  }
}

Deno.test("rows with higher counts and new rows are sent, wherever they are inserted", () => {
  const more = requestRow({ name: "b", requests: 1001 });
  const between = requestRow({ name: "ab", requests: 1 });
  const cases: [Statistics["requests"], string[]][] = [
    [[A, more], ["GET b"]],
    [[A, between, B], ["GET ab"]],
    [[A, B, POST_B], ["POST b"]],
    [[A, between, more, POST_B], ["GET ab", "GET b", "POST b"]],
    [[{ ...A, inProgress: { count: 2, oldestMs: 5 } }, B], ["GET a"]],
    [[A, { ...B, ...unfinishedAt(11_000) }], ["GET b"]],
    // A falling rate alone is not a change, since clients can compute it.
    [[{ ...A, rate: 1 }, B], []],
  ];
  for (const [requests, sent] of cases) {
    const changes = liveChanges(counted({}), counted({ requests }))!;
    assert.deepEqual(changes.requests.map(({ method, name }) => `${method} ${name}`), sent);
  }
  const { requests: [row] } = liveChanges(counted({}), counted({ requests: [A, more] }))!;
  assert.equal(row!.requests, 1001);
  assert.ok(!("histogram" in row!) && !("codes" in row!));
});

Deno.test("changed and new seconds are sent", () => {
  const late = timelineSecond({ second: 1, requests: 111 });
  const next = timelineSecond({ second: 3, p99: 1.23456 });
  const timeline = [SECONDS[0]!, late, SECONDS[2]!, next];
  const changes = liveChanges(counted({}), counted({ timeline }))!;
  assert.deepEqual(changes.timeline.map(({ second }) => second), [1, 3]);
  assert.equal(changes.timeline[0]!.requests, 111);
  assert.equal(changes.timeline[1]!.p99, 1.235);
  // The late report of a worker may add an earlier second.
  const first = timelineSecond({ second: -1 });
  const earlier = liveChanges(counted({}), counted({ timeline: [first, ...SECONDS] }))!;
  assert.deepEqual(earlier.timeline.map(({ second }) => second), [-1]);
});

Deno.test("a list of failures, errors, warnings or thresholds is sent whole if it has changed", () => {
  const failure = { method: "GET", name: "a", error: "HTTP 500", count: 1 };
  const userError = { user: "Shopper", error: "TypeError", place: null, count: 1 };
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
    {
      ...{ expression: "p95<1ms", observed: 2, passed: false, observedText: "2 ms" },
      line: { charts: ["latency", "heat"], kind: "run", subject: "", value: 1 },
    },
  ]);
});

Deno.test("clients need the whole run if more than counts has changed", () => {
  const others: Snapshot[] = [
    snapshot({ runId: "another" }),
    snapshot({ state: "stopping" }),
    snapshot({ startedAt: 1 }),
    { ...counted({}), runEnd: { kind: "fail", reason: "sold out", node: "w1" } },
    counted({ requests: [A] }),
    counted({ requests: [] }),
    counted({ requests: [A, requestRow({ name: "b", requests: 999 })] }),
    counted({ timeline: SECONDS.slice(1) }),
  ];
  const before = counted({});
  for (const now of others) assert.equal(liveChanges(before, now), null);
});

const MIB = 1024 * 1024;

Deno.test("an event has the format of text/event-stream", () => {
  const text = new TextDecoder().decode(eventBytes("log", '{"a":"ü\\n"}'));
  assert.equal(text, 'event: log\ndata: {"a":"ü\\n"}\n\n');
});

Deno.test("data arrives in order, and the stream ends when it is closed", async () => {
  let ends = 0;
  const stream = openEventStream(() => ends++);
  for (const text of ["a", "b", "c"]) stream.send(new TextEncoder().encode(text));
  stream.close();
  stream.close();
  stream.send(new TextEncoder().encode("d"));
  assert.equal(await new Response(stream.body).text(), "abc");
  assert.equal(ends, 1);
});

Deno.test("a departing client is reported once, and receives nothing more", async () => {
  let ends = 0;
  const stream = openEventStream(() => ends++);
  await stream.body.cancel();
  stream.send(new Uint8Array(1));
  stream.close();
  assert.equal(ends, 1);
});

Deno.test("a client that does not read is disconnected when 8 MiB are buffered", async () => {
  let ends = 0;
  const stream = openEventStream(() => ends++);
  for (let count = 0; count < 8; count++) stream.send(new Uint8Array(MIB));
  assert.equal(ends, 0);
  stream.send(new Uint8Array(1));
  assert.equal(ends, 1);
  await assert.rejects(new Response(stream.body).bytes(), /the client does not read/);
});

Deno.test("a single longer event is sent", async () => {
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
