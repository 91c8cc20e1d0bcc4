/**
 * Reads the body of a request: JSON and forms as such, and everything else as text.
 *
 * @module
 */

import type { Body, JsonDraft, Part } from "./draft.ts";

/** A body, and whether it implies its content type. */
export interface ReadBody {
  readonly body: Body;
  /** If not, the request needs its `content-type` header. */
  readonly impliesType: boolean;
}

/** The body that a text is, by its content type. */
export function readBody(text: string, contentType: string): ReadBody {
  const [type = ""] = contentType.toLowerCase().split(";", 1);
  const name = type.trim();
  if (/^(?:application|text)\/(?:[\w.-]+\+)?json$/.test(name)) {
    const value = parseJson(text);
    if (value !== undefined) {
      return { body: { kind: "json", value }, impliesType: name === "application/json" };
    }
  }
  if (name === "application/x-www-form-urlencoded") {
    const fields = formFields(text);
    if (fields !== null) return { body: { kind: "form", fields }, impliesType: true };
  }
  if (name === "multipart/form-data") {
    const parts = multipartParts(text, contentType);
    if (parts !== null) return { body: { kind: "multipart", parts }, impliesType: true };
  }
  return { body: { kind: "text", text }, impliesType: false };
}

/** JSON, unless it would not be the same when it is written again: then `undefined`. */
export function parseJson(text: string): JsonDraft | undefined {
  let isExact = true;
  // The type of the standard library does not have the third argument yet.
  const check = (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    const source = context?.source ?? "";
    if (typeof value === "number" && /^-?\d{16,}$/.test(source) && String(value) !== source) {
      isExact = false;
    }
    return value;
  };
  try {
    const value: JsonDraft = JSON.parse(text, check);
    return isExact && !isDeeper(value, MAX_DEPTH) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Deeper JSON stays text: code that is nested as deep is of no use. */
const MAX_DEPTH = 50;

function isDeeper(value: JsonDraft, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((member) => isDeeper(member, depth - 1));
}

/** The fields of a form; `null` if the text is none, or would be sent differently. */
function formFields(text: string): (readonly [name: string, value: string])[] | null {
  if (/[^\x21-\x7e]|[{}"<>\\^`|]/.test(text)) return null;
  const fields: (readonly [string, string])[] = [];
  for (const pair of text.split("&")) {
    const [name, value] = splitOnce(pair, "=");
    if (value === null) return null;
    const [plainName, plainValue] = [decode(name), decode(value)];
    if (plainName === null || plainValue === null) return null;
    fields.push([plainName, plainValue]);
  }
  return fields;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}

/** The text before and after a separator; `null` if there is none. */
export function splitOnce(text: string, separator: string): [before: string, after: string | null] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** The parameters of a query, without its question mark. What is not valid stays as it is. */
export function queryParameters(query: string): (readonly [name: string, value: string | null])[] {
  return query.split("&").filter((pair) => pair !== "").map((pair) => {
    const [name, value] = splitOnce(pair, "=");
    return [decode(name) ?? name, value === null ? null : decode(value) ?? value] as const;
  });
}

/** The parts of a multipart body; `null` if it has another form. */
function multipartParts(text: string, contentType: string): Part[] | null {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const delimiter = boundary === null
    ? /^--([^\r\n]+)\r?\n/.exec(text)?.[1]
    : boundary[1] ?? boundary[2];
  if (delimiter === undefined) return null;
  const sections = `\r\n${text}`.split(`\r\n--${delimiter}`);
  if (sections.length < 2 || !sections.at(-1)!.startsWith("--")) return null;
  const parts: Part[] = [];
  for (const section of sections.slice(1, -1)) {
    const [head, value] = splitOnce(section.replace(/^\r\n/, ""), "\r\n\r\n");
    const name = parameter(head, "name");
    if (name === null || value === null) return null;
    const fileName = parameter(head, "filename");
    const type = /^content-type:\s*(.*)$/im.exec(head)?.[1]?.trim() ?? "";
    parts.push(
      fileName === null ? { name, value } : { name, value, file: { name: fileName, type } },
    );
  }
  return parts;
}

function parameter(head: string, name: string): string | null {
  const disposition = /^content-disposition:(.*)$/im.exec(head)?.[1] ?? "";
  return new RegExp(`;\\s*${name}="([^"]*)"`, "i").exec(disposition)?.[1] ?? null;
}
