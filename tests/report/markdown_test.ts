import fc from "fast-check";
import assert from "node:assert/strict";
import { sanitizeTerminal } from "../../src/core/text.ts";
import { compareRuns } from "../../src/report/compare.ts";
import { comparisonMarkdown, markdownReport } from "../../src/report/markdown.ts";
import { shorten } from "../../src/report/terminal.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { seeded } from "../support/cutting_target.ts";
import { type MarkdownTable, tablesOf, textOf } from "../support/markdown.ts";
import { type SimulatedRun, simulatedRun } from "../support/simulated_summary.ts";
import {
  checkRow,
  clusterSnapshot,
  counterRow,
  emptySnapshot,
  groupRow,
  latencies,
  rateRow,
  requestRow,
  snapshot,
  statistics,
  unfinishedAt,
} from "../support/snapshots.ts";
import { anyName, joined } from "../support/texts.ts";

const MIXED = snapshot({
  state: "stopped",
  name: "night <1>",
  labels: { env: "staging" },
  thresholds: [
    { expression: "p95<200ms", observed: 120.5, passed: true },
    { expression: "error_rate[POST pay]<1%", observed: 0.025, passed: false },
    { expression: "count[GET gone]>=1", observed: null, passed: false },
  ],
  statistics: statistics({
    requests: [
      requestRow({ name: "search" }),
      requestRow({ method: "POST", name: "pay", failures: 25 }),
    ],
    groups: [groupRow({ failures: 5, errorRate: 0.01 })],
    checks: [checkRow()],
    metrics: [rateRow(), counterRow()],
    failures: [
      { method: "POST", name: "pay", error: "HTTP 503", count: 20 },
      { method: "POST", name: "pay", error: "timed out", count: 5 },
    ],
    userErrors: [{ user: "ShopTest", error: "no token", place: "shop.ts:12:7", count: 2 }],
  }),
  warnings: ["Worker a has not sent its final report."],
});

const LIMIT_BYTES = 60_000;

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

function tableOf(markdown: string, title: string): MarkdownTable {
  const found = tablesOf(markdown).find((table) => table.title.startsWith(title));
  assert.ok(found !== undefined, `${title} is missing in ${markdown}`);
  return found;
}

Deno.test("the verdict comes first, then thresholds, requests, failures and warnings", () => {
  const text = joined(markdownReport(MIXED, 3));
  const [heading, , facts, , run] = text.split("\n");
  assert.equal(textOf(heading!), "## ❌ night <1> FAILED");
  assert.match(textOf(facts!), /^25 of 2,000 requests failed \(1\.25%\), .*\(exit code 3\)$/);
  assert.equal(textOf(run!), "Run 7c0e3d2a, local, 10.0s, up to 10 users, env=staging");
  assert.deepEqual(tablesOf(text).map(({ title, rows }) => [title, ...rows]), [
    [
      "Thresholds",
      ["p95<200ms", "120.5 ms", "✅ passed"],
      ["error_rate[POST pay]<1%", "2.5%", "❌ crossed"],
      ["count[GET gone]>=1", "no sample", "❌ crossed"],
    ],
    [
      "Requests, latency of successes in ms",
      ["GET search", "1,000", "0", "100.0", "12.0", "36.0", "96.0", "480"],
      ["POST pay", "1,000", "25 (2.50%)", "100.0", "12.0", "36.0", "96.0", "480"],
      ["All requests", "2,000", "25 (1.25%)", "200.0", "12.0", "36.0", "96.0", "480"],
    ],
    [
      "Groups, duration of successes in ms",
      ["checkout", "500", "5 (1.00%)", "400", "1200", "3200", "16000"],
    ],
    ["Checks", ["has a token", "997 (99.7%)", "3"]],
    [
      "Metrics",
      ["cache_hits", "rate", "92.5% (925 of 1000)"],
      ["logins", "counter", "1,234 (123/s)"],
    ],
    ["Failures", ["20", "POST pay", "HTTP 503"], ["5", "POST pay", "timed out"]],
    ["User errors", ["2", "ShopTest", "no token", "shop.ts:12:7"]],
  ]);
  assert.match(text, /\n- ⚠️ Worker a has not sent its final report\.\n$/);
});

Deno.test("a threshold that was not judged has neither passed nor been crossed", () => {
  const thresholds = [
    { expression: "p95<10ms", observed: 12, passed: false },
    { expression: "p95[GET pay]<1s", observed: null, passed: null },
  ];
  const { rows } = tableOf(joined(markdownReport(snapshot({ thresholds }), 3)), "Thresholds");
  assert.deepEqual(rows, [
    ["p95<10ms", "12 ms", "❌ crossed"],
    ["p95[GET pay]<1s", "no sample", "not judged"],
  ]);
});

Deno.test("durations of groups are those of all executions if none has failed", () => {
  const run = snapshot({ statistics: statistics({ groups: [groupRow()] }) });
  assert.equal(tableOf(joined(markdownReport(run, 0)), "Groups").title, "Groups, duration in ms");
});

Deno.test("a run that passed, one that is still going, and one without requests say so", () => {
  const passed = snapshot({ statistics: statistics({ requests: [requestRow()] }) });
  assert.match(joined(markdownReport(passed, 0)), /^## ✅ PASSED\n\n1,000 requests, no failures\n/);
  assert.match(joined(markdownReport(passed, null)), /^## ⚠️ RUNNING\n/);
  const empty = joined(markdownReport(emptySnapshot(), 0));
  assert.match(empty, /^## ⚠️ NOTHING MEASURED\n/);
  assert.deepEqual(tablesOf(empty), []);
  assert.match(
    joined(markdownReport(clusterSnapshot(8), 0)),
    /\nRun \w+, distributed on 8 workers, /,
  );
});

Deno.test("unfinished requests have a column, and figures that are lower bounds are marked", () => {
  const stalled = requestRow({
    name: "stalled",
    ...unfinishedAt(10_960, 11_040),
    latencyMs: { ...latencies(12), max: 11_040 },
  });
  const run = snapshot({ statistics: statistics({ requests: [stalled] }) });
  const { columns, rows: [row] } = tableOf(joined(markdownReport(run, 0)), "Requests");
  assert.equal(row![columns.indexOf("Unfinished")], "2");
  assert.equal(row![columns.indexOf("max")], "≥11040");
});

Deno.test("a search for the breaking point does not fail by finding it", () => {
  const thresholds = [{ expression: "p95<200ms", observed: 312, passed: false }];
  const breakingPoint = {
    className: null,
    passed: { users: 100, arrivalRate: null },
    broke: { users: 200, arrivalRate: null },
    threshold: "p95<200ms",
  };
  const run = snapshot({ state: "stopped", thresholds, breakingPoint });
  const text = joined(markdownReport(run, 0));
  assert.match(text, /\n\*\*100 users passed, 200 users crossed p95&#60;200ms\.\*\*\n/);
  assert.deepEqual(tableOf(text, "Thresholds").rows, [["p95<200ms", "312 ms", "⚠️ crossed"]]);
});

/** A run whose names and errors are all this text. */
function runNamed(text: string): Snapshot {
  return snapshot({
    name: text,
    labels: { [text]: text },
    thresholds: [{ expression: text, observed: null, passed: false }],
    warnings: [text],
    runEnd: { kind: "fail", reason: text, node: text },
    statistics: statistics({
      requests: [requestRow({ method: text, name: text, failures: 1 })],
      groups: [groupRow({ name: text })],
      checks: [checkRow({ name: text })],
      metrics: [rateRow({ name: text })],
      failures: [{ method: text, name: text, error: text, count: 1 }],
      userErrors: [{ user: text, error: text, place: text, count: 1 }],
    }),
  });
}

const MARKUP = fc.array(
  fc.constantFrom(
    ...[
      "|",
      "\\",
      "`",
      "```",
      "*",
      "**",
      "_",
      "~~",
      "<",
      ">",
      "&",
      "&lt;",
      "&#124;",
      "<b>",
      "</code>",
    ],
    ...["[a](b)", "![a](b)", "<!--", "@team", "#12", "!3", "$x$", ":+1:", "www.a.b", "http://a.b"],
    ...[
      "\n",
      "\r\n",
      "\n\n",
      "\n# a",
      "\n- a",
      "\n| a |",
      "\u2028",
      "\0",
      " ",
      "\t",
      "a",
      "é",
      "日",
    ],
  ),
  { maxLength: 12 },
).map((parts) => parts.join(""));

Deno.test("any name or error is one cell of its table, and shows as it is", () => {
  fc.assert(fc.property(fc.oneof(MARKUP, anyName), (text) => {
    const markdown = joined(markdownReport(runNamed(text), 1));
    const shown = shorten(sanitizeTerminal(text), 200).trim();
    const read = (title: string, column: string): string => {
      const { columns, rows } = tableOf(markdown, title);
      return rows[0]![columns.indexOf(column)]!.trim();
    };
    assert.equal(read("Thresholds", "Threshold"), shown);
    assert.equal(read("Groups", "Group"), shown);
    assert.equal(read("Checks", "Check"), shown);
    assert.equal(read("Metrics", "Metric"), shown);
    assert.equal(read("Failures", "Error"), shown);
    assert.equal(read("User errors", "User"), shown);
    assert.equal(read("User errors", "Place"), shown);
    // Nothing begins a line that should not.
    for (const line of markdown.split("\n")) {
      assert.match(line, /^$|^## ❌ |^### \w|^\| |^- ⚠️ |^1 of 1,000 requests|^Run 7c0e3d2a, /);
      if (!line.startsWith("|")) textOf(line.replace(/^#+ |^- /, ""));
    }
  }));
});

Deno.test("a person or an issue in a text is not mentioned", () => {
  const text = joined(markdownReport(runNamed("ask @team about #12"), 1));
  assert.doesNotMatch(text.replaceAll(/<code>.*?<\/code>/g, ""), /(?:&#64;|@)team|(?:&#35;|#)12/);
});

Deno.test("a report fits into a comment, whatever the names are, and says what is left out", () => {
  const name = `${"|".repeat(190)}日本`;
  const many = <Row>(make: (name: string) => Row): Row[] =>
    Array.from({ length: 300 }, (_, at) => make(`${at}${name}`));
  const run = snapshot({
    state: "stopped",
    name,
    labels: Object.fromEntries(many((key) => [key, key])),
    thresholds: many((expression) => ({ expression, observed: 1, passed: true }))
      .map((row, at) => ({ ...row, passed: at !== 299 })),
    warnings: many((text) => text),
    statistics: statistics({
      requests: many((name) => requestRow({ name })).map((row, at) =>
        at === 299 ? { ...row, failures: 1 } : row
      ),
      groups: many((name) => groupRow({ name })),
      checks: many((name) => checkRow({ name })),
      metrics: many((name) => rateRow({ name })),
      failures: many((name) => ({ method: name, name, error: name, count: 1 })),
      userErrors: many((user) => ({ user, error: user, place: user, count: 1 })),
    }),
  });
  const text = joined(markdownReport(run, 3));
  assert.ok(bytesOf(text) <= LIMIT_BYTES, String(bytesOf(text)));
  for (const table of tablesOf(text)) assert.ok(table.rows.length > 0, table.title);
  const { rows } = tableOf(text, "Thresholds");
  assert.match(rows.at(-1)!.join(), /^299.*❌ crossed$/);
  assert.match(text, new RegExp(`\n${300 - rows.length} more rows were left out\\.\n`));
  const requests = tableOf(text, "Requests").rows;
  assert.equal(requests.at(-1)![0], "All requests");
  assert.match(requests.at(-2)![0]!, /^GET 299/);
  assert.match(text, new RegExp(`\n${301 - requests.length} more rows were left out\\.\n`));
});

/** The Markdown of a comparison of two simulated runs. */
function compared(a: SimulatedRun, b: SimulatedRun): string {
  const random = seeded(1);
  const [before, after] = [simulatedRun(a, random), simulatedRun(b, random)];
  const runs = { a: { file: "before.json", run: before }, b: { file: "a|b.json", run: after } };
  return joined(comparisonMarkdown(compareRuns(before, after, 0.05), runs));
}

const NAMES = [
  { name: "/fast", rate: 80, median: 5, spread: 0.2 },
  { name: "/slow|ly", rate: 40, median: 90, spread: 0.1 },
];

Deno.test("a comparison has its verdict, both runs, and the figures of each name", () => {
  const text = compared({ seconds: 20, names: NAMES }, { seconds: 20, names: NAMES, slower: 1.3 });
  assert.match(text, /^## ❌ Comparison: REGRESSION\n\n\d+ figures are worse by more than 5%/);
  assert.match(text, /\n- A: <code>before\.json<\/code>, /);
  assert.match(text, /\n- B: <code>a&#124;b\.json<\/code>, /);
  const { columns, rows } = tableOf(text, "Latency in ms");
  assert.deepEqual(columns, ["", "A", "B", "Change", "Interval", "Finding"]);
  const titles = rows.filter((cells) => cells.slice(1).every((cell) => cell === ""));
  assert.deepEqual(titles.map(([title]) => title), ["GET /fast", "GET /slow|ly", "Aggregated"]);
  const medians = rows.filter(([label]) => label === "50%");
  assert.deepEqual(medians.map((cells) => cells.at(-1)), Array(3).fill("regression"));
  const same = compared({ seconds: 20, names: NAMES }, { seconds: 20, names: NAMES });
  assert.match(same, /^## ✅ Comparison: PASSED\n\nno figure is certainly worse/);
});

Deno.test("a comparison of many names fits into a comment, and keeps what is worse", () => {
  const names = Array.from({ length: 120 }, (_, at) => ({
    ...{ name: `/${at}${"|".repeat(150)}`, rate: 4, spread: 0.1 },
    median: 20,
  }));
  const worse = names.map((one, at) => at === 119 ? { ...one, median: 60, rate: 4 } : one);
  const text = compared({ seconds: 60, names }, { seconds: 60, names: worse });
  assert.ok(bytesOf(text) <= LIMIT_BYTES, String(bytesOf(text)));
  const { rows } = tableOf(text, "Latency in ms");
  assert.ok(rows.some(([title]) => title!.startsWith("GET /119|")));
  assert.ok(rows.some(([title]) => title === "Aggregated"));
  assert.match(text, /\n[\d,]+ more rows were left out\.\n/);
});
