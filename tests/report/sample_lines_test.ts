import assert from "node:assert/strict";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { clippedText } from "../../src/core/clipped_text.ts";
import { sanitizeTerminal } from "../../src/core/text.ts";
import { tagsText } from "../../src/core/tags.ts";
import {
  CSV_LINES,
  JSON_LINES,
  MAX_LINE,
  type SampleFormat,
  SampleLines,
  type SampleRecord,
} from "../../src/report/sample_lines.ts";
import { ExchangePhases } from "../../src/http/transport.ts";
import { sample as anySample } from "../support/samples.ts";

const AT = Date.UTC(2026, 6, 1, 12, 0, 3) + 4.0567;

/** Reports change some texts, too: lone surrogates, for instance. Those get a digest. */
function sent(value: string): string {
  return clippedText(value, 2000);
}

/** A record that differs from a plain one. */
function record(
  { sample, user, details, userClass = "ShopTest" }:
    & {
      readonly [Part in "sample" | "user" | "details"]?: Partial<SampleRecord[Part]>;
    }
    & { readonly userClass?: string } = {},
): SampleRecord {
  return {
    sample: anySample(sample),
    userClass,
    user: { id: 7, iteration: 0, ...user },
    details: { requestedUrl: "http://shop/search", groupName: "", traceId: "", ...details },
  };
}

/** The text of some records, one after the other. */
function text(format: SampleFormat, records: readonly SampleRecord[], startedAt = AT): string {
  const lines = new SampleLines(format, "w/1");
  const bytes = new Uint8Array(MAX_LINE * (records.length + 1));
  lines.fill(bytes);
  lines.addHeader();
  for (const one of records) {
    const before = lines.length;
    lines.add(one, startedAt);
    assert.ok(lines.length - before <= MAX_LINE);
  }
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, lines.length));
}

function json(records: readonly SampleRecord[], startedAt?: number): Record<string, unknown>[] {
  const lines = text(JSON_LINES, records, startedAt).split("\n");
  assert.equal(lines.pop(), "");
  return lines.map((line) => JSON.parse(line));
}

function csv(records: readonly SampleRecord[]): Record<string, string>[] {
  return parse(text(CSV_LINES, records), { columns: true, record_delimiter: "\n" });
}

Deno.test("a line of JSON has all that is known of a request", () => {
  const phases = new ExchangePhases();
  phases.ttfbMs = 1.5;
  const full = record({
    sample: {
      method: "POST",
      name: "order",
      status: 503,
      latencyMs: 12.3456,
      bytesReceived: 1234,
      phases,
      error: "HTTP 503",
      tags: tagsText({ cache: "hit", size: "very, large" }),
    },
    user: { id: 2_000_000_001, iteration: 4_294_967_296 },
    details: { groupName: "checkout", traceId: "4bf92f3577b34da6a3ce929d0e0e4736" },
  });
  assert.deepEqual(json([full]), [{
    time: "2026-07-01T12:00:03.004056Z",
    node: "w/1",
    userClass: "ShopTest",
    userId: 2_000_000_001,
    iteration: 4_294_967_296,
    method: "POST",
    name: "order",
    url: "http://shop/search",
    status: 503,
    latencyMs: 12.346,
    ttfbMs: 1.5,
    bytes: 1234,
    error: "HTTP 503",
    tags: { cache: "hit", size: "very, large" },
    group: "checkout",
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  }]);
});

Deno.test("what a request does not have is null in JSON, and empty in CSV", () => {
  const step = record({
    sample: { method: "TASK", status: 0, phases: null },
    details: { requestedUrl: "" },
  });
  const [line] = json([step]);
  assert.deepEqual(
    [line!.url, line!.ttfbMs, line!.error, line!.tags, line!.group, line!.traceId],
    [null, null, null, {}, null, null],
  );
  const [row] = csv([step]);
  assert.deepEqual(
    [row!.url, row!.ttfbMs, row!.error, row!.tags, row!.group, row!.traceId],
    ["", "", "", "", "", ""],
  );
});

Deno.test("all of a plain response's time was spent waiting for the first byte", () => {
  const plain = record({ sample: { status: 200, latencyMs: 2.25, phases: null } });
  assert.equal(json([plain])[0]!.ttfbMs, 2.25);
  const unanswered = record({ sample: { status: 0, phases: new ExchangePhases() } });
  assert.equal(json([unanswered])[0]!.ttfbMs, null);
});

Deno.test("requests of one name with changing URLs and codes keep their own", () => {
  const urls = [
    "http://shop/1",
    "http://shop/1",
    "http://shop/1",
    "http://shop/2",
    'http://shop/#"',
  ];
  const records = [...urls, ...urls].flatMap((requestedUrl, index) =>
    [200, 200, 503].map((status) =>
      record({
        sample: {
          status,
          name: index % 2 === 0 ? "a" : "b",
          error: status === 503 ? "HTTP 503" : null,
        },
        details: { requestedUrl, groupName: index < 3 ? "" : "flow" },
      })
    )
  );
  const expected = records.map(({ sample: { name, status, error }, details }) => [
    name,
    details.requestedUrl,
    status,
    error,
    details.groupName || null,
  ]);
  assert.deepEqual(
    json(records).map(({ name, url, status, error, group }) => [name, url, status, error, group]),
    expected,
  );
  assert.deepEqual(
    csv(records).map(({ name, url, status, error, group }) => [
      name,
      url,
      Number(status),
      error || null,
      group || null,
    ]),
    expected,
  );
});

Deno.test("times are exact to the microsecond around each second, in any order", () => {
  const second = Date.UTC(2026, 11, 31, 23, 59, 59);
  for (
    const [ms, expected] of [
      [0, "23:59:59.000000Z"],
      [999.9996, "23:59:59.999999Z"],
      [64_000.5, "00:01:03.000500Z"],
      [0.25, "23:59:59.000250Z"],
      [1000, "00:00:00.000000Z"],
    ] as const
  ) {
    assert.equal(String(json([record()], second + ms)[0]!.time).split("T")[1], expected);
  }
});

Deno.test("numbers of any size are written as they are", () => {
  const latencies = [0, 0.0004, 0.0006, 9.9996, 1000, 2_147_483.647, 2_147_483.648, 86_400_000.5];
  const counts = [0, 9, 10, 2 ** 31 - 1, 2 ** 31, Number.MAX_SAFE_INTEGER];
  assert.deepEqual(
    json(latencies.map((latencyMs) => record({ sample: { latencyMs } })))
      .map(({ latencyMs }) => latencyMs),
    [0, 0, 0.001, 10, 1000, 2_147_483.647, 2_147_483.648, 86_400_000.5],
  );
  assert.deepEqual(
    json(counts.map((bytesReceived) => record({ sample: { bytesReceived } })))
      .map(({ bytes }) => bytes),
    counts,
  );
  assert.deepEqual(
    json([NaN, Infinity, -1].map((latencyMs) => record({ sample: { latencyMs } })))
      .map(({ latencyMs }) => latencyMs),
    [null, null, null],
  );
});

Deno.test("whatever texts contain, a request is one line that readers understand", () => {
  const any = fc.string({
    unit: fc.oneof(
      fc.constantFrom(..."\"\\,;'\n\r\0\u0085\u2028\u2029\ud800é€😀".split("")),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    ),
    minLength: 1,
  });
  fc.assert(fc.property(any, any, any, any, any, (name, url, error, groupName, userClass) => {
    const one = record({
      sample: { name, error },
      details: { requestedUrl: url, groupName },
      userClass,
    });
    const all = [one, record(), one];
    const line = json(all)[2]!;
    assert.doesNotMatch(
      text(JSON_LINES, all).replaceAll("\n", ""),
      /[\p{Cc}\p{Zl}\p{Zp}]/u,
    );
    assert.deepEqual(
      [line.url, line.name, line.error, line.group, line.userClass].map((value) => String(value)),
      [url, name, error, groupName, userClass].map(sent),
    );
    assert.equal(text(CSV_LINES, all).split("\n").length, 5);
    const row = csv(all)[2]!;
    assert.deepEqual(
      [row.name, row.url, row.error, row.group, row.userClass],
      [name, url, error, groupName, userClass].map((value) => sanitizeTerminal(sent(value))),
    );
  }));
});

Deno.test("long texts are cut as in reports", () => {
  const long = "/".repeat(100_000);
  const one = record({
    sample: { name: long, method: long, error: "\u0001".repeat(50_000) },
    details: { requestedUrl: `http://shop${long}`, groupName: "\u2028".repeat(3000) },
    userClass: long,
  });
  const [line] = json([one]);
  assert.equal(String(line!.name).length, 2000);
  assert.equal(String(line!.url).length, 2000);
  assert.equal(String(line!.error).length, 2000);
  assert.equal(csv([one])[0]!.name!.length, 2000);
});
