import assert from "node:assert/strict";
import type { Clock } from "../../src/core/clock.ts";
import {
  EVEN_REQUESTS,
  FETCH_QUEUE,
  QueuedTransport,
  RequestQueue,
  type WaitingRequest,
} from "../../src/http/request_queue.ts";
import type { BodyFlow, WireRequest, WireResponse } from "../../src/http/transport.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

/** A clock whose timers are late by `lateMs`, as those of a busy event loop are. */
class LateClock extends FakeClock {
  lateMs = 0;

  override setTimer(...[callback, delayMs]: Parameters<Clock["setTimer"]>): object {
    return super.setTimer(callback, delayMs + this.lateMs);
  }
}

function started(count: number): { clock: LateClock; queue: RequestQueue } {
  const clock = new LateClock();
  const queue = new RequestQueue(clock, FETCH_QUEUE);
  for (let i = 0; i < count; i++) assert.equal(queue.start(), null);
  return { clock, queue };
}

function wait(queue: RequestQueue, count: number): WaitingRequest[] {
  return Array.from({ length: count }, () => {
    const one = queue.start();
    assert(one !== null);
    return one;
  });
}

Deno.test("on a busy event loop, a fetch starts for each that ends, in order", async () => {
  const { clock, queue } = started(EVEN_REQUESTS);
  clock.lateMs = 10;
  const order: number[] = [];
  for (const [i, one] of wait(queue, 3).entries()) one.turn.then(() => order.push(i));
  for (let ended = 1; ended <= 3; ended++) {
    await clock.advance(5);
    queue.end();
    await settle();
    assert.deepEqual(order, [0, 1, 2].slice(0, ended));
    assert.equal(queue.underWay, EVEN_REQUESTS);
  }
  queue.end();
  assert.equal(queue.start(), null);
  await clock.advance(20);
  assert.equal(clock.pending, 0);
});

Deno.test("on an event loop that is on time, any number of fetches is soon under way", async () => {
  const { clock, queue } = started(EVEN_REQUESTS);
  wait(queue, 5000 - EVEN_REQUESTS);
  let lastMs = 0;
  for (; queue.underWay < 5000; lastMs++) await clock.advance(1);
  // To 512 after 1 ms, and then to double their number every 5 ms.
  assert.equal(lastMs, 1 + 5 * Math.ceil(Math.log2(5000 / 512)));
  assert.equal(clock.pending, 0);
});

Deno.test("if no fetch ends, others start although the event loop is busy", async () => {
  const { clock, queue } = started(EVEN_REQUESTS);
  clock.lateMs = 10;
  wait(queue, 2 * EVEN_REQUESTS);
  await clock.advance(11);
  assert.equal(queue.underWay, 2 * EVEN_REQUESTS);
  queue.end();
  await clock.advance(5 * 11);
  assert.equal(queue.underWay, 2 * EVEN_REQUESTS - 1);
  await clock.advance(11);
  assert.equal(queue.underWay, 3 * EVEN_REQUESTS - 1);
});

Deno.test("a fetch learns how long it has waited; one that is canceled is skipped", async () => {
  const { clock, queue } = started(EVEN_REQUESTS);
  clock.lateMs = 1000;
  const [first, second, third] = wait(queue, 3);
  await clock.advance(30);
  queue.cancel(first!);
  queue.end();
  assert.deepEqual([await first!.turn, first!.isCanceled], [0, true]);
  assert.deepEqual([await second!.turn, second!.isCanceled], [30, false]);
  // It has been told to start, but its user is stopped before it does.
  queue.end();
  queue.cancel(third!);
  assert.equal(third!.isCanceled, true);
  assert.equal(queue.underWay, EVEN_REQUESTS - 1);
});

Deno.test("fetches that wait over 50 ms in five seconds in a row cause a warning", () => {
  const { clock, queue } = started(EVEN_REQUESTS);
  clock.lateMs = Infinity;
  const second = (waitMs: number): string | null => {
    wait(queue, 1);
    clock.block(waitMs);
    queue.end();
    return queue.check();
  };
  for (const waitMs of [60, 60, 60, 60, 40, 60, 60, 60, 60]) assert.equal(second(waitMs), null);
  const warning = second(60);
  assert.match(
    warning!,
    /^More than 256 HttpUsers had requests under way .* waited for over 50 ms/,
  );
  assert.equal(second(60), warning);
  assert.equal(queue.check(), null);
});

Deno.test("more fetches than the runtime serves evenly, on a busy loop, cause a warning", async () => {
  const { clock, queue } = started(EVEN_REQUESTS);
  wait(queue, EVEN_REQUESTS + 1);
  await clock.advance(6);
  assert.equal(queue.underWay, 2 * EVEN_REQUESTS + 1);
  clock.lateMs = 10;
  const warnings: (string | null)[] = [];
  for (let second = 0; second < 5; second++) {
    // One waits, and one ends, so that the event loop can be examined.
    wait(queue, 1);
    queue.end();
    await clock.advance(11);
    warnings.push(queue.check());
    await clock.advance(100);
  }
  assert.deepEqual(warnings.map((one) => one !== null), [false, false, false, false, true]);
});

Deno.test("a request that is canceled twice frees its place once", async () => {
  const { clock, queue } = started(EVEN_REQUESTS);
  const [waiting, next] = wait(queue, 2);
  queue.cancel(waiting!);
  queue.cancel(waiting!);
  assert.equal(queue.underWay, EVEN_REQUESTS);
  // It has been told to start, and has not done so yet.
  queue.end();
  queue.cancel(next!);
  queue.cancel(next!);
  assert.equal(queue.underWay, EVEN_REQUESTS - 1);
  await clock.advance(5);
  assert.equal(clock.pending, 0);
});

Deno.test("a stream gives its place to another request when it has begun, once", () => {
  const clock = new LateClock();
  const queue = new RequestQueue(clock, FETCH_QUEUE);
  const sent: WireRequest[] = [];
  const transport = new QueuedTransport(
    { exchange: (request) => void sent.push(request), abort: () => {}, close: () => {} },
    queue,
  );
  const events: string[] = [];
  const request = (wantsBody: boolean): WireRequest => ({
    method: "GET",
    url: new URL("http://127.0.0.1/"),
    headers: [],
    body: null,
    reader: { begun: () => wantsBody, piece: ({ length }) => void events.push(`piece ${length}`) },
    deadline: Infinity,
    sentAt: 0,
    counter: { retries: 0, phases: null },
    received: () => void events.push("received"),
    failed: () => void events.push("failed"),
  });
  const response = {} as WireResponse;
  const flow: BodyFlow = { pause: () => {}, resume: () => {}, cancel: () => {} };
  for (const wantsBody of [true, false]) transport.exchange(request(wantsBody));
  const [streamed, kept] = sent;
  assert.equal(queue.underWay, 2);
  streamed!.reader!.begun(response, flow);
  kept!.reader!.begun(response, flow);
  assert.equal(queue.underWay, 1);
  streamed!.reader!.piece(new Uint8Array(3));
  streamed!.received(response);
  kept!.received(response);
  assert.equal(queue.underWay, 0);
  assert.deepEqual(events, ["piece 3", "received", "received"]);
});
