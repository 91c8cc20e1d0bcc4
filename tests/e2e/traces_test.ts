import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { type CollectedSpan, OtlpCollector } from "../support/otlp_collector.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, runAiotest } from "../support/process.ts";

const TRACED = projectPath("tests/e2e/fixtures/traced.ts");

/** A request that the target got. */
interface Got {
  readonly path: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: string;
}

/** Notes the trace contexts that it gets; `/old` redirects to `/new`, and `/missing` does not exist. */
class TracedTarget implements AsyncDisposable {
  readonly got: Got[] = [];
  readonly url: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      ({ url, headers }) => {
        const { pathname: path } = new URL(url);
        const header = headers.get("traceparent") ?? "";
        const [, traceId = "", spanId = "", flags = ""] =
          /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/.exec(header) ?? [];
        this.got.push({ path, traceId, spanId, flags });
        if (path === "/old") return Response.redirect(new URL("/new", url));
        return new Response("ok", { status: path === "/missing" ? 404 : 200 });
      },
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Ids of the requests that had a trace context, sorted. */
  get ids(): string[] {
    return this.got.filter(({ traceId }) => traceId !== "")
      .map(({ traceId, spanId }) => `${traceId} ${spanId}`).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function run(
  target: TracedTarget,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Finished> {
  const all = ["-f", TRACED, "-H", target.url, "-u", "4", "-r", "100", "--exit-code-on-error", "0"];
  return runAiotest([...all, ...args], { env });
}

/** Checks that the spans are those of the requests of a target, with one around them for each trace. */
function checkSpans(spans: readonly CollectedSpan[], target: TracedTarget): void {
  const ofRequests = spans.filter(({ kind }) => kind === 3);
  assert.deepEqual(
    ofRequests.map(({ traceId, spanId }) => `${traceId} ${spanId}`).sort(),
    target.ids,
  );
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === "");
  assert.equal(roots.length, new Set(target.got.map(({ traceId }) => traceId)).size);
  for (const span of ofRequests) {
    const [root, ...others] = roots.filter(({ traceId }) => traceId === span.traceId);
    assert.deepEqual(others, []);
    assert.equal(span.parentSpanId, root!.spanId);
    // A microsecond is lost in each conversion.
    assert.ok(span.startedAt >= root!.startedAt - 0.01);
    const end = root!.startedAt + root!.durationMs;
    assert.ok(span.startedAt + span.durationMs <= end + 0.01);
  }
}

for (const protocol of ["http/json", "http/protobuf", "grpc"]) {
  Deno.test(`a collector gets the spans of all requests of a run over ${protocol}`, async () => {
    await using target = new TracedTarget();
    await using collector = await OtlpCollector.open();
    const isGrpc = protocol === "grpc";
    const url = isGrpc ? collector.grpcUrl : collector.url;
    const finished = await run(
      target,
      ["--user-classes", "ShopTest", "--iterations", "20", "--trace-context", "--otlp", url],
      {
        OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=load",
        ...(protocol === "http/protobuf" ? { OTEL_EXPORTER_OTLP_PROTOCOL: protocol } : {}),
      },
    );
    assert.equal(finished.code, 0, finished.stderr);
    assert.doesNotMatch(finished.stderr, /WARNING/);
    const requests = new Set(collector.requests);
    assert.deepEqual([...requests].sort(), [`metrics ${protocol}`, `traces ${protocol}`]);
    assert.deepEqual([...new Set(collector.tenants)], ["load"]);
    assert.ok(collector.metrics.has("aiotest_response_times"));
    // Redirects have a span of their own; each iteration has a trace, as have onStart and onStop.
    assert.equal(target.got.length, 4 + 20 * 5 + 4);
    assert.ok(target.got.every(({ flags }) => flags === "01"));
    checkSpans(collector.spans, target);
    const ofPath = (path: string): CollectedSpan => {
      const { spanId } = target.got.find((one) => one.path === path)!;
      return collector.spans.find((span) => span.spanId === spanId)!;
    };
    const names = collector.spans.filter(({ parentSpanId }) => parentSpanId === "")
      .map(({ name }) => name);
    for (
      const [name, count] of [["onStart", 4], ["iteration", 20], ["onStop", 4]] as const
    ) assert.equal(names.filter((one) => one === `ShopTest ${name}`).length, count, name);

    const { attributes, resource, ...search } = ofPath("/search");
    assert.equal(search.name, "GET search");
    assert.equal(search.status, 0);
    const port = Number(new URL(target.url).port);
    const { "aiotest.user.id": userId, "aiotest.iteration": iteration, ...others } = attributes;
    assert.ok(Number(userId) >= 1 && Number(userId) <= 4);
    assert.ok(Number(iteration) >= 0);
    assert.deepEqual(others, {
      "http.request.method": "GET",
      "url.full": `${target.url}/search?q=shoes&token=REDACTED`,
      "server.address": "127.0.0.1",
      "server.port": port,
      "http.response.status_code": 200,
      "http.response.body.size": 2,
      "aiotest.name": "search",
      "aiotest.user.class": "ShopTest",
      "aiotest.group": "browse",
    });
    assert.equal(resource["service.name"], "aiotest");
    assert.equal(resource["aiotest.node"], "local");
    assert.match(String(resource["aiotest.run.id"]), /^[\da-f-]{36}$/);
    assert.equal(ofPath("/new").attributes["http.request.resend_count"], 1);
    assert.equal(ofPath("/old").traceId, ofPath("/new").traceId);
    assert.equal(ofPath("/missing").status, 2);
    assert.equal(ofPath("/missing").attributes["error.type"], "404");
    assert.equal(ofPath("/cart").message, "the cart is empty");
    assert.equal(ofPath("/cart").attributes["error.type"], "check_failed");
    assert.equal("aiotest.iteration" in ofPath("/login").attributes, false);
  });
}

Deno.test("each worker of a distributed run sends its spans itself, and samples have their ids", async () => {
  await using target = new TracedTarget();
  await using collector = await OtlpCollector.open();
  const folder = await Deno.makeTempDir();
  const { code, stdout, stderr } = await run(target, [
    ...["--user-classes", "ShopTest", "--iterations", "40", "--processes", "2"],
    ...["--trace-context", "--otlp", collector.url, "--samples", `${folder}/samples.jsonl`],
    ...["--json", `${folder}/summary.json`],
  ]);
  assert.equal(code, 0, stderr);
  checkSpans(collector.spans, target);
  const summary: Summary = JSON.parse(await Deno.readTextFile(`${folder}/summary.json`));
  const slowest = summary.tracedRequests;
  for (const { name, requests, latencyMs, failureLatencyMs } of summary.requests) {
    const own = slowest.filter((one) => one.name === name);
    assert.equal(own.length, Math.min(requests, 3));
    assert.equal(own[0]!.latencyMs, Math.max(latencyMs.max ?? 0, failureLatencyMs?.max ?? 0));
    const path = name === "search" ? "/search" : name;
    for (const { traceId, status } of own) {
      assert.ok(target.got.some((got) => got.path === path && got.traceId === traceId));
      assert.equal(status, path === "/missing" ? 404 : 200);
    }
  }
  assert.match(stdout, /^Slowest requests with a trace/m);
  assert.ok(stdout.includes(slowest[0]!.traceId));
  const files = [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`)
    .filter((path) => path.endsWith(".jsonl"));
  assert.equal(files.length, 2);
  const lines = files.flatMap((file) => Deno.readTextFileSync(file).trimEnd().split("\n"));
  // The redirect belongs to the same request.
  const traces = target.got.filter(({ path }) => path !== "/new").map(({ traceId }) => traceId);
  assert.deepEqual(lines.map((line) => JSON.parse(line).traceId).sort(), traces.sort());
  await Deno.remove(folder, { recursive: true });
  const nodes = new Set(collector.spans.map(({ resource }) => resource["aiotest.node"]));
  assert.equal(nodes.size, 2);
  const runs = new Set(collector.spans.map(({ resource }) => resource["aiotest.run.id"]));
  assert.equal(runs.size, 1);
});

Deno.test("a share of iterations has a trace, and the others have no header", async () => {
  await using target = new TracedTarget();
  const { code, stderr } = await run(target, [
    ...["--user-classes", "ShopTest", "--iterations", "600", "--trace-context", "20%"],
  ]);
  assert.equal(code, 0, stderr);
  const traces = new Set(
    target.got.filter(({ path }) => path === "/search").map((one) => one.traceId),
  );
  traces.delete("");
  // Six standard deviations of 600 iterations.
  assert.ok(traces.size > 60 && traces.size < 180, `${traces.size} traces`);
  for (const { path, traceId, flags } of target.got) {
    if (path !== "/search" || traceId === "") continue;
    assert.equal(flags, "01");
    // All five requests of its iteration.
    assert.equal(target.got.filter((one) => one.traceId === traceId).length, 5);
  }
});

Deno.test("a header of the test file stays as it is", async () => {
  await using target = new TracedTarget();
  await using collector = await OtlpCollector.open();
  const { code, stderr } = await run(target, [
    ...["--user-classes", "OwnTest", "--iterations", "3", "--trace-context"],
    ...["--otlp", collector.url],
  ]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(target.ids, Array(3).fill(`${"ab".repeat(16)} ${"cd".repeat(8)}`));
  assert.deepEqual(collector.spans, []);
});

Deno.test("a collector that is away costs spans and warnings, but not the run", async () => {
  await using target = new TracedTarget();
  const { code, stdout, stderr } = await run(target, [
    ...["--user-classes", "ShopTest", "--iterations", "5", "--trace-context"],
    ...["--otlp", "grpc://127.0.0.1:1"],
  ]);
  assert.equal(code, 0, stderr);
  const lines = stderr.split("\n").filter((line) => line.includes("Cannot send traces"));
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0]!, /collector at 127\.0\.0\.1:1: .*ECONNREFUSED/);
  // 25 requests, 5 iterations, 4 logins and 4 logouts, with a span around each of those.
  assert.match(stdout, /46 of 46 spans were not sent to the collector at 127\.0\.0\.1:1\./);
});

for (
  const [args, env, message] of [
    [
      ["--trace-context=0%"],
      {},
      "--trace-context 0%: expected a percentage over 0% and up to 100%, like 1%",
    ],
    [
      ["--trace-context", "2"],
      {},
      "--trace-context 2: expected a percentage over 0% and up to 100%, like 1%",
    ],
    [
      ["--otlp", "grpc://127.0.0.1:4317/v1/metrics"],
      {},
      "--otlp: a URL for gRPC has no path",
    ],
    [
      ["--otlp", "http://127.0.0.1:4318"],
      { OTEL_EXPORTER_OTLP_PROTOCOL: "http" },
      "OTEL_EXPORTER_OTLP_PROTOCOL=http: expected one of grpc, http/protobuf, http/json",
    ],
  ] as const
) {
  Deno.test(`${args.join(" ")} ${JSON.stringify(env)} is refused before the run starts`, async () => {
    const { code, stderr } = await runAiotest(["-f", TRACED, ...args], { env });
    assert.equal(code, 2);
    assert.ok(stderr.startsWith(`aiotest: ${message}\n`), stderr);
  });
}
