/**
 * JSON in parts. The text of a report may be longer than a string can be, so no report is ever one
 * string.
 *
 * @module
 */

/**
 * The text that `JSON.stringify(value, null, indent)` returns, in short parts. Only a list of numbers is on one
 * line: a column may have a number for each second of a run.
 *
 * @param value plain data. Unlike `JSON.stringify`, it may contain iterables in the place of arrays, whose
 *   elements are then made while they are written.
 * @param indent the number of spaces per level; 0: everything is on one line.
 */
export function jsonParts(value: unknown, indent: number): Generator<string> {
  return valueParts(value, { gap: " ".repeat(indent), margin: indent === 0 ? "" : "\n" });
}

interface Layout {
  /** The additional indentation of one level. */
  readonly gap: string;
  /** The line break before a line of this level, with its indentation; empty without line breaks. */
  readonly margin: string;
}

function* valueParts(value: unknown, layout: Layout): Generator<string> {
  if (typeof value !== "object" || value === null) yield JSON.stringify(value) ?? "null";
  else if (Symbol.iterator in value) yield* listParts(value as Iterable<unknown>, layout);
  else if (Object.values(value).some(isObject)) yield* objectParts(value, layout);
  else yield JSON.stringify(value, null, layout.gap).replaceAll("\n", layout.margin);
}

function* listParts(values: Iterable<unknown>, layout: Layout): Generator<string> {
  if (isColumn(values)) {
    yield* columnParts(values, layout);
    return;
  }
  const { gap, margin } = layout;
  const inner = { gap, margin: `${margin}${gap}` };
  let before = "[";
  for (const value of values) {
    yield `${before}${inner.margin}`;
    yield* valueParts(value, inner);
    before = ",";
  }
  yield before === "[" ? "[]" : `${margin}]`;
}

function isColumn(values: Iterable<unknown>): values is readonly (number | null)[] {
  return Array.isArray(values) && values.length > 0 &&
    values.every((value) => value === null || typeof value === "number");
}

/** How many numbers are written at once. */
const COLUMN_PART = 100;

function* columnParts(values: readonly (number | null)[], { gap }: Layout): Generator<string> {
  const comma = gap === "" ? "," : ", ";
  for (let from = 0; from < values.length; from += COLUMN_PART) {
    const numbers = values.slice(from, from + COLUMN_PART).map((value) => JSON.stringify(value));
    yield `${from === 0 ? "[" : comma}${numbers.join(comma)}`;
  }
  yield "]";
}

function* objectParts(object: object, { gap, margin }: Layout): Generator<string> {
  const inner = { gap, margin: `${margin}${gap}` };
  let before = "{";
  for (const [key, value] of Object.entries(object)) {
    if (value === undefined) continue;
    yield `${before}${inner.margin}${JSON.stringify(key)}:${gap === "" ? "" : " "}`;
    yield* valueParts(value, inner);
    before = ",";
  }
  yield `${margin}}`;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
