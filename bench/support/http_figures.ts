/**
 * The figures of the HTTP benchmark in README.md.
 *
 * @module
 */

import { failureText } from "./comparison.ts";
import type { HttpResult, ResultRow } from "./http_result.ts";
import type { ContenderName } from "./scenario.ts";

/** The comments around the figures. */
const SLOT = /(<!-- figures of the HTTP benchmark -->\n)[^]*?(<!-- end of figures -->)/;

/** How README.md names the contenders. */
const LABELS: Readonly<Record<ContenderName, string>> = {
  "wrk": "wrk",
  "hey": "hey",
  "oha": "oha",
  "k6": "k6",
  "locust": "Locust, FastHttpUser",
  "epoll-loop": "a bare loop over epoll",
  "sockets-loop": "a bare loop over aiotest's sockets",
  "node-loop": "a bare loop over `node:net`",
  "tcp-loop": "a bare loop over `Deno.connect`",
  "tls-loop": "a bare loop over `Deno.connectTls`",
  "fetch": "a bare `fetch` loop",
  "quick": "aiotest quick",
  "HttpUser": "aiotest, HttpUser",
  "FastHttpUser-node": "aiotest, FastHttpUser over `node:net`",
  "FastHttpUser-exe": "aiotest as an executable, FastHttpUser",
  "FastHttpUser-features": "aiotest, FastHttpUser with headers, a group, tags and a check",
  "FastHttpUser": "**aiotest, FastHttpUser**",
};

/** The loads of the second table, each with what FastHttpUser is compared with. */
const LOADS: readonly {
  readonly scenario: string;
  readonly label: string;
  readonly of: ContenderName;
}[] = [
  { scenario: "get-64", label: "64 users", of: "wrk" },
  { scenario: "get-1000", label: "1,000 users", of: "wrk" },
  { scenario: "get-5000", label: "5,000 users", of: "wrk" },
  { scenario: "tls-64", label: "64 users over TLS", of: "wrk" },
  { scenario: "tls-3000", label: "3,000 users over TLS", of: "tls-loop" },
];

/**
 * Replaces the figures in a page. Its Markdown is not formatted yet.
 *
 * @throws {Error} if the page has no place for them, or the result lacks a scenario.
 */
export function withHttpFigures(page: string, result: HttpResult): string {
  if (!SLOT.test(page)) throw new Error("README.md has no place for the figures of bench http");
  const { date, machine, runs, seconds } = result;
  const month = new Date(date).toLocaleDateString("en", {
    ...{ month: "long", year: "numeric", timeZone: "UTC" } as const,
  });
  const text = [
    `These results are from ${month}, with nginx on one core and the client on another of ` +
    `${machine.cores} (${machine.processor}): medians of ${runs} runs of ${seconds} seconds. ` +
    "GET requests of 64 users, with responses of 150 bytes:",
    clientTable(result),
    "`FastHttpUser` with more users and over TLS:",
    loadTable(result),
    fetchLine(result),
    goalLine(result),
  ].join("\n\n");
  return page.replace(SLOT, (_all, start: string, end: string) => `${start}\n${text}\n\n${end}`);
}

function clientTable({ scenarios, versions }: HttpResult): string {
  const rows = rowsOf(scenarios, "get-64").toSorted((a, b) => b.rate - a.rate);
  return markdownTable(["", "requests per second", "CPU time per request", "memory"], [
    ...rows.map(({ name, rate, cpuMicroseconds, peakBytes }) => [
      [LABELS[name], versions[name]].filter((part) => part !== undefined).join(" "),
      ...name === "FastHttpUser"
        ? [
          `**${rateText(rate)}**`,
          `**${costText(cpuMicroseconds)}**`,
          `**${megabytes(peakBytes)}**`,
        ]
        : [rateText(rate), costText(cpuMicroseconds), megabytes(peakBytes)],
    ]),
  ]);
}

function loadTable({ scenarios }: HttpResult): string {
  const lines = LOADS.map(({ scenario, label, of }) => {
    const rows = rowsOf(scenarios, scenario);
    const row = rowOf(rows, "FastHttpUser", scenario);
    const share = row.rate / rowOf(rows, of, scenario).rate;
    return [
      label,
      rateText(row.rate),
      `${share.toFixed(2)} of ${LABELS[of]}`,
      row.fairness?.toFixed(2) ?? "",
      `${row.p50Ms?.toPrecision(3)} ms`,
      megabytes(row.peakBytes),
      failureText(row.failures),
    ];
  });
  return markdownTable(
    ["", "requests per second", "share", "fairness", "p50", "memory", "failures"],
    lines,
  );
}

function fetchLine({ scenarios }: HttpResult): string {
  const [few, many] = ["get-64", "get-1000"].map((scenario) => {
    const rows = rowsOf(scenarios, scenario);
    return rowOf(rows, "HttpUser", scenario).rate / rowOf(rows, "fetch", scenario).rate;
  });
  return `\`HttpUser\` reaches ${few!.toFixed(2)} of a bare \`fetch\` loop with 64 users, and ` +
    `${many!.toFixed(2)} with 1,000.`;
}

function goalLine({ goals }: HttpResult): string {
  const met = goals.filter(({ met }) => met).length;
  return `${met} of ${goals.length} goals of the benchmark were met. ` +
    "[bench/results/http.json](bench/results/http.json) has all figures and goals.";
}

function rowsOf(scenarios: HttpResult["scenarios"], name: string): readonly ResultRow[] {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`the result has no scenario ${name}`);
  return found.rows;
}

function rowOf(rows: readonly ResultRow[], name: ContenderName, scenario: string): ResultRow {
  const row = rows.find((row) => row.name === name);
  if (row === undefined) throw new Error(`the result has no ${name} in ${scenario}`);
  return row;
}

/** In hundreds, with separators. */
function rateText(rate: number): string {
  return (Math.round(rate / 100) * 100).toLocaleString("en");
}

function costText(microseconds: number): string {
  return `${microseconds.toFixed(1)} µs`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

function markdownTable(head: readonly string[], lines: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
