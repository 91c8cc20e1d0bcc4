import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import { emitWithin, Events, prepareWithin } from "../../src/core/events.ts";
import { configureLog } from "../../src/core/logger.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { RUN } from "../support/users.ts";

Deno.test("handlers are called in the order in which they were added, with the same object", async () => {
  const events = new Events();
  const seen: unknown[] = [];
  events.on("startComplete", (event) => void seen.push("first", event));
  events.on("startComplete", (event) => void seen.push("second", event));
  const event = { userCount: 7 };
  await events.emit("startComplete", event);
  assert.deepEqual(seen, ["first", event, "second", event]);
  assert.equal(seen[1], seen[3]);
});

Deno.test("a handler of an unknown event is refused, and the nearest event is named", () => {
  const refused = (name: unknown, handler: unknown, message: string): void =>
    assert.throws(() => new Events().on(name as "init", handler as () => void), {
      name: "TypeError",
      message,
    });
  refused(
    "teststart",
    () => {},
    "events.on: there is no event 'teststart'. Did you mean testStart?",
  );
  refused(
    "test_stop",
    () => {},
    "events.on: there is no event 'test_stop'. Did you mean testStop?",
  );
  refused("requests", () => {}, "events.on: there is no event 'requests'. Did you mean request?");
  const known = "initCommandLineParser, init, testStart, startComplete, request, userError, " +
    "workerReport, testStop, quitting";
  refused("party", () => {}, `events.on: there is no event 'party'. The events are ${known}.`);
  refused(5, () => {}, `events.on: there is no event 5. The events are ${known}.`);
  refused("init", {}, "events.on('init'): the handler is {}, expected a function");
});

Deno.test("emit resolves when the slowest async handler is done", async () => {
  const events = new Events();
  const { promise, resolve } = Promise.withResolvers<void>();
  let done = false;
  events.on("quitting", async () => {
    await promise;
    done = true;
  });
  const emitted = events.emit("quitting", { exitCode: 0 });
  resolve();
  await emitted;
  assert.equal(done, true);
});

Deno.test("a removed handler is not called", async () => {
  const events = new Events();
  let calls = 0;
  const handler = (): void => void calls++;
  events.on("quitting", handler);
  assert.equal(events.has("quitting"), true);
  events.off("quitting", handler);
  events.off("quitting", handler);
  await events.emit("quitting", { exitCode: 0 });
  assert.equal(calls, 0);
  assert.equal(events.has("quitting"), false);
});

Deno.test("errors of a handler are logged and do not affect other handlers", async () => {
  const lines: string[] = [];
  await configureLog("INFO", (line) => lines.push(line));
  const events = new Events();
  const seen: string[] = [];
  events.on("quitting", () => {
    throw new Error("sync");
  });
  events.on("quitting", () => Promise.reject(new TypeError("async")));
  events.on("quitting", () => void seen.push("third"));
  const errors = await events.emit("quitting", { exitCode: 0 });
  assert.deepEqual(errors, ["sync", "TypeError: async"]);
  assert.deepEqual(seen, ["third"]);
  assert.equal(lines.length, 2);
  assert.match(lines[0]!, /ERROR {4}A handler of the event quitting threw: sync$/);
  assert.match(lines[1]!, /threw: TypeError: async$/);
});

Deno.test("an error of the same text is logged once a second, however often it is thrown", async () => {
  const lines: string[] = [];
  await configureLog("INFO", (line) => lines.push(line.slice(33)));
  const events = new Events();
  const event = { workerId: "w", report: {} as never };
  events.on("workerReport", () => Promise.reject(Object.create(null)));
  for (let i = 0; i < 100; i++) await events.emit("workerReport", event);
  await events.emit("quitting", { exitCode: 0 });
  const line = "A handler of the event workerReport threw: [Object: null prototype] {}";
  assert.deepEqual(lines, [line, `${line} (99 times)`]);
});

Deno.test("the promise of another library is awaited, and its error is the handler's", async () => {
  const events = new Events();
  const thenable = {
    then: (_: unknown, reject: (error: unknown) => void): void => reject(new Error("rejected")),
  };
  events.on("quitting", () => thenable as unknown as Promise<void>);
  assert.deepEqual(await events.emit("quitting", { exitCode: 0 }), ["rejected"]);
});

Deno.test("an event that prepares the run rejects once all its handlers are done", async () => {
  const events = new Events();
  const run = { ...RUN, userCount: 0 };
  await events.prepare("testStart", { run });
  let done = 0;
  events.on("testStart", () => {
    throw new Error("no test data");
  });
  events.on("testStart", async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    done++;
  });
  events.on("testStart", () => Promise.reject(new TypeError("nor this")));
  await assert.rejects(events.prepare("testStart", { run }), (error: unknown) => {
    assert.ok(error instanceof UsageError);
    assert.equal(
      error.message,
      "A handler of the event testStart threw: no test data (and 1 more)",
    );
    return true;
  });
  assert.equal(done, 1);
});

Deno.test("emitWithin does not wait longer for handlers that never end, and names the event", async () => {
  const events = new Events();
  const clock = new FakeClock();
  events.on("testStop", () => new Promise(() => {}));
  const overdue: (string | null)[] = [];
  const run = { ...RUN, userCount: 0 };
  const limit = { clock, seconds: 5 };
  void emitWithin(events, "testStop", { run }, limit).then((outcome) =>
    overdue.push(outcome.overdue)
  );
  await clock.advance(4_999);
  assert.equal(overdue.length, 0);
  await clock.advance(1);
  assert.equal(overdue[0], "Handlers of the event testStop have not ended within 5 s");
});

Deno.test("handlers that hold up the start for 5 s have a line in the log", async () => {
  const lines: string[] = [];
  await configureLog("INFO", (line) => lines.push(line.slice(line.indexOf("INFO"))));
  const events = new Events();
  const clock = new FakeClock();
  const run = { ...RUN, userCount: 0 };
  const ready = Promise.withResolvers<void>();
  events.on("testStart", () => ready.promise);
  const prepared = prepareWithin(events, "testStart", { run }, { clock, seconds: 60 });
  await clock.advance(4_999);
  assert.deepEqual(lines, []);
  await clock.advance(10_000);
  assert.deepEqual(lines, [
    "INFO     Handlers of the event testStart are still running. The test starts after them; " +
    "they have 60 s (--setup-timeout).",
  ]);
  ready.resolve();
  await prepared;
  assert.equal(clock.pending, 0);
});

Deno.test("prepareWithin rejects at the limit, and with what a handler throws before", async () => {
  const events = new Events();
  const clock = new FakeClock();
  const run = { ...RUN, userCount: 0 };
  events.on("testStart", () => new Promise(() => {}));
  const late = assert.rejects(
    prepareWithin(events, "testStart", { run }, { clock, seconds: 30 }),
    /testStart have not ended within 30 s/,
  );
  await clock.advance(30_000);
  await late;
  const broken = new Events();
  broken.on("testStart", () => Promise.reject(new Error("no test data")));
  await assert.rejects(
    prepareWithin(broken, "testStart", { run }, { clock, seconds: 30 }),
    /threw: no test data/,
  );
  assert.equal(clock.pending, 0);
});

Deno.test("a limit that is not reached, or whose wait is cancelled, leaves no timer and no error", async () => {
  const events = new Events();
  const clock = new FakeClock();
  const handler = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  events.on("quitting", () => handler.promise);
  const inTime = emitWithin(events, "quitting", { exitCode: 0 }, { clock, seconds: 5 });
  handler.resolve();
  assert.deepEqual(await inTime, { errors: [], overdue: null });
  events.on("quitting", () => new Promise(() => {}));
  const interrupted = emitWithin(events, "quitting", { exitCode: 0 }, {
    clock,
    seconds: 5,
    cancelled: cancelled.promise,
  });
  cancelled.resolve();
  assert.deepEqual(await interrupted, { errors: [], overdue: null });
  assert.equal(clock.pending, 0);
});
