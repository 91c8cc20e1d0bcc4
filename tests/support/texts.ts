import {
  type Summary,
  summaryJson,
  type SummaryOptions,
  summaryRows,
} from "../../src/report/summary.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";

import fc from "fast-check";

/** Names: ordinary, wide, combined, with control characters, very long. */
export const anyName: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 120 }),
  fc.string({ unit: "binary", maxLength: 120 }),
  fc.array(
    fc.constantFrom(
      "検索",
      "/",
      "a",
      "👩‍👩‍👧",
      "e\u0301",
      "\x1b[2J",
      "\x9b",
      "\u202e",
      "\n",
      "❤\ufe0f",
    ),
    {
      maxLength: 80,
    },
  ).map((parts) => parts.join("")),
);

/** The text that is written in parts. */
export function joined(parts: Iterable<string>): string {
  return [...parts].join("");
}

/** Control characters, including line feeds. */
export const CONTROLS = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/** A name that clears the screen, rings the bell, and is very long. */
export const HOSTILE_NAME = `\x1b[31m\x1b[2J\x07${"a".repeat(300)}`;

/** The summary of a run, as programs read it from the file of `--json`. */
export function writtenSummary(snapshot: Snapshot, options: SummaryOptions): Summary {
  return JSON.parse(joined(summaryJson(summaryRows(snapshot, options))));
}
