/** Facts that pages repeat from the code. */

import assert from "node:assert/strict";
import { FastHttpUser, GrpcUser, WebSocketUser } from "../../mod.ts";
import { commandFlags } from "../../src/cli/flag_parser.ts";
import { FILES_SENT_TO_WORKERS, SENT_TO_WORKERS, SETTINGS } from "../../src/cli/settings.ts";
import { ExitCode } from "../../src/core/errors.ts";
import { RunMetrics } from "../../src/report/metrics.ts";
import { REPORT_FILES } from "../../src/web/report_formats.ts";
import { projectPath } from "../support/paths.ts";
import { scriptedSnapshot } from "../support/snapshots.ts";

/** Fenced blocks, whose comments look like headings. */
const FENCED = /^( *)```[^]*?^\1```$/gm;

/** The section of a page below a heading, up to the next heading. */
async function sectionOf(page: string, heading: string): Promise<string> {
  const text = (await Deno.readTextFile(projectPath(page))).replaceAll(FENCED, "");
  const section = text.split(`## ${heading}\n`)[1];
  assert.ok(section !== undefined, `${page} has no heading ${heading}`);
  return section.split(/^#+ /m)[0]!;
}

/** `masterBindPort` as it is written on a command line. */
function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function flagsIn(text: string): string[] {
  return [...text.matchAll(/`(--[a-z-]+)`/g)].map(([, flag]) => flag!);
}

for (
  const [start, names] of [
    ["The options that define how users behave", SENT_TO_WORKERS],
    ["Three options name files", FILES_SENT_TO_WORKERS],
  ] as const
) {
  Deno.test(`docs/running-distributed.md lists what goes to workers: ${start}`, async () => {
    const section = await sectionOf("docs/running-distributed.md", "Which options go where");
    const paragraph = section.split("\n\n").find((one) => one.startsWith(start));
    assert.ok(paragraph !== undefined);
    const [list] = paragraph.split(/\.\s/);
    assert.deepEqual(flagsIn(list!).sort(), names.map(flagOf).sort());
  });
}

Deno.test("SECURITY.md lists every option that opens a port", async () => {
  const section = await sectionOf("SECURITY.md", "Open ports");
  const ports = Object.keys(SETTINGS).filter((name) => /port$/i.test(name)).map(flagOf);
  const connects = ["--master-port"];
  assert.deepEqual(
    flagsIn(section).filter((flag) => flag.endsWith("port")).sort(),
    [
      ...ports.filter((flag) => !connects.includes(flag)),
    ].sort(),
  );
});

Deno.test("CONTRIBUTING.md names the tools that CI installs for tests", async () => {
  const script = await Deno.readTextFile(projectPath(".ci/run"));
  const tools = [...script.matchAll(/^need (\S+)/gm)].map(([, tool]) => tool!);
  const contributing = await Deno.readTextFile(projectPath("CONTRIBUTING.md"));
  const [, sentence = ""] = /^End-to-end tests use ([^]+?), and the executable/m.exec(
    contributing,
  )!;
  const named = new Set(sentence.split(/,\s+|\s+and\s+/));
  // CI unpacks kubectl and helm with it.
  const missing = tools.filter((tool) => !named.has(tool) && tool !== "unzip");
  assert.ok(tools.length > 10);
  assert.deepEqual(missing, []);
});

/** Rows of the tables of a text, as the texts of their cells. */
function rowsOf(text: string): string[][] {
  return [...text.matchAll(/^\|(.+)\|$/gm)].map(([, row]) =>
    row!.split("|").map((cell) => cell.trim())
  )
    .filter(([first]) => !/^-+$/.test(first!));
}

Deno.test("docs/running-distributed.md has the defaults of the options of a cluster", async () => {
  const rows = rowsOf(await sectionOf("docs/running-distributed.md", "Options")).slice(1);
  const wrong = rows.flatMap(([cell, , shown]) =>
    [...cell!.matchAll(/--([a-z-]+)/g)].flatMap(([, flag]) => {
      const name = flag!.replaceAll(/-([a-z])/g, (_, letter) => letter.toUpperCase());
      const setting = SETTINGS[name as keyof typeof SETTINGS];
      assert.ok(setting !== undefined, flag!);
      const { default: value, shownDefault } = setting;
      const expected = [null, false].includes(value as null) ? "" : String(value);
      const given = shown!.replaceAll("`", "").replace(/ \(.+\)$/, "").replace(/^off$/, "");
      return given === (shownDefault ?? expected) ? [] : [`--${flag}: ${given}`];
    })
  );
  assert.ok(rows.length > 10);
  assert.deepEqual(wrong, []);
});

for (const [page, heading] of [["docs/command-line.md", "Exit codes"]] as const) {
  Deno.test(`${page} lists every exit code`, async () => {
    const codes = rowsOf(await sectionOf(page, heading)).slice(1).map(([code]) => Number(code));
    assert.deepEqual(codes, Object.values(ExitCode));
  });
}

Deno.test("README.md lists every exit code", async () => {
  const text = await Deno.readTextFile(projectPath("README.md"));
  const [, list = ""] = /^- \*\*An exit code for CI:\*\* ([^]+?)\.$/m.exec(text) ?? [];
  const codes = [...list.matchAll(/(?<=^|,\s)\d+/g)].map(([code]) => Number(code));
  assert.deepEqual(codes, Object.values(ExitCode));
});

Deno.test("docs/dashboard.md lists every report to download", async () => {
  const text = await sectionOf("docs/dashboard.md", "HTTP API");
  const [, list = ""] = /KIND is (.+?) \|/.exec(text) ?? [];
  const kinds = [...list.matchAll(/`([\w-]+)`/g)].map(([, kind]) => kind!);
  assert.deepEqual(kinds.sort(), REPORT_FILES.map(({ kind }) => kind).sort());
});

Deno.test("docs/dashboard.md lists every path of the dashboard", async () => {
  const text = await sectionOf("docs/dashboard.md", "HTTP API");
  const documented = new Set(
    [...text.matchAll(/`(?:(?:GET|POST) )?(\/[\w/-]+)`/g)].map(([, path]) => path!),
  );
  const sources = await Promise.all(
    ["routes.ts", "history_routes.ts"].map((name) =>
      Deno.readTextFile(projectPath(`src/web/${name}`))
    ),
  );
  const served = [...sources.join("").matchAll(/"(\/(?:api|metrics|healthz)[\w/-]*)"/g)]
    .map(([, path]) => path!);
  assert.ok(served.length > 10, String(served));
  assert.deepEqual([...new Set(served)].filter((path) => !documented.has(path)), []);
});

Deno.test("docs/metrics.md lists every metric, and no other", async () => {
  const text = await Deno.readTextFile(projectPath("docs/metrics.md"));
  const cells = rowsOf(text).map(([cell]) => cell!);
  const listed = cells.flatMap((cell) => [...cell.matchAll(/`(aiotest_|…)([a-z_A-Z]+)/g)])
    .map(([, start, rest]) => `${start}${rest}`);
  const metrics = new RunMetrics({ buckets: [50], version: "0.1.0" });
  const families = metrics.of(scriptedSnapshot(60), []).map(({ name }) => name)
    .filter((name) => !name.startsWith("aiotest_custom_") && !name.startsWith("aiotest_pass"));
  const isListed = (name: string): boolean =>
    listed.some((one) => one === name || one.startsWith("…") && name.endsWith(one.slice(1)));
  assert.deepEqual(families.filter((name) => !isListed(name)), []);
  const unknown = listed.filter((one) =>
    !one.startsWith("aiotest_custom_") &&
    !families.some((name) => name === one || one.startsWith("…") && name.endsWith(one.slice(1)))
  );
  assert.deepEqual(unknown, []);
});

/** Pages that name few options of other programs. */
const OWN_PAGES = [
  "README.md",
  "SECURITY.md",
  ...[...Deno.readDirSync(projectPath("docs"))].map(({ name }) => `docs/${name}`)
    .filter((path) =>
      /^docs\/(?!from-|docker|kubernetes|continuous|installation)[\w-]+\.md$/.test(path)
    ),
].sort();

/** Options of other programs, of the project's tasks, and of test files. */
const OTHER_OPTIONS = new Set([
  ...["no-lock", "frozen", "inspect-wait", "inspect-brk", "v8-flags", "max-old-space-size"],
  ...["next", "cert", "key", "cacert", "banner", "restart", "scenario", "picture", "noEmit"],
  ...["api-token", "api-key", "shop-password", "redis-host", "redis-port"],
]);

Deno.test("pages name only options that exist", async () => {
  const commands = [
    "run",
    "quick",
    "demo",
    "compare",
    "report",
    "history",
    "control",
    "init",
  ] as const;
  const known = new Set(
    commands.flatMap((command) => commandFlags(command)).flatMap(({ long, short }) =>
      [long, short].map((flag) => flag?.replace(/^-+/, ""))
    ),
  );
  const unknown: string[] = [];
  const unused = new Set(OTHER_OPTIONS);
  for (const page of OWN_PAGES) {
    const text = (await Deno.readTextFile(projectPath(page))).replaceAll(FENCED, "");
    for (const [, code] of text.matchAll(/`([^`]+)`/g)) {
      for (const [, flag] of code!.matchAll(/(?<![\w-])--([a-z][a-zA-Z0-9-]+)/g)) {
        unused.delete(flag!);
        if (!known.has(flag!) && !OTHER_OPTIONS.has(flag!)) unknown.push(`${page}: --${flag}`);
      }
    }
  }
  assert.deepEqual([...new Set(unknown)], []);
  assert.deepEqual([...unused], []);
});

const KIB = 1024;
const MIB = 1024 * KIB;

/** Texts of pages with the constants that they repeat: their file, their name and their value. */
const REPEATED: readonly [page: string, text: string, file: string, name: string, value: number][] =
  [
    [
      "SECURITY.md",
      "at most 60 s ahead of the test",
      "runner/worker_manager",
      "MAX_AHEAD_SECONDS",
      60,
    ],
    ["SECURITY.md", "| 10,000 |", "runner/worker_manager", "MAX_WORKERS", 10_000],
    [
      "SECURITY.md",
      "| 2,000 at the same time; 100 that",
      "runner/worker_manager",
      "MAX_WORKERS_PER_ADDRESS",
      2000,
    ],
    [
      "SECURITY.md",
      "; 100 that are disconnected",
      "runner/worker_manager",
      "MAX_DISCONNECTED",
      100,
    ],
    ["SECURITY.md", "; 1,000 that counted something", "runner/worker_manager", "MAX_GONE", 1000],
    ["SECURITY.md", "10 from one address, 2,000 in all", "cluster/listener", "MAX_HANDSHAKES", 10],
    [
      "SECURITY.md",
      "10 from one address, 2,000 in all",
      "cluster/listener",
      "MAX_ALL_HANDSHAKES",
      2000,
    ],
    ["SECURITY.md", "each takes at most 2 s", "cluster/handshake", "HANDSHAKE_SECONDS", 2],
    [
      "SECURITY.md",
      "| 8 MB and 1 MB per worker; 256 MB in all",
      "cluster/channel",
      "MAX_QUEUED",
      8 * MIB,
    ],
    [
      "SECURITY.md",
      "| 8 MB and 1 MB per worker; 256 MB in all",
      "cluster/channel",
      "MAX_HELD",
      256 * MIB,
    ],
    [
      "SECURITY.md",
      "| 8 MB and 1 MB per worker; 256 MB in all",
      "cluster/protocol",
      "MESSAGE_LIMIT",
      MIB,
    ],
    ["SECURITY.md", "about 256 KB per worker", "cluster/connections", "MAX_UNHANDLED", 256 * KIB],
    [
      "SECURITY.md",
      "| 100,000 and 64 million characters per worker",
      "shared/rpc",
      "MAX_OPEN",
      100_000,
    ],
    [
      "SECURITY.md",
      "| 100,000 and 64 million characters per worker",
      "shared/rpc",
      "MAX_TEXTS",
      64 * MIB,
    ],
    ["SECURITY.md", "256 million in all", "shared/rpc", "MAX_ALL_TEXTS", 256 * MIB],
    ["SECURITY.md", "| 64 MiB; 100,000 of each", "shared/services", "MAX_BYTES", 64 * MIB],
    ["SECURITY.md", "| 64 MiB; 100,000 of each", "shared/calls", "MAX_NAMES", 100_000],
    ["SECURITY.md", "| 1,000 |", "shared/messages", "MAX_MESSAGES", 1000],
    [
      "SECURITY.md",
      "| 20 different ones per second in the log",
      "core/repeated_log",
      "MAX_TEXTS",
      20,
    ],
    ["SECURITY.md", "20 of a kind in reports", "runner/warnings", "MAX_OF_WORKERS", 20],
    ["SECURITY.md", "| 100 of 4 KiB each", "stats/failure_samples", "MAX_FAILURE_SAMPLES", 100],
    ["SECURITY.md", "| 100 of 4 KiB each", "stats/failure_samples", "MAX_SAMPLE_BYTES", 4 * KIB],
    [
      "SECURITY.md",
      "| 3,000, and 1,000 without a status; 20,000",
      "stats/merged_counts",
      "MAX_ENTRIES",
      3000,
    ],
    [
      "SECURITY.md",
      "| 3,000, and 1,000 without a status; 20,000",
      "stats/merged_counts",
      "MAX_ERRORS",
      20_000,
    ],
    ["SECURITY.md", "| 1,000 of each; further ones", "stats/request_stats", "MAX_DISTINCT", 1000],
    ["SECURITY.md", "; 200, with 50,000 buckets each", "stats/metric_stats", "MAX_METRICS", 200],
    [
      "SECURITY.md",
      "; 200, with 50,000 buckets each",
      "stats/value_histogram",
      "MAX_BUCKETS",
      50_000,
    ],
    ["SECURITY.md", "send ten wrong tokens per minute", "web/security", "MAX_FAILURES", 10],
    ["SECURITY.md", "send ten wrong tokens per minute", "web/security", "WINDOW_MS", 60_000],
    [
      "SECURITY.md",
      "may have 16 KiB and 100 headers",
      "core/request_parser",
      "MAX_HEAD_BYTES",
      16 * KIB,
    ],
    ["SECURITY.md", "may have 16 KiB and 100 headers", "core/request_parser", "MAX_HEADERS", 100],
    ["SECURITY.md", "the body of a command 4 KiB", "web/http", "MAX_BODY_BYTES", 4 * KIB],
    ["SECURITY.md", "is closed after 5 seconds", "core/web_server", "HEAD_MS", 5000],
    ["SECURITY.md", "does not read for 30 seconds", "core/web_server", "STALL_MS", 30_000],
    ["SECURITY.md", "open 100 event streams", "web/feed", "MAX_CLIENTS", 100],
    [
      "docs/dashboard.md",
      "until the body of a request has arrived | 10 s",
      "web/http",
      "BODY_TIMEOUT_MS",
      10_000,
    ],
    [
      "docs/dashboard.md",
      "until the head of a request has arrived | 5 s",
      "core/web_server",
      "HEAD_MS",
      5000,
    ],
    [
      "docs/dashboard.md",
      "read some of its response | 30 s",
      "core/web_server",
      "STALL_MS",
      30_000,
    ],
    [
      "docs/dashboard.md",
      "After ten seconds without an event",
      "web/live_view",
      "HEARTBEAT_MS",
      10_000,
    ],
    [
      "docs/running-distributed.md",
      "At most 3 workers are replaced within 60 seconds",
      "cli/worker_fleet",
      "MAX_RESTARTS",
      3,
    ],
    [
      "docs/running-distributed.md",
      "At most 3 workers are replaced within 60 seconds",
      "cli/worker_fleet",
      "RESTARTS_WITHIN_MS",
      60_000,
    ],
    [
      "docs/running-distributed.md",
      "is free again only after 6 s",
      "runner/worker_manager",
      "LOST_MS",
      6000,
    ],
    [
      "docs/running-distributed.md",
      "workers stop their users after 5 s",
      "runner/worker_manager",
      "LEASE_SECONDS",
      5,
    ],
    [
      "docs/running-distributed.md",
      "waits up to 10 s for its workers",
      "runner/master",
      "RETURN_MS",
      10_000,
    ],
    [
      "docs/running-distributed.md",
      "it waits for 60 s",
      "runner/master_waits",
      "OWN_PROCESSES_MS",
      60_000,
    ],
    ["docs/sharing-data.md", "| 256 characters", "cluster/protocol", "MAX_SHARED_NAME", 256],
    ["docs/sharing-data.md", "| 64 KiB of JSON", "shared/calls", "MAX_VALUE", 64 * KIB],
    [
      "docs/sharing-data.md",
      "all queues of a run together | 64 MiB",
      "shared/services",
      "MAX_BYTES",
      64 * MIB,
    ],
    ["docs/sharing-data.md", "| 100,000 names each", "shared/calls", "MAX_NAMES", 100_000],
    [
      "docs/sharing-data.md",
      "| 1,000 per node; then `send` throws",
      "shared/cluster",
      "MAX_SENDING",
      1000,
    ],
    ["docs/sharing-data.md", "| 64, not counting calls", "shared/rpc_client", "MAX_IN_FLIGHT", 64],
    ["docs/sharing-data.md", "may hold | 86,400 seconds", "shared/services", "MAX_TIMEOUT", 86_400],
    [
      "docs/sharing-data.md",
      "up to 1,000 messages or 8 MiB are kept",
      "shared/messages",
      "MAX_MESSAGES",
      1000,
    ],
    [
      "docs/sharing-data.md",
      "up to 1,000 messages or 8 MiB are kept",
      "shared/messages",
      "MAX_LENGTH",
      8 * MIB,
    ],
    ["docs/sharing-data.md", "exit code 2 within 3 s", "shared/redis", "REDIS_LIMIT_MS", 3000],
    ["docs/sharing-data.md", "stayed empty for ten seconds", "runner/shortages", "PATIENCE_S", 10],
    ["docs/sharing-data.md", "at least ten times", "runner/shortages", "MIN_MISSES", 10],
    ["docs/sharing-data.md", "Both take at most 5 seconds", "runner/master", "MESSAGES_SECONDS", 5],
    [
      "docs/test-file-from-master.md",
      "64 MiB for all files together, and 1,000 files",
      "cluster/files",
      "MAX_BYTES",
      64 * MIB,
    ],
    [
      "docs/test-file-from-master.md",
      "64 MiB for all files together, and 1,000 files",
      "cluster/files",
      "MAX_FILES",
      1000,
    ],
    ["docs/test-file.md", "at most 1 MiB as text", "cluster/setup_data", "MAX_SETUP_DATA", MIB],
    [
      "docs/test-file.md",
      "and of a run, the first 500",
      "stats/annotations",
      "MAX_ANNOTATIONS",
      500,
    ],
    [
      "docs/test-file.md",
      "1 s, 2 s, 4 s and so on, up to 30 s",
      "user/user_loop",
      "MAX_START_RETRY_MS",
      30_000,
    ],
    ["docs/measuring.md", "There can be 200 metrics", "stats/metric_stats", "MAX_METRICS", 200],
    [
      "docs/measuring.md",
      "after 50 combinations of one name, or 2,000 in all",
      "stats/request_stats",
      "MAX_COMBINATIONS",
      50,
    ],
    [
      "docs/measuring.md",
      "after 50 combinations of one name, or 2,000 in all",
      "stats/request_stats",
      "MAX_TAG_ROWS",
      2000,
    ],
    [
      "docs/metrics.md",
      "1,000 request names, 50 codes per name",
      "stats/request_stats",
      "MAX_CODES",
      50,
    ],
    [
      "docs/thresholds.md",
      "during the first five seconds",
      "runner/threshold_watch",
      "SETTLING_SECONDS",
      5,
    ],
    ["docs/http-users.md", "over 256 fields or 64 KiB", "http/head_parser", "MAX_FIELDS", 256],
    ["docs/http-users.md", "over 256 fields or 64 KiB", "http/head_parser", "MAX_HEAD", 64 * KIB],
    [
      "docs/http-users.md",
      "`static maxBodySize` (64 MiB)",
      "http/transport",
      "MAX_BODY_SIZE",
      64 * MIB,
    ],
    [
      "docs/http-users.md",
      "at most five, otherwise `BAD_ENCODING`",
      "http/decoding",
      "MAX_CODINGS",
      5,
    ],
    [
      "docs/http-users.md",
      "at most 1,000, otherwise `BAD_ENCODING`",
      "http/decoding",
      "MAX_FRAMES",
      1000,
    ],
    ["docs/http-users.md", "over 100: `BAD_RESPONSE`", "http/response_parser", "MAX_INTERIM", 100],
    [
      "docs/http-users.md",
      "over 16 KiB: `TOO_LARGE`",
      "http/response_parser",
      "MAX_EXTENSIONS",
      16 * KIB,
    ],
    [
      "docs/http-users.md",
      "are kept for the last 32 hosts",
      "http/socket_transport",
      "MAX_IDLE_ORIGINS",
      32,
    ],
    [
      "docs/http-users.md",
      "| at most 200 are fetched",
      "http/html_resources",
      "MAX_RESOURCES",
      200,
    ],
    [
      "docs/http-users.md",
      "Only the first 8 Mi characters are read",
      "http/html_resources",
      "MAX_LENGTH",
      8 * MIB,
    ],
    [
      "docs/http-users.md",
      "Pages of over 8 Mi characters",
      "http/html_element",
      "MAX_LENGTH",
      8 * MIB,
    ],
    ["docs/http-users.md", "nested over 512 deep", "http/html_element", "MAX_DEPTH", 512],
    [
      "docs/http-users.md",
      "50 cookies per domain, 3,000 in total, and 4 KiB",
      "http/cookies",
      "MAX_PER_DOMAIN",
      50,
    ],
    [
      "docs/http-users.md",
      "50 cookies per domain, 3,000 in total, and 4 KiB",
      "http/cookies",
      "MAX_COOKIES",
      3000,
    ],
    [
      "docs/http-users.md",
      "50 cookies per domain, 3,000 in total, and 4 KiB",
      "http/cookies",
      "MAX_COOKIE",
      4 * KIB,
    ],
    [
      "docs/http-users.md",
      "the next one is tried after 250 ms",
      "http/connect_race",
      "NEXT_MS",
      250,
    ],
    [
      "docs/http-users.md",
      "is tried last for the next 10 seconds",
      "http/address_order",
      "AVOIDED_MS",
      10_000,
    ],
    [
      "docs/http-users.md",
      "waits up to one second for",
      "http/request_encoder",
      "CONTINUE_MS",
      1000,
    ],
    [
      "docs/http-users.md",
      "at most six requests are in progress at once",
      "user/batch",
      "PER_ORIGIN",
      6,
    ],
    [
      "docs/http-users.md",
      "at most 256 requests are under way",
      "http/request_queue",
      "EVEN_REQUESTS",
      256,
    ],
    [
      "docs/http-users.md",
      "for over 50 ms in five seconds in a row",
      "http/request_queue",
      "WATCHED_SECONDS",
      5,
    ],
    ["docs/streams.md", "over 16 Mi characters", "http/event_stream", "MAX_EVENT_SIZE", 16 * MIB],
    [
      "docs/samples.md",
      "Names, URLs and errors are cut after 2,000",
      "report/sample_lines",
      "MAX_KEPT",
      2000,
    ],
    ["docs/metrics.md", "Up to 20,000 wait", "cli/trace_export", "MAX_WAITING", 20_000],
    ["docs/metrics.md", "aiotest waits up to 5 s for it", "cli/otlp", "OTLP_END_LIMIT_MS", 5000],
    ["docs/history.md", "five seconds after the start", "cli/history", "FIRST_WRITE_S", 5],
    ["docs/history.md", "every 30 seconds or less often", "cli/history", "REWRITE_MS", 30_000],
    [
      "docs/summary.md",
      "the 20 names with the most requests",
      "stats/histories",
      "SHOWN_NAMES",
      20,
    ],
    [
      "docs/summary.md",
      "The first 100 names of a run, the first 50 classes",
      "stats/histories",
      "MAX_NAMES",
      100,
    ],
    [
      "docs/summary.md",
      "the first 50 classes and the first 50 groups",
      "stats/histories",
      "MAX_CLASSES",
      50,
    ],
    [
      "docs/summary.md",
      "the first 50 classes and the first 50 groups",
      "stats/histories",
      "MAX_GROUPS",
      50,
    ],
    ["docs/summary.md", "there are at most 900 steps", "stats/histories", "MAX_STEPS", 900],
    ["docs/summary.md", "more than ten seconds late", "stats/histories", "LIVE_SECONDS", 10],
    ["docs/summary.md", "there are at most 450", "stats/heat_map", "MAX_COLUMNS", 450],
    ["docs/summary.md", "noted up to five times", "runner/threshold_watch", "MAX_TIMES", 5],
    [
      "docs/debugging.md",
      "prints the first 20 requests of a run",
      "cli/print_http",
      "MAX_PRINTED",
      20,
    ],
    ["docs/debugging.md", "shown up to 2 KiB", "cli/pass_output", "MAX_BODY_TEXT", 2 * KIB],
    [
      "docs/debugging.md",
      "If a user does nothing for 10 seconds",
      "cli/pass_output",
      "IDLE_MS",
      10_000,
    ],
    [
      "docs/debugging.md",
      "`this.sleep` takes at most one second",
      "cli/pass_output",
      "MAX_SLEEP",
      1,
    ],
    [
      "docs/debugging.md",
      "At most 20 different lines are logged per second",
      "core/repeated_log",
      "MAX_TEXTS",
      20,
    ],
    ["docs/command-line.md", "A run has at most 20 labels", "cli/option_types", "MAX_LABELS", 20],
    ["docs/measuring.md", "have at most 50 characters", "core/tags", "MAX_KEY", 50],
    ["docs/measuring.md", "100 characters are kept", "core/tags", "MAX_VALUE", 100],
    ["docs/measuring.md", "A request has at most 10 tags", "core/tags", "MAX_TAGS", 10],
    ["docs/grpc.md", "64 messages are kept", "user/grpc_stream", "MAX_QUEUED", 64],
    [
      "docs/grpc.md",
      "| 4 MiB | the largest message",
      "user/grpc_user",
      "MAX_MESSAGE_SIZE",
      4 * MIB,
    ],
    ["docs/streams.md", "at most 256 KiB wait for it", "user/streams", "MAX_WAITING", 256 * KIB],
    [
      "docs/streams.md",
      "up to 4 MiB of a stream",
      "http2/http2_connection",
      "STREAM_WINDOW",
      4 * MIB,
    ],
    [
      "docs/debugging.md",
      "the first five failed requests of each name",
      "stats/failure_samples",
      "SAMPLES_PER_ERROR",
      5,
    ],
    [
      "docs/command-line.md",
      "SIGTERM again within a second",
      "core/repeated_signals",
      "SAME_REQUEST_MS",
      1000,
    ],
    ["docs/http-users.md", "again, up to ten times", "http2/http2_pool", "MAX_ATTEMPTS", 10],
    ["docs/websocket.md", "at least 64 bytes", "websocket/deflate", "MIN_DEFLATED", 64],
  ];

/** Products of whole numbers, as in `8 * 1024 * 1024`. */
function valueOf(product: string): number {
  return product.split("*").reduce((all, part) => all * Number(part.replaceAll("_", "")), 1);
}

Deno.test("pages repeat limits as they are in the code", async () => {
  const read = async (path: string): Promise<string> =>
    (await Deno.readTextFile(projectPath(path))).replaceAll(/[ \n]+/g, " ");
  for (const [page, text, file, name, value] of REPEATED) {
    assert.ok((await read(page)).includes(text), `${page}: ${text}`);
    const source = await read(`src/${file}.ts`);
    const [, found = ""] = new RegExp(`const ${name} = ([\\d_* ]+);`).exec(source) ?? [];
    assert.equal(valueOf(found), value, `${name} of src/${file}.ts: ${found}, ${page}: ${text}`);
  }
});

/** A part of a message that V8 prints. */
const OF_V8 = "Fatal JavaScript out of memory";

/** Tables whose first cells quote what aiotest says. */
const QUOTING = [
  ["docs/running-distributed.md", "Troubleshooting", /`([^`]+)`/g],
  ["docs/dashboard.md", "If it does not work", /"([^"]+)"/g],
] as const;

for (const [page, heading, quotes] of QUOTING) {
  Deno.test(`${page} quotes messages as they are in the code: ${heading}`, async () => {
    const messages = rowsOf(await sectionOf(page, heading))
      .slice(1).flatMap(([cell]) => [...cell!.matchAll(quotes)].map(([, message]) => message!));
    const source = `${await wordsOfSource()} ${OF_V8}`;
    // Without what stands for a value.
    const parts = messages.flatMap((message) =>
      message.split(/…|\bNAME\b|\bSIG\w+|\d+\.\d+\.\d+|--[\w-]+/)
    )
      .map((part) => part.replaceAll(/^[\s.,:;()]+|[\s.,:;()]+$/g, ""))
      .filter((part) => part.length > 3);
    assert.ok(parts.length >= 5);
    assert.deepEqual(parts.filter((part) => !source.includes(part)), []);
  });
}

/** All files below src, on one line, with texts joined that are split over several lines. */
async function wordsOfSource(): Promise<string> {
  const texts: string[] = [];
  const read = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) await read(`${folder}/${name}`);
      else if (/\.(ts|js|html)$/.test(name)) {
        texts.push(await Deno.readTextFile(`${folder}/${name}`));
      }
    }
  };
  await read(projectPath("src"));
  return texts.join("\n").replaceAll(/["`]\s*\+\s*["`]/g, "").replaceAll(/\s+/g, " ");
}

Deno.test("docs/http-users.md explains every code of a RequestError", async () => {
  const labels = rowsOf(await sectionOf("docs/http-users.md", "Errors"))
    .flatMap(([cell]) => [...cell!.matchAll(/`([A-Z_]+)`/g)].map(([, label]) => label!));
  const source = await Deno.readTextFile(projectPath("src/http/request_error.ts"));
  const [, union = ""] = /type RequestErrorCode =([^;]+);/.exec(source) ?? [];
  const codes = [...union.matchAll(/"(\w+)"/g)].map(([, code]) => code!);
  assert.ok(codes.length > 20);
  assert.deepEqual(labels.sort(), codes.sort());
});

/** Tables of settings of user classes, with the class whose defaults they have. */
const CLASS_SETTINGS = [
  ["docs/test-file.md", "User classes", FastHttpUser],
  ["docs/grpc.md", "Settings", GrpcUser],
  ["docs/websocket.md", "Settings", WebSocketUser],
] as const;

for (const [page, heading, userClass] of CLASS_SETTINGS) {
  Deno.test(`${page} has the defaults of ${userClass.name}`, async () => {
    const rows = rowsOf(await sectionOf(page, heading)).filter(([cell]) =>
      /^`[a-z]\w+`$/.test(cell!)
    );
    assert.ok(rows.length > 5);
    const wrong = rows.flatMap(([cell, shown]) => {
      const value = Reflect.get(userClass, cell!.replaceAll("`", ""));
      const [, mebibytes] = /^(\d+) MiB$/.exec(shown!) ?? [];
      const expected = mebibytes === undefined
        ? typeof value === "object" || typeof value === "string"
          ? JSON.stringify(value)
          : String(value)
        : String(value / MIB);
      const given = mebibytes ?? shown!.replaceAll("`", "");
      const isNone = given === "" && [undefined, null, ""].includes(value);
      return isNone || given === expected ? [] : [`${cell}: ${given}, not ${expected}`];
    });
    assert.deepEqual(wrong, []);
  });
}

/** Words in backticks of the first cells of a table. */
function firstWords(section: string): string[] {
  return rowsOf(section).flatMap(([cell]) =>
    [...cell!.matchAll(/`(\w+)`/g)].map(([, word]) => word!)
  );
}

/** The members of an interface, as its file declares them. */
async function membersOf(file: string, name: string): Promise<string[]> {
  const source = await Deno.readTextFile(projectPath(file));
  const [, members = ""] =
    new RegExp(`interface ${name}\\b[^{]*\\{\n([^]*?)^\\}`, "m").exec(source) ?? [];
  return [...members.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(([, member]) => member!);
}

Deno.test("docs/test-file.md explains every option of a request", async () => {
  const options = [
    ...await membersOf("src/http/request_options.ts", "RequestOptions"),
    ...await membersOf("src/http/request_options.ts", "BodyOptions"),
  ];
  assert.ok(options.length > 8, String(options));
  assert.deepEqual(
    firstWords(await sectionOf("docs/test-file.md", "Requests")).sort(),
    options.sort(),
  );
});

Deno.test("docs/test-file.md explains every event", async () => {
  const names = await membersOf("src/core/events.ts", "EventMap");
  assert.ok(names.length > 8, String(names));
  assert.deepEqual(firstWords(await sectionOf("docs/test-file.md", "Events")).sort(), names.sort());
});

Deno.test("docs/test-file.md names every field of a request's event", async () => {
  const rows = rowsOf(await sectionOf("docs/test-file.md", "Events"));
  const [, , fields] = rows.find(([cell]) => cell === "`request`")!;
  const named = [...fields!.matchAll(/`(\w+)`/g)].map(([, field]) => field!);
  assert.deepEqual(named.sort(), (await membersOf("src/core/events.ts", "RequestEvent")).sort());
});

Deno.test("docs/dashboard.md explains every status of an error", async () => {
  const listed = rowsOf(await sectionOf("docs/dashboard.md", "HTTP API"))
    .map(([cell]) => Number(cell)).filter((status) => status >= 400);
  const answered = new Set<number>();
  for await (const { name } of Deno.readDir(projectPath("src/web"))) {
    if (!name.endsWith(".ts")) continue;
    const source = await Deno.readTextFile(projectPath(`src/web/${name}`));
    for (const [, status] of source.matchAll(/status: ([45]\d\d)/g)) answered.add(Number(status));
  }
  assert.deepEqual(listed, [...answered].sort());
});

Deno.test("CONTRIBUTING.md lists every benchmark", async () => {
  const section = await sectionOf("CONTRIBUTING.md", "Benchmarks and profiles");
  const files = [...Deno.readDirSync(projectPath("bench"))].map(({ name }) => name)
    .filter((name) => name.endsWith(".ts")).map((name) => name.slice(0, -".ts".length));
  assert.deepEqual(firstWords(section).sort(), files.sort());
});
