import assert from "node:assert/strict";
import * as api from "../mod.ts";

Deno.test("a test file can import exactly this", () => {
  assert.deepEqual(Object.keys(api).sort(), [
    "AsyncHttpUser",
    "FastHttpUser",
    "GrpcMetadata",
    "GrpcUser",
    "HttpUser",
    "LoadUserShape",
    "RequestError",
    "User",
    "UserEnd",
    "WebSocketUser",
    "between",
    "cluster",
    "constant",
    "constantPacing",
    "constantThroughput",
    "csv",
    "delayed",
    "doubleWave",
    "events",
    "exponential",
    "hold",
    "inSequence",
    "jsonl",
    "logger",
    "metrics",
    "plus",
    "ramp",
    "repeated",
    "run",
    "scaled",
    "spike",
    "stages",
    "stepUntilItBreaks",
    "tag",
    "wave",
    "weight",
  ]);
  assert.equal(api.AsyncHttpUser, api.HttpUser);
});
