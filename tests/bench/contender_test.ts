import assert from "node:assert/strict";
import { CONTENDERS, type Load, type OwnResult } from "../../bench/support/contender.ts";
import { instructionsIn } from "../../bench/support/instructions.ts";
import type { ContenderName } from "../../bench/support/scenario.ts";

const LOAD: Load = {
  openSeconds: 5,
  url: "http://127.0.0.1:8000/",
  exchange: "get",
  connections: 2,
  seconds: 5,
  folder: "",
};

async function resultOf(name: ContenderName, stdout: string): Promise<OwnResult> {
  return await CONTENDERS[name].ownResult({ stdout, stderr: "" }, LOAD);
}

const WRK = `Running 5s test @ http://127.0.0.1:8000/
  1 threads and 2 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   630.12us  123.45us   9.87ms   91.00%
    Req/Sec    10.17k     1.02k   12.01k    70.00%
  Latency Distribution
     50%  598.00us
     75%  700.00us
     90%    1.20ms
     99%    2.50ms
  50892 requests in 5.00s, 15.05MB read
  Socket errors: connect 0, read 3, write 0, timeout 2
Requests/sec:  10178.40
Transfer/sec:      3.01MB
`;

Deno.test("wrk's output is read, with its units", async () => {
  assert.deepEqual(await resultOf("wrk", WRK), {
    requests: 50_892,
    rate: 10_178.4,
    meanMs: 0.63012,
    p50Ms: 0.598,
    p99Ms: 2.5,
    failures: { read: 3, timeout: 2 },
    fairness: null,
  });
  const slow = WRK.replace("598.00us", "1.05s").replace(/^.*Socket errors.*\n/m, "");
  const { p50Ms, failures } = await resultOf("wrk", slow);
  assert.equal(p50Ms, 1050);
  assert.deepEqual(failures, {});
});

const HEY = `
Summary:
  Total:	2.0021 secs
  Average:	0.0004 secs
  Requests/sec:	14535.1

Latency distribution:
  10%% in 0.0002 secs
  50%% in 0.0003 secs
  99%% in 0.0021 secs

Status code distribution:
  [200]	29070 responses
`;

Deno.test("hey's output is read, with its errors", async () => {
  const result = await resultOf("hey", HEY);
  assert.equal(result.requests, 29_070);
  assert.equal(result.p50Ms, 0.3);
  assert.deepEqual(result.failures, {});
  const failed = await resultOf("hey", `${HEY}\nError distribution:\n  [7]\tGet "http://x": EOF\n`);
  assert.deepEqual(failed.failures, { errors: 7 });
});

Deno.test("a bare loop's fairness comes from its own counts", async () => {
  const result = await resultOf(
    "epoll-loop",
    JSON.stringify({
      failures: 0,
      requestsOfUsers: [50, 100],
      seconds: 3,
      latenciesMs: [3, 1, 2],
    }),
  );
  assert.deepEqual(result, {
    requests: 150,
    rate: 50,
    meanMs: 2,
    p50Ms: 2,
    p99Ms: 3,
    failures: {},
    fairness: 0.5,
  });
});

Deno.test("instructions are counted only by machines that can", () => {
  assert.equal(instructionsIn("123456,,instructions:u,1000,100.00,,\n"), 123_456);
  assert.equal(instructionsIn("<not supported>,,instructions:u,0,100.00,,\n"), null);
  assert.equal(instructionsIn(""), null);
});
