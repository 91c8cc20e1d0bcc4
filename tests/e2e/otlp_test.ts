import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, runAiotest, startAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("export to a collector", 2);

const COUNTED = projectPath("tests/e2e/fixtures/counted.ts");

/** One point of a metric, as OTLP has it in JSON. */
interface Point {
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, string> }[];
  readonly asDouble?: number;
  readonly count?: number;
  readonly sum?: number;
  readonly bucketCounts?: readonly number[];
  readonly explicitBounds?: readonly number[];
}

interface Points {
  readonly dataPoints: readonly Point[];
  readonly isMonotonic?: boolean;
}

interface Metric {
  readonly name: string;
  readonly sum?: Points;
  readonly gauge?: Points;
  readonly histogram?: Points;
}

/** Takes metrics as a collector does. */
class Collector implements AsyncDisposable {
  readonly url: string;
  readonly paths: string[] = [];
  readonly headers: Headers[] = [];
  readonly bodies: { resourceMetrics: { scopeMetrics: { metrics: Metric[] }[] }[] }[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** @param answer given to each request. */
  constructor(answer: () => Response = () => Response.json({})) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        this.paths.push(`${request.method} ${new URL(request.url).pathname}`);
        this.headers.push(request.headers);
        this.bodies.push(await request.json());
        return answer();
      },
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  /** The points of a metric that came last, each with its attributes. */
  points(name: string): { labels: Record<string, string>; point: Point }[] {
    const { metrics } = this.bodies.at(-1)!.resourceMetrics[0]!.scopeMetrics[0]!;
    const metric = metrics.find((one) => one.name === name);
    const { dataPoints } = metric?.sum ?? metric?.gauge ?? metric?.histogram ?? { dataPoints: [] };
    return dataPoints.map((point) => ({
      labels: Object.fromEntries(
        point.attributes.map(({ key, value }) => [key, value.stringValue ?? ""]),
      ),
      point,
    }));
  }
}

/** Sends 500 requests, and ends with them or after the time that the flags give. */
async function run(
  target: CountingTarget,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ summary: Summary; finished: Finished; seconds: number }> {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  const since = performance.now();
  const started = startAiotest(
    ["-f", COUNTED, "-H", target.url, "--quota", "500", "-u", "10", "-r", "1000", "--json", json]
      .concat(args),
    { env },
  );
  if (!args.includes("-t")) {
    await Promise.race([target.reached(500), started.finished]);
    started.kill("SIGINT");
  }
  const finished = await started.finished;
  const seconds = (performance.now() - since) / 1000;
  const summary = JSON.parse(await Deno.readTextFile(json));
  await Deno.remove(json);
  return { summary, finished, seconds };
}

/** Lines that say that metrics do not arrive. */
function warnings({ stderr }: Finished): string[] {
  return stderr.split("\n").filter((line) =>
    /WARNING +Cannot send metrics to the OpenTelemetry collector at 127/.test(line)
  );
}

test("a collector gets all metrics, and at the end those of the summary", async () => {
  await using target = new CountingTarget();
  await using collector = new Collector();
  const { summary } = await run(target, ["-t", "11s", "--otlp", collector.url, "-b", "10", "100"], {
    OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=load,authorization=Bearer%20s3cret",
  });
  // After 10 s, and at the end.
  assert.deepEqual(collector.paths, Array(2).fill("POST /v1/metrics"));
  assert.equal(collector.headers[0]!.get("authorization"), "Bearer s3cret");
  assert.equal(collector.headers[1]!.get("x-tenant"), "load");

  assert.equal(summary.totals.requests, 500);
  for (const { method, name, requests, failures, bytesReceived } of summary.requests) {
    const of = (metric: string): Point[] =>
      collector.points(metric)
        .filter(({ labels }) => labels.method === method && labels.name === name)
        .map(({ point }) => point);
    const [times, ...others] = of("aiotest_response_times");
    assert.deepEqual(others, []);
    assert.equal(times!.count, requests);
    assert.deepEqual(times!.explicitBounds, [10, 100]);
    assert.equal(times!.bucketCounts!.reduce((sum, count) => sum + count), requests);
    assert.equal(of("aiotest_response_bytes_total")[0]!.asDouble, bytesReceived);
    const failed = of("aiotest_response_failure_total").map(({ asDouble }) => asDouble!);
    assert.equal(failed.reduce((sum, count) => sum + count, 0), failures);
  }
  const state = collector.points("aiotest_run_state").find(({ point }) => point.asDouble === 1);
  assert.equal(state!.labels.state, "stopped");
  assert.equal(collector.points("aiotest_run_info")[0]!.labels.run_id, summary.runId);
});

test("an unreachable collector causes one warning, and does not change the exit code", async () => {
  await using target = new CountingTarget();
  const { summary, finished, seconds } = await run(
    target,
    ["--otlp", "http://127.0.0.1:1", "--exit-code-on-error", "0"],
  );
  assert.equal(finished.code, 0, finished.stderr);
  assert.equal(summary.totals.requests, 500);
  assert.deepEqual(warnings(finished).length, 1, finished.stderr);
  assert.match(warnings(finished)[0]!, /ECONNREFUSED/);
  assert.ok(seconds < 12, `${seconds} s`);
});

test("a collector that refuses metrics causes one warning", async () => {
  await using target = new CountingTarget();
  await using collector = new Collector(() => new Response("no", { status: 400 }));
  const { finished } = await run(target, ["-t", "11s", "--otlp", `${collector.url}/v1/metrics`]);
  assert.deepEqual(collector.paths, Array(2).fill("POST /v1/metrics"));
  assert.equal(warnings(finished).length, 1, finished.stderr);
});

test("an invalid collector URL is refused before the run starts", async () => {
  const { code, stderr } = await runAiotest(["-f", COUNTED, "--otlp", "127.0.0.1:4318"]);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /^aiotest: --otlp: expected a URL like http:\/\/127\.0\.0\.1:4318 or grpc:\/\/\S+\n/m,
  );
});
