import type { Statistics } from "../stats/snapshot.ts";
import { label } from "./panel_label.ts";
import { formatCount } from "./quantity.ts";
import { type Span, span } from "./styled_line.ts";

/** What goes wrong most often, of requests and of users' code, in at most `most` lines. */
export function errorLines({ failures, userErrors }: Statistics, most: number): Span[][] {
  const all = [
    ...failures.map(({ method, name, error, count }) => ({
      who: `${method} ${name}`,
      error,
      count,
    })),
    ...userErrors.map(({ user, error, count }) => ({ who: user, error, count })),
  ];
  const top = all.toSorted((a, b) => b.count - a.count).slice(0, Math.max(0, most));
  const counts = top.map(({ count }) => formatCount(count));
  const width = Math.max(...counts.map(({ length }) => length));
  return top.map(({ who, error }, index) => [
    label(index === 0 ? "errors" : ""),
    span(`${counts[index]!.padStart(width)} × ${error}`, "bad"),
    span(`  ${who}`, "quiet"),
  ]);
}
