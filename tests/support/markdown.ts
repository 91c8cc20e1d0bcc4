import assert from "node:assert/strict";

/** A table in Markdown: the texts of its cells. */
export interface MarkdownTable {
  /** The heading above it, without its marks. */
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * Reads the tables of a report in Markdown, as GitHub and GitLab would: a line that begins with a pipe is a row, and
 * unescaped pipes end cells. Fails if a row has too few or too many cells, or if a cell contains anything with a
 * meaning besides `<code>` and bold text.
 */
export function tablesOf(markdown: string): MarkdownTable[] {
  const tables: (MarkdownTable & { readonly rows: string[][] })[] = [];
  let title = "";
  let isInTable = false;
  for (const line of markdown.split(/\r\n?|\n/)) {
    title = /^### (.+)$/.exec(line)?.[1] ?? title;
    const isRow = line.startsWith("|");
    if (isRow && !isInTable) tables.push({ title, columns: cellsOf(line).map(textOf), rows: [] });
    else if (isRow) {
      const { columns, rows } = tables.at(-1)!;
      const cells = cellsOf(line);
      assert.equal(cells.length, columns.length, line);
      if (!cells.every((cell) => /^-+:?$/.test(cell))) rows.push(cells.map(textOf));
    }
    isInTable = isRow;
  }
  return tables;
}

function cellsOf(line: string): string[] {
  const [start, ...cells] = line.split("|");
  assert.deepEqual([start, cells.pop()], ["", ""], line);
  return cells.map((cell) => cell.trim());
}

/** The text that a reader sees of Markdown on one line. Fails as {@link tablesOf} does. */
export function textOf(markdown: string): string {
  const text = markdown.replaceAll(/<\/?code>|\*\*/g, "");
  assert.doesNotMatch(text, /[<>`*~\\[\]@]|&(?!#\d+;|nbsp;)|https?:\/\/|www\.|:\w+:/i, markdown);
  return text.replaceAll("&nbsp;", "")
    .replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
}
