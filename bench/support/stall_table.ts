/**
 * The figures beside the picture of docs/load-models.md.
 *
 * @module
 */

import type { StallRun, StallRuns } from "./stall.ts";

/** What stands before and behind the figures in the page. */
const MARKS = ["<!-- figures of the stall -->\n\n", "\n<!-- end of figures -->"] as const;

/**
 * A page with these figures in place of those that it has.
 *
 * @throws where it has no place for them.
 */
export function withStallTable(page: string, runs: StallRuns): string {
  const [before, rest] = page.split(MARKS[0]);
  const after = rest?.split(MARKS[1])[1];
  if (after === undefined) throw new Error(`the page has no ${MARKS.join("…")}`);
  return `${before}${MARKS[0]}${stallTable(runs)}${MARKS[1]}${after}`;
}

/** A table in Markdown, formatted as the formatter does. */
function stallTable({ few, many, closed }: StallRuns): string {
  const rows = [
    ["", "requests", "p99 of latency", "p99 of start delay", "p99 of service time"],
    row("closed, 20 users", closed),
    row("open, 20 users at most", few),
    row("open, 5,000 users at most", many),
  ];
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((cells) => cells[at]!.length)));
  const lines = rows.map((cells) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |`
  );
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return `${[lines[0], rule, ...lines.slice(1)].join("\n")}\n`;
}

function row(name: string, { summary }: StallRun): string[] {
  const { totals, iterations } = summary;
  return [
    name,
    totals.requests.toLocaleString("en"),
    rounded(totals.latencyMs.p99),
    rounded(iterations?.startDelayMs.p99),
    rounded(iterations?.serviceTimeMs.p99),
  ];
}

/** Milliseconds to three digits; nothing where there is no such figure. */
function rounded(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "";
  return `${Number(ms.toPrecision(3)).toLocaleString("en")} ms`;
}
