import assert from "node:assert/strict";
import type { Sample } from "../../src/stats/request_stats.ts";
import { testContext } from "../support/users.ts";

const SAMPLE: Sample = {
  method: "GET",
  name: "search",
  status: 500,
  latencyMs: 12,
  endedAt: 100,
  bytesReceived: 80,
  phases: null,
  bytesSent: 7,
  retries: 0,
  error: "HTTP 500",
  tags: "",
};

Deno.test("a sample is counted unchanged, and the event has its values", () => {
  const { clock, context, events, recorded } = testContext();
  const seen: unknown[] = [];
  events.on("request", (event) => void seen.push(event));
  context.recorder.record({ ...SAMPLE, tags: "cache=hit" }, {
    id: 3,
    iteration: 2,
    stage: 3,
    closed: false,
  }, {
    requestedUrl: "http://shop/search",
    exchanges: null,
    groupName: "checkout",
    traceId: "",
  });
  assert.deepEqual(recorded.samples, [{ ...SAMPLE, tags: "cache=hit" }]);
  assert.deepEqual(seen, [{
    name: "search",
    method: "GET",
    status: 500,
    latencyMs: 12,
    bytes: 80,
    error: "HTTP 500",
    userCount: 1,
    at: clock.wallTime() - clock.now() + 88,
    userId: 3,
    userClass: "ShopTest",
    iteration: 2,
    url: "http://shop/search",
    group: "checkout",
    tags: { cache: "hit" },
  }]);
});

Deno.test("a user error is counted by its text, and the event has the error itself", () => {
  const { context, events, recorded } = testContext();
  const seen: unknown[] = [];
  events.on("userError", ({ user, error }) => void seen.push(user, error));
  const error = new TypeError("x is undefined");
  context.recorder.userError("ShopTest", error, 5);
  context.recorder.userError("ShopTest", "a string", 6);
  assert.deepEqual(recorded.userErrors, [
    { user: "ShopTest", error: "TypeError: x is undefined", atMs: 5 },
    { user: "ShopTest", error: "a string", atMs: 6 },
  ]);
  assert.deepEqual(seen, ["ShopTest", error, "ShopTest", new Error("a string")]);
});

Deno.test("a request that could not be sent is an error of the load generator", () => {
  const codes: string[] = [];
  const { context, events, recorded } = testContext({}, (code) => codes.push(code));
  const seen: unknown[] = [];
  events.on("request", () => void seen.push("request"));
  events.on("userError", ({ user, error }) => void seen.push(user, error));
  const error = new Error("Too many open files");
  context.recorder.localFailure("EMFILE", error, 5);
  assert.deepEqual(recorded.samples, []);
  assert.deepEqual(recorded.userErrors, [{
    user: "(load generator)",
    error: "EMFILE: no file descriptor was free for a connection",
    atMs: 5,
  }]);
  assert.deepEqual(seen, ["(load generator)", error]);
  assert.deepEqual(codes, ["EMFILE"]);
});

Deno.test("only marked errors are already counted", () => {
  const { context: { recorder } } = testContext();
  const error = new Error("refused");
  assert.equal(recorder.isCounted(error), false);
  recorder.markCounted(error);
  recorder.markCounted("a string");
  assert.equal(recorder.isCounted(error), true);
  assert.equal(recorder.isCounted(new Error("refused")), false);
  assert.equal(recorder.isCounted("a string"), false);
});
