import assert from "node:assert/strict";
import { DeadlineSweep } from "../../src/http/connection_timers.ts";
import { KeepAlive } from "../../src/websocket/keep_alive.ts";
import { FakeClock } from "../support/fake_clock.ts";

interface Kept {
  readonly clock: FakeClock;
  readonly keepAlive: KeepAlive;
  /** What has reached the connection, after how many seconds. */
  readonly events: string[];
  /** Are called before deadlines are handled. */
  readonly drains: (() => void)[];
  /** Data arrives. */
  hear(): void;
}

/** A connection that is kept alive, with an interval of 10 s. */
function kept(): Kept {
  const clock = new FakeClock();
  const events: string[] = [];
  const note = (what: string): void => void events.push(`${clock.now() / 1000} ${what}`);
  const drains: (() => void)[] = [];
  const sweep = new DeadlineSweep(clock, () => {
    drains.shift()?.();
    return Promise.resolve();
  });
  const keepAlive = new KeepAlive(
    {
      ping: () => note("ping"),
      unanswered: (sentAt) => note(`unanswered since ${sentAt / 1000}`),
      onOpen: () => note("open"),
      onData: (bytes, length) => note(`data ${bytes.length} ${length}`),
      onEnd: () => note("end"),
      onError: (error) => note(`error ${error}`),
      onDrain: () => note("drain"),
    },
    clock,
    sweep,
    10_000,
  );
  const hear = (): void => keepAlive.onData(new Uint8Array(3), 2);
  return { clock, events, keepAlive, hear, drains };
}

Deno.test("a ping is sent after each interval in which nothing has arrived", async () => {
  const { clock, events, keepAlive, hear } = kept();
  for (const _ of [1, 2, 3]) {
    await clock.advance(6_000);
    hear();
  }
  assert.deepEqual(events.splice(0), ["6 data 3 2", "12 data 3 2", "18 data 3 2"]);
  await clock.advance(10_000);
  assert.deepEqual(events.splice(0), ["28 ping"]);
  await clock.advance(1_000);
  hear();
  keepAlive.answered();
  await clock.advance(9_999);
  events.splice(0);
  await clock.advance(100);
  assert.deepEqual(events.splice(0), ["39 ping"]);
});

Deno.test("without a pong, the connection fails after another interval, whatever else arrives", async () => {
  const { clock, events, hear } = kept();
  await clock.advance(15_000);
  hear();
  await clock.advance(60_000);
  assert.deepEqual(events, ["10 ping", "15 data 3 2", "20 unanswered since 10"]);
  assert.equal(clock.pending, 0);
});

Deno.test("a pong that has arrived while the process did not run counts", async () => {
  const { clock, events, keepAlive, hear, drains } = kept();
  await clock.advance(10_000);
  clock.block(60_000);
  drains.push(() => {
    hear();
    keepAlive.answered();
  });
  await clock.advance(1_000);
  assert.deepEqual(events, ["10 ping", "70 data 3 2"]);
});

Deno.test("nothing is sent after stop, and everything is handed on", async () => {
  const { clock, events, keepAlive } = kept();
  keepAlive.stop();
  await clock.advance(60_000);
  assert.equal(clock.pending, 0);
  keepAlive.onOpen();
  keepAlive.onEnd();
  keepAlive.onError("lost");
  keepAlive.onDrain();
  assert.deepEqual(events, ["60 open", "60 end", "60 error lost", "60 drain"]);
});
