/**
 * Text as XML 1.0 can hold it.
 *
 * @module
 */

/**
 * Text for an element: what has a meaning in XML is escaped, and characters that XML has no way to write
 * stand as people read them, `\u001b`.
 *
 * ```ts
 * import { xmlText } from "./xml_text.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(xmlText("p95<200ms & more\n"), "p95&lt;200ms &amp; more\n");
 * assert.equal(xmlText("\x1b[31m"), "\\u001b[31m");
 * ```
 */
export function xmlText(text: string): string {
  return text.replace(SPECIAL, (found) => ENTITIES.get(found) ?? codeOf(found));
}

/**
 * Text for an attribute in double quotes, where breaks of lines would become blanks.
 *
 * ```ts
 * import { xmlAttribute } from "./xml_text.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(xmlAttribute('a "b"\nc'), "a &quot;b&quot;&#10;c");
 * ```
 */
export function xmlAttribute(text: string): string {
  return xmlText(text).replace(/[\t\n]/g, (blank) => blank === "\t" ? "&#9;" : "&#10;");
}

/** Markup, what is no character of XML or controls a terminal, and halves of characters. */
const SPECIAL =
  // deno-lint-ignore no-control-regex -- what controls something is what it is about
  /[&<>"'\r]|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]|\p{Surrogate}/gu;

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&apos;"],
  ["\r", "&#13;"],
]);

function codeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
