/**
 * JSON in parts. The text of a report may be longer than a string can be, so no report is ever one
 * string.
 *
 * @module
 */

/**
 * The text that `JSON.stringify(value, null, indent)` returns, in short parts.
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

function* listParts(values: Iterable<unknown>, { gap, margin }: Layout): Generator<string> {
  const inner = { gap, margin: `${margin}${gap}` };
  let before = "[";
  for (const value of values) {
    yield `${before}${inner.margin}`;
    yield* valueParts(value, inner);
    before = ",";
  }
  yield before === "[" ? "[]" : `${margin}]`;
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
