import assert from "node:assert/strict";
import { Events } from "../../src/core/events.ts";
import { configureLog } from "../../src/core/logger.ts";

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
  await events.emit("quitting", { exitCode: 0 });
  assert.deepEqual(seen, ["third"]);
  assert.equal(lines.length, 2);
  assert.match(lines[0]!, /ERROR {4}A handler of the event quitting threw: sync$/);
  assert.match(lines[1]!, /threw: TypeError: async$/);
});
