/**
 * The file that `aiotest compare --json` writes. Scripts read it: a field that is here stays here, and a
 * change that breaks readers raises its schema.
 *
 * @module
 */

import {
  type ComparedFigures,
  type Comparison,
  comparisonExitCode,
  FIGURES,
} from "./comparison.ts";
import type { NamedRun } from "./comparison_report.ts";
import type { Difference } from "./difference.ts";

/** The text of the file: JSON, indented, with a newline at its end. */
export function comparisonJson(
  comparison: Comparison,
  runs: { readonly a: NamedRun; readonly b: NamedRun },
  version: string,
): string {
  const { maxRegression, confidence, totals, requests, onlyInA, onlyInB } = comparison;
  const content = {
    schema: 1,
    aiotest: version,
    a: runOf(runs.a),
    b: runOf(runs.b),
    maxRegression,
    confidence,
    totals: figuresOf(totals),
    requests: requests.map((row) => ({ method: row.method, name: row.name, ...figuresOf(row) })),
    onlyInA,
    onlyInB,
    figures: comparison.figures,
    regressions: comparison.regressions,
    unclear: comparison.unclear,
    warnings: comparison.warnings,
    exitCode: comparisonExitCode(comparison),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

function runOf({ file, run }: NamedRun): object {
  return {
    file,
    runId: run.runId,
    startedAt: run.startedAt,
    durationSeconds: run.durationSeconds,
  };
}

function figuresOf(figures: ComparedFigures): object {
  return {
    requests: figures.requests,
    ...Object.fromEntries(FIGURES.map((figure) => [figure, differenceOf(figures[figure])])),
  };
}

function differenceOf({ a, b, change, low, high, finding }: Difference): object {
  return { a, b, change: digits(change), low: digits(low), high: digits(high), finding };
}

/** No interval is as exact as its sixth digit. */
function digits(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(6));
}
