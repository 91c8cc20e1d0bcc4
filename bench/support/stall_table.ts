/**
 * The table of figures in docs/load-models.md.
 *
 * @module
 */

import type { StallRun, StallRuns } from "./stall.ts";

/** The comments around the table in the page. */
const MARKS = ["<!-- figures of the stall -->\n\n", "\n<!-- end of figures -->"] as const;

/**
 * Replaces the figures in a page.
 *
 * @throws if the page has no place for them.
 */
export function withStallTable(page: string, runs: StallRuns): string {
  const [before, rest] = page.split(MARKS[0]);
  const after = rest?.split(MARKS[1])[1];
  if (after === undefined) throw new Error(`the page has no ${MARKS.join("…")}`);
  return `${before}${MARKS[0]}${stallTable(runs)}${MARKS[1]}${after}`;
}

/** A Markdown table, in the style of `deno fmt`. */
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

/** Milliseconds with three digits; empty without a figure. */
function rounded(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "";
  return `${Number(ms.toPrecision(3)).toLocaleString("en")} ms`;
}
