/**
 * How values are written in requests, as parameters of OpenAPI documents say.
 *
 * @module
 */

import { joined, partsOf } from "./call_texts.ts";
import { isObject, type Json } from "./document.ts";
import { type JsonDraft, type Reference, Template, type Text } from "./draft.ts";
import type { Parameter } from "./openapi_operations.ts";
import { normal } from "./openapi_order.ts";

/** A value as a text. */
export function textOf(value: JsonDraft): Text {
  if (typeof value === "string" || value instanceof Template) return value;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

/** A parameter as the fields of a query, in its style. */
export function queryPairs(
  { name, style, explode }: Pick<Parameter, "name" | "style" | "explode">,
  value: JsonDraft,
): [string, Text][] {
  const separator = style === "spaceDelimited" ? " " : style === "pipeDelimited" ? "|" : ",";
  if (Array.isArray(value)) {
    const texts = value.map(textOf);
    return explode || texts.some((text) => text instanceof Template)
      ? texts.map((text) => [name, text])
      : [[name, texts.join(separator)]];
  }
  if (!isObject(value) || value instanceof Template) return [[name, textOf(value)]];
  const entries = Object.entries(value) as [string, JsonDraft][];
  if (style === "deepObject") return entries.map(([key, own]) => [`${name}[${key}]`, textOf(own)]);
  if (explode) return entries.map(([key, own]) => [key, textOf(own)]);
  return [[name, entries.flat().map(String).join(separator)]];
}

/** The value of a `cookie` header. */
export function cookieText(cookies: readonly (readonly [string, Text])[]): Text {
  const parts = cookies.flatMap(([name, value], index) => [
    `${index === 0 ? "" : "; "}${name}=`,
    ...partsOf(value),
  ]);
  return joined(parts);
}

/** Parts of a path, of which values are encoded. */
export function encodedParts(text: Text): (string | Reference)[] {
  return partsOf(text).map((part) => typeof part === "string" ? encodeURIComponent(part) : part);
}

/** A part of a path, encoded. */
export function encodedPath(text: string): string {
  return new URL(`http://host${text.startsWith("/") ? "" : "/"}${text.replaceAll("#", "%23")}`)
    .pathname.slice(text.startsWith("/") ? 0 : 1);
}

/** Whether a parameter identifies something, by its name. */
export function isIdName(name: string): boolean {
  return /^(id|uid|uuid|guid)$|(Id|ID|Uid|Uuid|Guid|[_-](id|uid|uuid|guid))$/.test(name);
}

/** Whether a schema says what a value could be. */
export function givesValue(schema: Json): boolean {
  const keywords = ["example", "examples", "default", "enum", "const"];
  return keywords.some((keyword) => schema[keyword] !== undefined);
}

/** Marks a value that must be encoded in a path. */
export const ENCODED = { encode: true } as const;

/** Whether a value can be in a path as it is. */
export function isSafe(value: JsonDraft): boolean {
  return typeof value !== "string" || encodeURIComponent(value) === value;
}

/** Whether values of this kind can be in a path as they are. Those of other names are anything that users write. */
export function isPlainId(example: JsonDraft, name: string): boolean {
  return typeof example !== "string" || (/id$/i.test(name) && isSafe(example));
}

/** The names of all members of a value, without case and dashes. */
export function memberNames(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(memberNames);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => [normal(name), ...memberNames(member)]);
}
