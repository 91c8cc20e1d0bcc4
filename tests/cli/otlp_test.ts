import assert from "node:assert/strict";
import { otlpEndpoint, retrying } from "../../src/cli/otlp.ts";
import { UsageError } from "../../src/core/errors.ts";
import { FakeClock } from "../support/fake_clock.ts";

function endpoint(text: string, env: Record<string, string> = {}): string {
  const { protocol, url, place } = otlpEndpoint(text, "metrics", (name) => env[name]);
  return `${protocol} ${url} at ${place}`;
}

for (
  const [given, expected] of [
    ["http://127.0.0.1:4318", "http/json http://127.0.0.1:4318/v1/metrics at 127.0.0.1:4318"],
    ["http://127.0.0.1:4318/", "http/json http://127.0.0.1:4318/v1/metrics at 127.0.0.1:4318"],
    ["https://box/api/v1/otlp", "http/json https://box/api/v1/otlp/v1/metrics at box"],
    ["http://box:4318/v1/metrics", "http/json http://box:4318/v1/metrics at box:4318"],
    ["http://box/v1/traces", "http/json http://box/v1/metrics at box"],
    ["http://box/otlp?tenant=a", "http/json http://box/otlp/v1/metrics?tenant=a at box"],
    ["http://box:4317", "grpc http://box:4317/ at box:4317"],
    ["http://box:4317/v1/metrics", "http/json http://box:4317/v1/metrics at box:4317"],
    ["grpc://box", "grpc http://box:4317/ at box:4317"],
    ["grpc://box:5000", "grpc http://box:5000/ at box:5000"],
    ["GRPCS://box", "grpc https://box:4317/ at box:4317"],
  ] as const
) {
  Deno.test(`--otlp ${given} sends to ${expected}`, () => assert.equal(endpoint(given), expected));
}

Deno.test("spans are sent to another path than metrics", () => {
  for (
    const given of ["http://box", "http://box/", "http://box/v1/metrics", "http://box/v1/traces"]
  ) {
    assert.equal(otlpEndpoint(given, "traces", () => undefined).url, "http://box/v1/traces");
  }
});

Deno.test("OpenTelemetry's variables choose the protocol, unless the URL names it", () => {
  const all = "OTEL_EXPORTER_OTLP_PROTOCOL";
  const own = "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL";
  const other = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
  const of = (text: string, env: Record<string, string>): string =>
    endpoint(text, env).split(" ")[0]!;
  assert.equal(of("http://box:4318", { [all]: "http/protobuf" }), "http/protobuf");
  assert.equal(of("http://box:4318", { [all]: "grpc" }), "grpc");
  assert.equal(of("http://box:4317", { [all]: "http/json" }), "http/json");
  assert.equal(of("http://box", { [all]: "grpc", [own]: "http/protobuf" }), "http/protobuf");
  assert.equal(of("http://box", { [all]: "", [other]: "grpc" }), "http/json");
  assert.equal(of("grpc://box", { [all]: "http/protobuf" }), "grpc");
  assert.throws(
    () => of("http://box", { [all]: "json" }),
    /^UsageError: OTEL_EXPORTER_OTLP_PROTOCOL=json: expected one of grpc, http\/protobuf, http\/json$/,
  );
});

Deno.test("a path makes no sense for gRPC", () => {
  for (const text of ["grpc://box:4317/v1/metrics", "grpc://box/?a=b"]) {
    assert.throws(() => endpoint(text), /^UsageError: --otlp: a URL for gRPC has no path$/);
  }
});

Deno.test("an invalid URL, or one with a password, is refused without quoting it", () => {
  for (
    const text of ["box", "127.0.0.1:4318", "ftp://box", "http://me:s3cret@box", "grpc://me:a@box"]
  ) {
    assert.throws(() => endpoint(text), (error: unknown) => {
      assert.ok(error instanceof UsageError);
      assert.match(
        error.message,
        /^--otlp: expected a URL like http:\/\/127\.0\.0\.1:4318 or grpc/,
      );
      assert.match(error.hint, /OTEL_EXPORTER_OTLP_HEADERS/);
      return true;
    });
  }
});

Deno.test("gRPC is tried again while the collector is unavailable, but not for other errors", async () => {
  const clock = new FakeClock();
  const since = clock.now();
  const away = Object.assign(new Error("away"), { code: 14 });
  for (
    const [answers, times, last] of [
      [[null], [0], null],
      [[away, null], [0, 500], null],
      [[away, away, away], [0, 500, 2_000], away],
      [[Object.assign(new Error("denied"), { code: 7 })], [0], "denied"],
    ] as const
  ) {
    const start = clock.now() - since;
    const sent: number[] = [];
    const left: (Error | null)[] = [...answers];
    let result: { code: number; error?: Error } | null = null;
    retrying<string>({
      export: (_, done) => {
        sent.push(clock.now() - since - start);
        const error = left.shift()!;
        done(error === null ? { code: 0 } : { code: 1, error });
      },
    }, clock).export("data", (one) => result = one);
    await clock.advance(5_000);
    assert.deepEqual(sent, times);
    const { error = null } = result ?? assert.fail();
    assert.equal(typeof last === "string" ? (error as Error | null)?.message : error, last);
  }
  assert.equal(clock.pending, 0);
});
