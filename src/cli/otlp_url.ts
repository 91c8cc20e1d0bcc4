import { UsageError } from "../core/errors.ts";

/** Where collectors take metrics. */
const PATH = "/v1/metrics";

/**
 * Where `--otlp` has metrics sent: to the path that collectors have for them, unless the URL names it.
 * What is wrong with one is said without it, as there may be a secret in it.
 *
 * ```ts
 * import { parseOtlpUrl } from "./otlp_url.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(parseOtlpUrl("http://127.0.0.1:4318"), "http://127.0.0.1:4318/v1/metrics");
 * assert.equal(parseOtlpUrl("https://box/otlp/"), "https://box/otlp/v1/metrics");
 * ```
 *
 * @throws UsageError where it is none.
 */
export function parseOtlpUrl(text: string): string {
  const url = URL.parse(text);
  // The exporter sends neither name nor password of a URL: better no start than no metrics.
  const isPlain = url !== null && url.username + url.password + url.hash === "";
  if (!isPlain || !["http:", "https:"].includes(url.protocol)) {
    throw new UsageError(
      "--otlp: a URL like http://127.0.0.1:4318 is needed",
      "Metrics are sent to /v1/metrics there. Names and passwords go into OTEL_EXPORTER_OTLP_HEADERS.",
    );
  }
  if (!url.pathname.endsWith(PATH)) url.pathname = url.pathname.replace(/\/*$/, PATH);
  return url.href;
}
