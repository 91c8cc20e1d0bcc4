/** What pages show of data, of other programs and of what aiotest prints. */

import assert from "node:assert/strict";
import { parse as parseYaml } from "yaml";
import { CustomFlags } from "../../src/cli/custom_flags.ts";
import { main } from "../../src/cli/main.ts";
import { othersOf } from "../../src/cli/run_form.ts";
import { debugLog } from "../../src/core/debug_log.ts";
import { configureLog } from "../../src/core/logger.ts";
import { logClosed, logLookup, logOpened, logRetry } from "../../src/http/connection_log.ts";
import type { Socket } from "../../src/net/socket.ts";
import type { WireRequest } from "../../src/http/transport.ts";
import { finalReport, iterationSection } from "../../src/report/final_report.ts";
import { historyTable } from "../../src/report/history_table.ts";
import type { RunHead, RunVerdict } from "../../src/report/run_head.ts";
import { ShortageWatch } from "../../src/runner/shortages.ts";
import { parse } from "../support/command_line.ts";
import { seeded } from "../support/cutting_target.ts";
import { FakeHost } from "../support/fake_host.ts";
import { fencedBlocks, onlyBlock } from "../support/fenced_blocks.ts";
import { schemaProblems } from "../support/kubernetes/objects.ts";
import { projectPath } from "../support/paths.ts";
import { simulatedRun } from "../support/simulated_summary.ts";
import { latencies, openSnapshot, requestRow, snapshot, statistics } from "../support/snapshots.ts";

/** Which test takes the blocks of a language in a page, or in the pages of a folder. */
const TESTED_BY: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "tests/e2e/docs_test.ts": {
    "README.md": "sh ts",
    "docs/command-line.md": "sh",
    "docs/comparing-runs.md": "sh",
    "docs/continuous-integration.md": "sh",
    "docs/control.md": "sh",
    "docs/converting.md": "sh ts",
    "docs/csv.md": "sh",
    "docs/dashboard.md": "sh",
    "docs/debugging.md": "sh",
    "docs/docker.md": "sh",
    "docs/first-test.md": "sh ts",
    "docs/history.md": "sh",
    "docs/html-report.md": "sh",
    "docs/http-users.md": "sh ts",
    "docs/installation.md": "sh",
    "docs/kubernetes.md": "sh",
    "docs/load-models.md": "sh ts console",
    "docs/measuring.md": "ts",
    "docs/metrics.md": "sh",
    "docs/protocols.md": "sh ts",
    "docs/redis.md": "ts",
    "docs/samples.md": "sh",
    "docs/shapes.md": "ts console",
    "docs/sharing-data.md": "sh ts",
    "docs/streams.md": "ts",
    "docs/summary.md": "sh",
    "docs/test-file-from-master.md": "console ts",
    "docs/test-file.md": "ts",
    "docs/thresholds.md": "sh ts",
    "README.zh-CN.md": "sh ts",
    "docs/zh/": "sh ts console text dockerfile -",
  },
  "tests/build/doc_blocks_test.ts": {
    "docs/comparing-runs.md": "-",
    "docs/dashboard.md": "json yaml",
    "docs/debugging.md": "json",
    "docs/docker.md": "dockerfile",
    "docs/first-test.md": "text",
    "docs/history.md": "-",
    "docs/load-models.md": "-",
    "docs/metrics.md": "-",
    "docs/sharing-data.md": "text",
  },
  "tests/build/kubernetes_test.ts": { "docs/kubernetes.md": "yaml" },
  "tests/cli/config_schema_test.ts": { "docs/command-line.md": "toml yaml json" },
  "tests/cli/dashboard_test.ts": { "docs/dashboard.md": "text" },
  "tests/e2e/ci_examples_test.ts": { "docs/continuous-integration.md": "yaml groovy" },
  "tests/e2e/dashboard_proxy_test.ts": { "docs/dashboard.md": "nginx caddyfile" },
  "tests/e2e/distributed_docs_test.ts": { "docs/running-distributed.md": "sh console" },
  "tests/e2e/from_aiotest_python_test.ts": { "docs/from-aiotest-python.md": "python ts sh" },
  "tests/e2e/from_k6_test.ts": {
    "docs/from-artillery.md": "sh yaml ts",
    "docs/from-gatling.md": "sh js ts",
    "docs/from-k6.md": "js sh ts",
  },
  "tests/e2e/from_locust_test.ts": { "docs/from-locust.md": "python ts sh" },
  "tests/e2e/grpc_test.ts": { "docs/grpc.md": "ts" },
  "tests/e2e/once_test.ts": { "docs/debugging.md": "text" },
  "tests/e2e/processes_test.ts": { "docs/running-distributed.md": "-" },
  "tests/e2e/prometheus_test.ts": { "docs/metrics.md": "promql" },
  "tests/e2e/recipes_test.ts": { "docs/recipes/": "ts sh console bash text" },
  "tests/e2e/redis_test.ts": { "docs/redis.md": "sh" },
  "tests/e2e/report_files_test.ts": { "docs/summary.md": "js python" },
  "tests/e2e/shapes_test.ts": { "docs/shapes.md": "-" },
  "tests/e2e/websocket_test.ts": { "docs/websocket.md": "ts" },
  "tests/report/summary_test.ts": { "docs/summary.md": "jsonc" },
};

/** Languages whose blocks say what they need, in a comment on their first line. */
const NEEDS = /^(?:#|--) needs .+$/m;

function pagesIn(folder: string): string[] {
  return [...Deno.readDirSync(projectPath(folder || "."))].flatMap(({ name, isDirectory }) => {
    const path = `${folder}${name}`;
    if (isDirectory) return folder === "" || path === "docs/api" ? [] : pagesIn(`${path}/`);
    return name.endsWith(".md") ? [path] : [];
  });
}

Deno.test("a test takes each block of each page, or the block says what it needs", async () => {
  const entries = Object.entries(TESTED_BY).flatMap(([test, pages]) =>
    Object.entries(pages).flatMap(([page, languages]) =>
      languages.split(" ").map((language) => ({ test, page, language }))
    )
  );
  const used = new Set<object>();
  const untested: string[] = [];
  const pages = [...pagesIn("").filter((page) => page.startsWith("README")), ...pagesIn("docs/")];
  for (const page of pages) {
    for (const { language, text } of await fencedBlocks(page)) {
      const entry = entries.find((one) =>
        one.language === (language || "-") &&
        (one.page === page || one.page.endsWith("/") && page.startsWith(one.page))
      );
      if (entry !== undefined) used.add(entry);
      else if (!NEEDS.test(text.split("\n")[0]!)) untested.push(`${page}: ${language || "-"}`);
    }
  }
  assert.deepEqual(untested, []);
  const stale = entries.filter((entry) => !used.has(entry));
  assert.deepEqual(stale, []);
  for (const test of Object.keys(TESTED_BY)) await Deno.stat(projectPath(test));
});

Deno.test("docs/dashboard.md has a body for POST /api/start that is accepted", async () => {
  const flags = new CustomFlags([]).option("--tenant <name>", "whose data").all();
  const others = othersOf(JSON.parse(await onlyBlock("docs/dashboard.md", "json")), flags);
  assert.ok(others instanceof Map, String(others));
  const args = [...others].filter(([name]) => name !== "tenant")
    .flatMap(([name, texts]) => (texts ?? []).map((text: string) => `--${name}=${text}`));
  const { users, runTime, label } = await parse({ args });
  assert.deepEqual([users, runTime, label], [50, 60, { env: "staging" }]);
});

Deno.test("docs/dashboard.md has an Ingress that Kubernetes accepts", async () => {
  const ingress = parseYaml(await onlyBlock("docs/dashboard.md", "yaml"));
  assert.deepEqual(schemaProblems(ingress), []);
});

Deno.test("docs/debugging.md configures Visual Studio Code for the command of the page", async () => {
  const { configurations } = JSON.parse(await onlyBlock("docs/debugging.md", "json"));
  const [{ runtimeExecutable, runtimeArgs }] = configurations;
  const command = `${runtimeExecutable} ${runtimeArgs.join(" ")}`.replace("${userHome}", "~");
  const page = await Deno.readTextFile(projectPath("docs/debugging.md"));
  assert.ok(page.includes(`\n${command}\n`), command);
});

Deno.test("docs/docker.md starts an image with options that exist", async () => {
  const [, text] = /^CMD (\[.+\])$/m.exec(await onlyBlock("docs/docker.md", "dockerfile"))!;
  const { users, runTime } = await parse({ args: JSON.parse(text!) });
  assert.deepEqual([users, runTime], [100, 180]);
});

const PLAIN = { columns: 100, color: false, exitCode: 0 };

Deno.test("docs/first-test.md shows a table as reports have it", async () => {
  const latencyMs = {
    ...latencies(0.263),
    ...{ p75: 0.306, p90: 0.667, p95: 0.816, p99: 1.27, p999: 1.27, p9999: 1.27, max: 1.27 },
  };
  const requests = [requestRow({ name: "search", latencyMs })];
  const report = finalReport(snapshot({ statistics: statistics({ requests }) }), PLAIN);
  assertShown(report, await onlyBlock("docs/first-test.md", "text"));
});

Deno.test("docs/load-models.md shows iterations as reports have them", async () => {
  const service = { p50: 0.382, p75: 0.722, p90: 2.66, p95: 4.92, p99: 11.8, p999: 46 };
  const delay = { p50: 0.887, p75: 1.67, p90: 4.01, p95: 163, p99: 1152, p999: 1373 };
  const run = openSnapshot(300, {
    ...{ scheduled: 60_000, started: 60_000, completed: 60_000, dropped: 0 },
    serviceTimeMs: { ...latencies(1), ...service, p9999: 1405, max: 1408 },
    startDelayMs: { ...latencies(1), ...delay, p9999: 1397, max: 1399 },
  });
  assertShown(iterationSection(run, PLAIN).join("\n"), await onlyBlock("docs/load-models.md", ""));
});

function assertShown(whole: string, part: string): void {
  if (!whole.includes(part)) assert.equal(whole, part, "what the page shows is not in there");
}

Deno.test("docs/history.md shows a list as aiotest history prints it", async () => {
  const run = (
    id: string,
    verdict: RunVerdict,
    head: Partial<RunHead>,
  ): Parameters<typeof historyTable>[0][number] => ({
    id,
    shortId: id.slice(-8),
    verdict,
    head: { ...HEAD, ...head },
    problem: null,
  });
  const staging = { name: "checkout", labels: { env: "staging" } };
  const runs = [
    run("20261127-091200-9e02c417", "passed", { ...staging, rate: 192.8, p95: 110 }),
    run("20261127-165459-1b9d6bcd", "failed", {
      ...staging,
      ...{ rate: 171.8, p95: 128, errorRate: 0.0041 },
    }),
    run("20261127-170300-27c0a1fe", "interrupted", { rate: 168.1, p95: 131 }),
  ];
  const shown = historyTable(runs, { columns: 80, color: false });
  assert.equal(shown, await onlyBlock("docs/history.md", ""));
});

const HEAD: RunHead = {
  runId: "",
  name: null,
  labels: {},
  test: "shop_test.ts",
  startedAt: null,
  durationSeconds: 30,
  mode: "local",
  state: "finished",
  exitCode: 0,
  peakUsers: 20,
  requests: 5000,
  failures: 0,
  errorRate: 0,
  rate: 0,
  p50: 0,
  p95: 0,
  p99: 0,
  lowerBounds: [],
};

Deno.test("docs/comparing-runs.md shows a comparison as aiotest compare prints it", async () => {
  const names = [{ name: "/search", rate: 200, median: 102, spread: 0.05 }];
  const summary = (slower: number, seed: number): string => {
    const run = simulatedRun({ seconds: 30, names, slower }, seeded(seed));
    return JSON.stringify({ aiotest: "0.1.0", ...run, startedAt: "2026-11-27T16:54:59.000Z" });
  };
  const files = { "/home/me/before.json": summary(1, 1), "/home/me/after.json": summary(1.1, 2) };
  const host = new FakeHost({ args: ["compare", "before.json", "after.json"], files });
  assert.equal(await main(host), 3);
  const page = await onlyBlock("docs/comparing-runs.md", "");
  assert.deepEqual(outline(host.stdout.text), outline(page));
});

/** A comparison without its figures and findings, which differ from run to run. */
function outline(comparison: string): string[] {
  return comparison.trim().replace(/^REGRESSION [^]+\(exit/m, "REGRESSION … (exit").split("\n")
    .map((line) =>
      line.replace(/(?<= )\d{4}-\d\d-\S+, [\d.]+s/, "TIME").replaceAll(
        /[+-]?[\d,.]+(%|pp)?(?= |$)/g,
        "N",
      )
        .replaceAll(/─+/g, "─").replaceAll(/ +/g, " ")
        .replace(/ (worse|better|same|regression|unclear)$/, " FINDING")
    );
}

Deno.test("docs/sharing-data.md shows the warning of a feeder without rows", async () => {
  const watch = new ShortageWatch(
    () => [{
      ...{ kind: "feeder", name: "users", rows: 1000, onEmpty: "stop" },
      ...{ refusals: 30, waiting: 0 },
    }],
    () => {},
  );
  watch.check({ elapsedSeconds: 42, users: 50 });
  const page = await onlyBlock("docs/sharing-data.md", "text");
  assert.deepEqual(watch.texts, page.trim().split("\n"));
});

Deno.test("docs/metrics.md asks for attributes that spans have", async () => {
  const query = await onlyBlock("docs/metrics.md", "");
  const sources = await Promise.all(
    ["src/user/tracing.ts", "src/report/otlp.ts"].map((path) =>
      Deno.readTextFile(projectPath(path))
    ),
  );
  const names = [...query.matchAll(/\b(?:resource|span)\.([\w.]+)/g)].map(([, name]) => name!);
  assert.equal(names.length, 2);
  for (const name of names) assert.ok(sources.some((text) => text.includes(`"${name}":`)), name);
});

Deno.test("docs/debugging.md shows what -L DEBUG logs of connections", async () => {
  const lines: string[] = [];
  await configureLog("DEBUG", (_, { text }) => lines.push(text));
  try {
    const origin = { secure: true, authority: "shop.example" } as Parameters<typeof logOpened>[1];
    const socket = {
      facts: () => ({
        remote: "192.0.2.7:443",
        tls: {
          version: "TLSv1.3",
          cipher: "TLS_AES_256_GCM_SHA384",
          subject: "CN=shop.example",
          issuer: "CN=R11",
          validTo: "…",
        },
      }),
    } as Socket;
    logLookup("shop.example", ["192.0.2.7", "192.0.2.8"], 3.1);
    const dialed = { dnsMs: 3.2, connectMs: 8.9, tlsMs: 21.4, socket };
    logClosed(logOpened(1, origin, dialed, 0)!, "the server has closed it", 5012);
    const url = { origin: "https://shop.example", pathname: "/basket" };
    logRetry({ method: "GET", url } as WireRequest, new Error("…"), true);
    debugLog.flush();
  } finally {
    await configureLog("INFO", () => {});
  }
  const blocks = (await fencedBlocks("docs/debugging.md")).map(({ text }) => text);
  const shown = blocks.find((text) => text.startsWith("DEBUG"))!.trim().split("\n")
    .map((line) => line.replace(/^DEBUG {4}/, "")).filter((line) => !line.startsWith("User "));
  assert.deepEqual(
    lines.map((line) =>
      line.replaceAll(/valid to ….$/g, "valid to …").replace(/again: .*/, "again: …")
    ).sort(),
    shown.sort(),
  );
});
