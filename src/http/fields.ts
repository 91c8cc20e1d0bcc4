/**
 * Names and values as they stand in queries and forms.
 *
 * @module
 */

/** One value of a query or a form. */
export type FieldValue = string | number | boolean;

/** Names with their values; an array repeats its name, and what is undefined is left out. */
export type Fields =
  | URLSearchParams
  | Readonly<Record<string, FieldValue | readonly FieldValue[] | undefined>>;

/**
 * Fields in the encoding of forms and queries.
 *
 * ```ts
 * import { encodeFields } from "./fields.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(encodeFields({ q: "a b", page: 2, tag: ["x", "y"], none: undefined }), "q=a+b&page=2&tag=x&tag=y");
 * ```
 */
export function encodeFields(fields: Fields): string {
  if (fields instanceof URLSearchParams) return fields.toString();
  const encoded = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    const values = Array.isArray(value) ? value : [value];
    for (const one of values) if (one !== undefined) encoded.append(name, String(one));
  }
  return encoded.toString();
}

/**
 * A URL with fields behind whatever query it has; what stands behind a `#` is dropped.
 *
 * ```ts
 * import { withQuery } from "./fields.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(withQuery("/search", { q: "x" }), "/search?q=x");
 * assert.equal(withQuery("/search?sort=up#top", { q: "x" }), "/search?sort=up&q=x");
 * assert.equal(withQuery("/search", {}), "/search");
 * ```
 */
export function withQuery(url: string, fields: Fields): string {
  const query = encodeFields(fields);
  const hash = url.indexOf("#");
  const base = hash < 0 ? url : url.slice(0, hash);
  if (query === "") return base;
  const asked = base.indexOf("?");
  if (asked < 0) return `${base}?${query}`;
  return base.endsWith("?") || base.endsWith("&") ? base + query : `${base}&${query}`;
}
