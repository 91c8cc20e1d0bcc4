import { renderLine, type Span, span } from "./styled_line.ts";
import { harmless, wrap } from "./terminal_text.ts";
import type { TableSize } from "./text_table.ts";

/**
 * A sentence with something in front of it. Nothing of it may be left out, so it can take lines.
 *
 * ```ts
 * import { prose } from "./prose.ts";
 * import { span } from "./styled_line.ts";
 * import assert from "node:assert/strict";
 *
 * const lines = prose(span("!"), "one two three", { columns: 10, color: false });
 * assert.deepEqual(lines, ["! one two", "  three"]);
 * ```
 */
export function prose(mark: Span, text: string, size: TableSize): string[] {
  const indent = " ".repeat(mark.text.length + 1);
  return wrap(harmless(text), size.columns - indent.length).map((part, index) => {
    const start = index === 0 ? [mark, span(" ")] : [span(indent)];
    return renderLine([...start, span(part)], size.columns, size.color);
  });
}
