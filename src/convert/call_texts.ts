/**
 * The values of a request, wherever they are in it.
 *
 * @module
 */

import {
  type Body,
  type Call,
  type JsonDraft,
  type Reference,
  Template,
  type Text,
} from "./draft.ts";

/** Where a value is in a request. */
export interface Slot {
  readonly kind: "path" | "query" | "header" | "json" | "form" | "part" | "body" | "auth";
  /** Of the header, field or member; of elements of a list, that of the list; in a path, the segment before. */
  readonly name: string;
  /** The value is text between values that have been inserted. */
  readonly isPart?: boolean;
}

/** What is inserted instead of a value, or the value. */
export type Replace = (value: string | number, slot: Slot) => JsonDraft;

/**
 * Replaces values of a request: each segment of its path (encoded, as it is in the URL), and each string and
 * number of its query, headers, body and credentials.
 */
export function replaceValues(call: Call, replace: Replace): Call {
  const { url, headers, body, auth } = call;
  const text = (value: Text, slot: Slot): Text => replaceText(value, slot, replace);
  return {
    ...call,
    url: {
      ...url,
      path: replacePath(url.path, replace),
      query: url.query.map(([name, value]) =>
        [name, value === null ? null : text(value, { kind: "query", name })] as const
      ),
    },
    headers: headers.map(([name, value]) => [name, text(value, { kind: "header", name })] as const),
    ...body === undefined ? {} : { body: replaceBody(body, replace) },
    ...auth === undefined ? {} : {
      auth: {
        ...auth,
        user: text(auth.user, { kind: "auth", name: "user" }),
        password: text(auth.password, { kind: "auth", name: "password" }),
      },
    },
  };
}

function replacePath(path: Text, replace: Replace): Text {
  const isPart = typeof path !== "string";
  const parts = partsOf(path).flatMap((part) => {
    if (typeof part !== "string") return [part];
    const segments = part.split("/");
    return segments.flatMap((segment, index) => {
      const slash = index === 0 ? [] : ["/"];
      const slot: Slot = { kind: "path", name: segments[index - 1] ?? "", isPart };
      return [...slash, ...segment === "" ? [] : partsOf(replaceText(segment, slot, replace))];
    });
  });
  return joined(parts);
}

function replaceText(text: Text, slot: Slot, replace: Replace): Text {
  const parts = partsOf(text).flatMap((part) => {
    if (typeof part !== "string" || part === "") return [part];
    const replaced = replace(part, typeof text === "string" ? slot : { ...slot, isPart: true });
    return replaced instanceof Template ? replaced.parts : [String(replaced)];
  });
  return joined(parts);
}

function replaceBody(body: Body, replace: Replace): Body {
  switch (body.kind) {
    case "json":
      return { ...body, value: replaceJson(body.value, "", replace) };
    case "form":
      return {
        ...body,
        fields: body.fields.map(([name, value]) =>
          [name, replaceText(value, { kind: "form", name }, replace)] as const
        ),
      };
    case "multipart":
      return {
        ...body,
        parts: body.parts.map((part) => ({
          ...part,
          value: replaceText(part.value, { kind: "part", name: part.name }, replace),
        })),
      };
    case "text":
      return { ...body, text: replaceText(body.text, { kind: "body", name: "" }, replace) };
    case "bytes":
      return body;
  }
}

function replaceJson(value: JsonDraft, name: string, replace: Replace): JsonDraft {
  const slot: Slot = { kind: "json", name };
  if (typeof value === "string" || value instanceof Template) {
    return replaceText(value, slot, replace);
  }
  if (typeof value === "number") return replace(value, slot);
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map((item) => replaceJson(item, name, replace));
  return objectOf(
    Object.entries(value).map(([key, member]) => [key, replaceJson(member, key, replace)]),
  );
}

function isList(value: object): value is readonly JsonDraft[] {
  return Array.isArray(value);
}

/** An object, also with a member `__proto__`. */
function objectOf(entries: readonly (readonly [string, JsonDraft])[]): Record<string, JsonDraft> {
  return Object.fromEntries(entries);
}

/** The parts of a text. */
export function partsOf(text: Text): readonly (string | Reference)[] {
  return typeof text === "string" ? [text] : text.parts;
}

/** A text of these parts: a plain string if nothing is inserted. */
export function joined(parts: readonly (string | Reference)[]): Text {
  const merged: (string | Reference)[] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    if (typeof part === "string" && typeof last === "string") {
      merged[merged.length - 1] = last + part;
    } else if (part !== "") merged.push(part);
  }
  if (merged.every((part) => typeof part === "string")) return merged.join("");
  return new Template(merged);
}

/** All values that are inserted in a request. */
export function referencesOf(call: Call): Reference[] {
  const { url, headers, body, auth, checks } = call;
  const values: JsonDraft[] = [url.path, ...url.query.map(([, value]) => value)];
  values.push(...headers.map(([, value]) => value));
  if (auth !== undefined) values.push(auth.user, auth.password);
  if (body?.kind === "json") values.push(body.value);
  if (body?.kind === "text") values.push(body.text);
  if (body?.kind === "form") values.push(...body.fields.map(([, value]) => value));
  if (body?.kind === "multipart") values.push(...body.parts.map(({ value }) => value));
  for (const check of checks) {
    if (check.kind === "text") values.push(check.includes);
    else if (check.kind !== "status") values.push(check.equals);
  }
  return values.flatMap(insertedIn);
}

/** All values that are inserted in a text, or in JSON. */
export function insertedIn(value: JsonDraft): Reference[] {
  if (value instanceof Template) return value.parts.filter((part) => typeof part !== "string");
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(insertedIn);
}
