import assert from "node:assert/strict";
import { parseOtlpUrl } from "../../src/cli/metrics_export.ts";
import { UsageError } from "../../src/core/errors.ts";

Deno.test("metrics go to the path that collectors have for them, once", () => {
  for (
    const [given, expected] of [
      ["http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/metrics"],
      ["http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/metrics"],
      ["https://box/api/v1/otlp", "https://box/api/v1/otlp/v1/metrics"],
      ["http://box:4318/v1/metrics", "http://box:4318/v1/metrics"],
      ["http://box/otlp?tenant=a", "http://box/otlp/v1/metrics?tenant=a"],
    ] as const
  ) assert.equal(parseOtlpUrl(given), expected);
});

Deno.test("what is no URL, or has a secret in it, is refused without saying it again", () => {
  for (
    const text of ["box", "127.0.0.1:4318", "ftp://box", "http://me:s3cret@box", "grpc://box:4317"]
  ) {
    assert.throws(() => parseOtlpUrl(text), (error: unknown) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /^--otlp: a URL like http:\/\/127\.0\.0\.1:4318 is needed$/);
      assert.match(error.hint, /OTEL_EXPORTER_OTLP_HEADERS/);
      return true;
    });
  }
});
