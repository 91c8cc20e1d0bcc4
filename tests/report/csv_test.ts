import { parse } from "csv-parse/sync";
import fc from "fast-check";
import assert from "node:assert/strict";
import {
  checksCsv,
  classesCsv,
  csvText,
  exceptionsCsv,
  failuresCsv,
  groupsCsv,
  historyCsv,
  metricsCsv,
  statsCsv,
} from "../../src/report/csv.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { Totals } from "../../src/stats/totals.ts";
import { newUnfinished } from "../../src/stats/unanswered.ts";
import { secondOf } from "../support/counts.ts";
import { sample } from "../support/samples.ts";
import {
  emptySnapshot,
  history,
  phaseTotals,
  requestRow,
  scriptedSnapshot,
  snapshot,
  statistics,
  timelineSecond,
} from "../support/snapshots.ts";
import { joined } from "../support/texts.ts";

/** The rows of a file by column title. */
function rowsOf(make: (of: Snapshot) => Iterable<string>, of: Snapshot): Record<string, string>[] {
  return parse(joined(make(of)), { columns: true });
}

/** 100 successful requests of 1 to 100 ms, and a failed one. */
function counted(): Snapshot {
  const totals = new Totals();
  totals.add(secondOf([
    ...Array.from(
      { length: 100 },
      (_, i) => sample({ name: "a", latencyMs: i + 1, bytesReceived: 10 }),
    ),
    sample({ name: "b", method: "POST", status: 500, latencyMs: 1000, error: "HTTP 500" }),
  ]));
  return snapshot({ durationSeconds: 4, statistics: totals.statistics(4) });
}

Deno.test("the columns are those of Locust's files, and further ones at the end", () => {
  const heads = [statsCsv, historyCsv, failuresCsv, exceptionsCsv]
    .map((make) => joined(make(emptySnapshot())).split("\r\n")[0]);
  const percentiles = "50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%";
  assert.deepEqual(heads, [
    "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time," +
    `Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,${percentiles},` +
    "Unfinished Count,Oldest Unfinished Time,Connections Opened,Connections Reused," +
    "DNS Time 50%,DNS Time 95%,Connect Time 50%,Connect Time 95%,TLS Time 50%,TLS Time 95%," +
    "First Byte Time 50%,First Byte Time 95%,Download Time 50%,Download Time 95%",
    `Timestamp,User Count,Type,Name,Requests/s,Failures/s,${percentiles},Total Request Count,` +
    "Total Failure Count,Total Median Response Time,Total Average Response Time," +
    "Total Min Response Time,Total Max Response Time,Total Average Content Size," +
    "Total Unfinished Count,Total Oldest Unfinished Time",
    "Method,Name,Error,Occurrences",
    "Count,Message,Traceback,Nodes",
  ]);
});

Deno.test("connections and phases have columns", () => {
  const phases = phaseTotals({ connect: [4], ttfb: [10, 10] }, { opened: 1, reused: 1 });
  const of = snapshot({ statistics: statistics({ requests: [requestRow({ phases })] }) });
  for (const row of rowsOf(statsCsv, of)) {
    const columns = Object.entries(row).slice(-12).map(([, value]) => value);
    assert.deepEqual(columns, [
      "1",
      "1",
      "N/A",
      "N/A",
      "4",
      "4",
      "N/A",
      "N/A",
      "10",
      "10",
      "N/A",
      "N/A",
    ]);
  }
});

Deno.test("unfinished requests have columns, and raise the percentiles", () => {
  const totals = new Totals();
  const latencies = Array.from({ length: 90 }, (_, i) => sample({ name: "a", latencyMs: i + 1 }));
  const second = secondOf(latencies);
  for (let i = 0; i < 10; i++) {
    second.parts[0]!.requests.unfinished.at("GET", "a", newUnfinished).add(11_000, 0);
    second.parts[0]!.requests.unfinished.at("GET", "never", newUnfinished).add(10_000, 0);
  }
  totals.add(second);
  const of = snapshot({
    statistics: totals.statistics(1),
    elapsedSeconds: 1,
  });
  const [a, never, all] = rowsOf(statsCsv, of);
  const unfinished = (row: Record<string, string>): (string | undefined)[] => [
    row["Request Count"],
    row["Unfinished Count"],
    row["Oldest Unfinished Time"],
    row["100%"],
  ];
  assert.deepEqual(unfinished(a!), ["90", "10", "11000", "11000"]);
  assert.deepEqual(unfinished(never!), ["0", "10", "10000", "10000"]);
  assert.deepEqual(unfinished(all!), ["90", "20", "11000", "11000"]);
  const { p50, p99 } = of.statistics.requests[0]!.latencyMs;
  assert.deepEqual([Number(a!["50%"]), Number(a!["99%"])], [p50, p99].map(rounded));
  assert.equal(never!["50%"], "10000");
  const last = rowsOf(historyCsv, of).at(-1)!;
  assert.deepEqual(
    [last["Total Unfinished Count"], last["Total Oldest Unfinished Time"]],
    ["20", "11000"],
  );
});

function rounded(ms: number | null): number {
  return Math.round(ms! * 1000) / 1000;
}

Deno.test("every method and name has a row, and the last row is the total", () => {
  const rows = rowsOf(statsCsv, counted());
  assert.deepEqual(rows.map(({ Type, Name }) => [Type, Name]), [
    ["GET", "a"],
    ["POST", "b"],
    ["", "Aggregated"],
  ]);
  const [a, b, all] = rows;
  assert.deepEqual(
    [a!["Request Count"], a!["Failure Count"], a!["Average Response Time"]],
    ["100", "0", "50.5"],
  );
  for (const [title, ms] of [["66%", 66], ["80%", 80], ["98%", 98], ["99.9%", 100]] as const) {
    assert.ok(Math.abs(Number(a![title]) - ms) <= ms * 0.0005, `${title} ${a![title]}`);
  }
  assert.deepEqual(
    [a!["Min Response Time"], a!["Max Response Time"], a!["100%"], a!["Average Content Size"]],
    ["1", "100", "100", "10"],
  );
  // None of them succeeded.
  assert.deepEqual([b!["50%"], b!["100%"], b!["Failures/s"]], ["N/A", "N/A", "0.25"]);
  assert.deepEqual(
    [
      all!["Request Count"],
      all!["Failure Count"],
      all!["Requests/s"],
      all!["Average Content Size"],
    ],
    ["101", "1", "25.25", "9.901"],
  );
});

Deno.test("without requests, there is only the total, with unknown times", () => {
  const rows = rowsOf(statsCsv, emptySnapshot());
  assert.equal(rows.length, 1);
  assert.deepEqual(
    [rows[0]!["Request Count"], rows[0]!["Median Response Time"], rows[0]!["95%"]],
    ["0", "N/A", "N/A"],
  );
  assert.deepEqual(rowsOf(historyCsv, emptySnapshot()), []);
});

Deno.test("the history has a row for each second, with the counts up to its end", () => {
  const startedAt = Date.UTC(2026, 2, 5, 10, 30);
  const rows = rowsOf(
    historyCsv,
    snapshot({
      startedAt,
      elapsedSeconds: 2.4,
      statistics: statistics({
        timeline: [
          timelineSecond({ users: 4, requests: 50 }),
          timelineSecond({ second: 1, failures: 3 }),
          timelineSecond({ second: 2, users: 0, requests: 1, p50: null, p95: null, p99: null }),
        ],
      }),
    }),
  );
  const column = (title: string): (string | undefined)[] => rows.map((row) => row[title]);
  const since = startedAt / 1000;
  assert.deepEqual(column("Timestamp"), [since + 1, since + 2, since + 2].map(String));
  assert.deepEqual(column("User Count"), ["4", "10", "0"]);
  assert.deepEqual(column("Requests/s"), ["50", "100", "1"]);
  assert.deepEqual(column("Failures/s"), ["0", "3", "0"]);
  assert.deepEqual(column("50%"), ["12", "12", "N/A"]);
  assert.deepEqual(column("66%"), ["N/A", "N/A", "N/A"]);
  assert.deepEqual(column("99%"), ["96", "96", "N/A"]);
  assert.deepEqual(column("Total Request Count"), ["50", "150", "151"]);
  assert.deepEqual(column("Total Failure Count"), ["0", "3", "3"]);
  assert.deepEqual(column("Total Median Response Time"), ["N/A", "N/A", "12"]);
  assert.deepEqual(column("Total Average Response Time"), ["N/A", "N/A", "15"]);
});

/** The rows of `--csv-full-history`: time, type, name, requests and failures per second, and their totals. */
function fullHistory(of: Snapshot): (string | undefined)[][] {
  const rows = rowsOf((snapshot) => historyCsv(snapshot, true), of);
  return rows.map((row) =>
    [
      ...["Timestamp", "Type", "Name", "Requests/s", "Failures/s", "95%"],
      ...["Total Request Count", "Total Failure Count", "Total Max Response Time"],
    ].map((title) => row[title])
  );
}

Deno.test("the full history has the rows of each name before those of all names", () => {
  const of = snapshot({
    startedAt: 0,
    elapsedSeconds: 3,
    statistics: statistics({
      requests: [requestRow({ name: "/a" }), requestRow({ name: "/b" })],
      timeline: [0, 1, 2].map((second) => timelineSecond({ second, requests: 30, failures: 3 })),
      histories: [
        history({ name: "/a", seconds: [0, 2], requests: [10, 20], failures: [1, 2] }),
        history({ name: "/b", seconds: [1], requests: [30], failures: [0], p95: [null] }),
        history({ kind: "class", name: "A", seconds: [0] }),
        history({ kind: "group", name: "B", seconds: [0] }),
      ],
    }),
  });
  assert.deepEqual(fullHistory(of), [
    ["1", "GET", "/a", "10", "1", "36", "10", "1", "N/A"],
    ["1", "", "Aggregated", "30", "3", "36", "30", "3", "N/A"],
    ["2", "GET", "/b", "30", "0", "N/A", "30", "0", "N/A"],
    ["2", "", "Aggregated", "30", "3", "36", "60", "6", "N/A"],
    ["3", "GET", "/a", "20", "2", "36", "30", "3", "480"],
    ["3", "", "Aggregated", "30", "3", "36", "90", "9", "480"],
  ]);
  assert.equal(rowsOf(historyCsv, of).length, 3);
});

Deno.test("longer steps of a history have a row at their end, and the last one at that of the run", () => {
  const of = snapshot({
    startedAt: 0,
    elapsedSeconds: 5.5,
    statistics: statistics({
      timeline: [0, 1, 2, 3, 4, 5].map((second) => timelineSecond({ second })),
      histories: [
        history({
          ...{ name: "/a", stepSeconds: 4, seconds: [0, 4], requests: [100, 10] },
          ...{ failures: [2, 0], p95: [36, 36] },
        }),
      ],
    }),
  });
  const rows = fullHistory(of).filter(([, type]) => type === "GET");
  assert.deepEqual(rows.map((row) => row.slice(0, 8)), [
    ["4", "GET", "/a", "25", "0.5", "36", "100", "2"],
    ["5", "GET", "/a", "2.5", "0", "36", "110", "2"],
  ]);
});

Deno.test("classes, groups, checks and metrics have files of their own", () => {
  const of = scriptedSnapshot(20);
  const texts = [classesCsv, groupsCsv, checksCsv, metricsCsv]
    .map((make) => joined(make(of)).replaceAll("\r\n", "\n"));
  const percentiles = "50%,75%,90%,95%,99%,99.9%,99.99%";
  const times = `Average Time,Min Time,Max Time,${percentiles}`;
  assert.deepEqual(texts, [
    `Class,Peak Users,Completed Iterations,Dropped Iterations,Request Count,Failure Count,Requests/s,${times},Unfinished Count,Oldest Unfinished Time
BuyerTest,98,800,N/A,8240,5,412,15,1.5,480,12,18,24,36,96,240,384,0,N/A
AdminTest,2,20,N/A,20,0,1,15,1.5,480,12,18,24,36,96,240,384,0,N/A
`,
    `Group,Count,Failure Count,${times},Average Time In Requests,Unfinished Count,Oldest Unfinished Time
checkout,400,5,500,50,16000,400,600,800,1200,3200,8000,12800,375,0,N/A
checkout / pay,400,0,187.5,18.75,6000,150,225,300,450,1200,3000,4800,375,0,N/A
`,
    `Check,Passed,Failed,Rate
has a token,997,3,0.997
is the right product,997,0,1
`,
    `Metric,Type,Unit,Value,Per Second,Count,Average,Min,Max,${percentiles}
cache_hits,rate,N/A,0.925,N/A,1000,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A
cart_size,trend,items,N/A,N/A,500,5,0.5,160,4,6,8,12,32,80,128
logins,counter,N/A,1234,123.4,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A
queue length,gauge,N/A,7,N/A,N/A,N/A,0,42.5,N/A,N/A,N/A,N/A,N/A,N/A,N/A
`,
  ]);
});

Deno.test("failures and errors of users are listed, with formulas escaped", () => {
  const hostile = '=HYPERLINK("http://127.0.0.1","x")\n</script>';
  const of = snapshot({
    statistics: statistics({
      failures: [{ method: "GET", name: "@x", error: hostile, count: 7 }],
      userErrors: [{ user: "TestBuyer", error: hostile, place: null, count: 2 }],
    }),
  });
  assert.deepEqual(rowsOf(failuresCsv, of), [
    { Method: "GET", Name: "'@x", Error: `'${hostile}`, Occurrences: "7" },
  ]);
  assert.deepEqual(rowsOf(exceptionsCsv, of), [
    { Count: "2", Message: `'${hostile}`, Traceback: "in TestBuyer", Nodes: "local" },
  ]);
  assert.equal(rowsOf(exceptionsCsv, { ...of, mode: "distributed" })[0]!.Nodes, "N/A");
});

/** The only cell of a file. */
function cell(text: string): string {
  const rows: string[][] = parse(joined(csvText([[text, 1]])));
  return rows[0]![0]!;
}

Deno.test("cells are quoted if necessary, and numbers are not", () => {
  assert.equal(joined(csvText([["a", 1, 2.5, -3, null]])), "a,1,2.5,-3,N/A\r\n");
  assert.equal(
    joined(csvText([['"', "a,b", "a\nb", "a b", " a"]])),
    '"""","a,b","a\nb",a b," a"\r\n',
  );
  assert.equal(joined(csvText([])), "");
});

Deno.test("text that a spreadsheet would evaluate is escaped", () => {
  for (
    const [text, expected] of [
      ["=HYPERLINK(0)", "'=HYPERLINK(0)"],
      ["+1", "'+1"],
      ["-1", "'-1"],
      ["@SUM(A1)", "'@SUM(A1)"],
      ["\t=1", "'\t'=1"],
      ["\r=1", "'\r'=1"],
      ["\ta", "'\ta"],
      ["\r", "'\r"],
      [' "=1', " \"'=1"],
      ["'=1", "''=1"],
      ["＝1+1", "'＝1+1"],
      ["a;=cmd|' /C calc'!A0", "a;'=cmd|' /C calc'!A0"],
      ['a\n"=1', "a\n\"'=1"],
      ["a\t+1", "a\t'+1"],
    ]
  ) assert.equal(cell(text!), expected);
});

Deno.test("other text is not changed", () => {
  for (
    const text of ["/search?q=1", "a-b", "GET", "a, -1", "x;jsessionid=1", "", '</script>"', "a@b"]
  ) {
    assert.equal(cell(text), text);
  }
});

Deno.test("any text can be read back, and never starts a formula", () => {
  const text = fc.string({ unit: fc.constantFrom(..."=+-@\t\r\n\"';, a1＝") });
  const rows = fc.array(fc.array(text, { minLength: 3, maxLength: 3 }), { minLength: 1 });
  fc.assert(fc.property(rows, (rows) => {
    const read = parse(joined(csvText(rows)), {
      relax_column_count: false,
      record_delimiter: "\r\n",
    });
    assert.equal(read.length, rows.length);
    for (const [r, row] of (read as string[][]).entries()) {
      for (const [c, found] of row.entries()) {
        assert.ok(!/(?:^|[;\t\r\n])["\s]*[=+\-@＝]/.test(found), JSON.stringify(found));
        assert.equal(found.replaceAll("'", ""), rows[r]![c]!.replaceAll("'", ""));
      }
    }
  }));
});
