/**
 * The building blocks of a schema: fields that are composed into messages and journal records. A field
 * gives the TypeScript type of its values ({@link ValueOf}), validates and converts them, and describes
 * itself ({@link Shape}), so that tests can generate values from it.
 *
 * @module
 */

import { clippedText } from "../core/clipped_text.ts";
import { isVisible } from "../core/text.ts";

/** One value of a message. */
export interface Field<T> {
  /** What values it takes. */
  readonly shape: Shape;
  /** The value of a field that is missing at the end of a message; without it, the field is required. */
  readonly missing?: T;
  /** Returns the value that was sent, or undefined if it is not valid. */
  read(sent: unknown): T | undefined;
  /** Says what is wrong with a value that {@link read} refuses. @param path names the value. */
  fault(sent: unknown, path: string): string;
  /** Converts a value to the form in which it is sent. */
  write(value: T): unknown;
}

/** What values a field takes. Numbers and lengths include their limits. */
export type Shape =
  | { readonly kind: "flag" }
  | { readonly kind: "count"; readonly min: number }
  | { readonly kind: "number" | "bytes"; readonly min: number; readonly max: number }
  | { readonly kind: "text" | "label" | "json" | "counts"; readonly max: number }
  | { readonly kind: "word"; readonly words: readonly string[] }
  | { readonly kind: "list"; readonly item: Field<unknown> }
  | { readonly kind: "tuple"; readonly items: readonly Field<unknown>[] }
  | { readonly kind: "row"; readonly fields: Fields }
  | { readonly kind: "union"; readonly variants: Readonly<Record<string, Field<unknown>>> };

/** The type of a field's values. */
export type ValueOf<F> = F extends Field<infer T> ? T : never;

/** Fields by name, in the order in which they are sent. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** Whole numbers from 0 to 2⁵³ − 1. */
export const count: Field<number> = countFrom(0);

/** Whole numbers from `min` to 2⁵³ − 1. */
export function countFrom(min: number): Field<number> {
  return plain(
    { kind: "count", min },
    `a whole number of ${min} or more`,
    (sent) => Number.isSafeInteger(sent) && (sent as number) >= min,
  );
}

/** Finite numbers. */
export const finite: Field<number> = plain(
  { kind: "number", min: -Number.MAX_VALUE, max: Number.MAX_VALUE },
  "a finite number",
  Number.isFinite,
);

/** Finite numbers from `min` to `max`. */
export function amount(min = 0, max = Number.MAX_VALUE): Field<number> {
  const expected = max === Number.MAX_VALUE
    ? `a finite number of ${min} or more`
    : `a number from ${min} to ${max}`;
  return plain(
    { kind: "number", min, max },
    expected,
    (sent) => typeof sent === "number" && sent >= min && sent <= max,
  );
}

/** True or false. */
export const flag: Field<boolean> = plain(
  { kind: "flag" },
  "true or false",
  (sent) => typeof sent === "boolean",
);

/** Text of at most `max` UTF-16 units. */
export function text(max: number): Field<string> {
  return textOf("text", max);
}

/**
 * Text of at most `max` UTF-16 units that is shown and logged as it is: see {@link isVisible}. A peer cannot
 * forge lines of a log with it.
 */
export function label(max: number): Field<string> {
  return plain(
    { kind: "label", max },
    `a name of at most ${max} visible characters`,
    (sent) => typeof sent === "string" && sent.length <= max && isVisible(sent),
  );
}

/** Like {@link text}, but text that is too long is cut before it is sent; see {@link clippedText}. */
export function clipped(max: number): Field<string> {
  return { ...text(max), write: (value) => clippedText(value, max) };
}

/** A JSON text of at most `max` UTF-16 units. Whether it is valid JSON is left to the receiver. */
export function json(max: number): Field<string> {
  return textOf("json", max);
}

function textOf(kind: "text" | "json", max: number): Field<string> {
  return plain(
    { kind, max },
    `a string of at most ${max} characters`,
    (sent) => typeof sent === "string" && sent.length <= max,
  );
}

/** Binary data of `min` to `max` bytes. */
export function bytes(min: number, max: number): Field<Uint8Array> {
  return plain(
    { kind: "bytes", min, max },
    `${min} to ${max} bytes`,
    (sent) => sent instanceof Uint8Array && sent.length >= min && sent.length <= max,
  );
}

/** One of a few words. */
export function word<T extends string>(...words: readonly T[]): Field<T> {
  const all = new Set<unknown>(words);
  return plain({ kind: "word", words }, `one of: ${words.join(", ")}`, (sent) => all.has(sent));
}

/** Whole numbers of 0 or more by names of at most `max` UTF-16 units. */
export function counts(max: number): Field<Readonly<Record<string, number>>> {
  return plain(
    { kind: "counts", max },
    `a map of whole numbers by names of at most ${max} characters`,
    (sent) =>
      isMap(sent) &&
      Object.entries(sent).every(([name, value]) =>
        name.length <= max && count.read(value) !== undefined
      ),
  );
}

/** Like `field`, but may be missing at the end of a message; it is then `missing`. */
export function optional<T>(field: Field<T>, missing: T): Field<T> {
  return { ...field, missing };
}

/** A field whose values are sent unchanged. */
function plain<T>(shape: Shape, expected: string, isValid: (sent: unknown) => boolean): Field<T> {
  return {
    shape,
    read: (sent) => isValid(sent) ? sent as T : undefined,
    fault: (_, path) => `${path} must be ${expected}`,
    write: (value) => value,
  };
}

function isMap(sent: unknown): sent is Record<string, unknown> {
  return typeof sent === "object" && sent !== null &&
    Object.getPrototypeOf(sent) === Object.prototype;
}

/** Any number of values of the same kind. */
export function list<T>(item: Field<T>): Field<readonly T[]> {
  return {
    shape: { kind: "list", item },
    read: (sent) => {
      if (!Array.isArray(sent)) return undefined;
      const items = new Array<T>(sent.length);
      for (let i = 0; i < items.length; i++) {
        const value = item.read(sent[i]);
        if (value === undefined) return undefined;
        items[i] = value;
      }
      return items;
    },
    fault: (sent, path) => {
      if (!Array.isArray(sent)) return `${path} must be a list`;
      const at = sent.findIndex((one) => item.read(one) === undefined);
      return item.fault(sent[at], `${path}[${at}]`);
    },
    write: (items) => items.map((one) => item.write(one)),
  };
}

/** A fixed number of values, each with its own field. */
export function tuple<F extends readonly Field<unknown>[]>(
  ...items: F
): Field<{ readonly [I in keyof F]: ValueOf<F[I]> }> {
  type Tuple = { readonly [I in keyof F]: ValueOf<F[I]> };
  return {
    shape: { kind: "tuple", items },
    read: (sent) => {
      if (!Array.isArray(sent) || sent.length !== items.length) return undefined;
      const values = items.map((item, i) => item.read(sent[i]));
      // Each value was read by the field at its position.
      return values.includes(undefined) ? undefined : values as unknown as Tuple;
    },
    fault: (sent, path) => {
      if (!Array.isArray(sent) || sent.length !== items.length) {
        return wrongLength(sent, path, items.length);
      }
      const at = items.findIndex((item, i) => item.read(sent[i]) === undefined);
      return items[at]!.fault(sent[at], `${path}[${at}]`);
    },
    write: (values) => items.map((item, i) => item.write(values[i])),
  };
}

/** The type of a {@link row}. */
export type RowOf<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

/** An object that is sent as the list of its values. */
export function row<F extends Fields>(fields: F): Field<RowOf<F>> {
  const names = Object.keys(fields);
  const each = Object.values(fields);
  const required = each.filter(({ missing }) => missing === undefined).length;
  const partOf = (sent: readonly unknown[], i: number): unknown =>
    i < sent.length ? each[i]!.read(sent[i]) : each[i]!.missing;
  const hasItsLength = (sent: unknown): sent is readonly unknown[] =>
    Array.isArray(sent) && sent.length >= required && sent.length <= names.length;
  return {
    shape: { kind: "row", fields },
    read: (sent) => {
      if (!hasItsLength(sent)) return undefined;
      const value: Record<string, unknown> = {};
      for (let i = 0; i < names.length; i++) {
        const part = partOf(sent, i);
        if (part === undefined) return undefined;
        value[names[i]!] = part;
      }
      // Each value was read by the field of its name.
      return value as RowOf<F>;
    },
    fault: (sent, path) => {
      if (!hasItsLength(sent)) return wrongLength(sent, path, names.length);
      const at = names.findIndex((_, i) => partOf(sent, i) === undefined);
      return each[at]!.fault(sent[at], `${path}.${names[at]}`);
    },
    write: (value) => names.map((name, i) => each[i]!.write(value[name])),
  };
}

function wrongLength(sent: unknown, path: string, expected: number): string {
  const found = Array.isArray(sent) ? `, not ${sent.length}` : "";
  return `${path} must be a list of ${expected} values${found}`;
}

/** The type of a {@link union}'s values: a row of one of the variants, and the variant's name as `type`. */
export type VariantOf<V extends Readonly<Record<string, Fields>>> = {
  [T in keyof V]: Flat<{ readonly type: T } & RowOf<V[T]>>;
}[keyof V];

/** The same type as one object type, which editors and the compiler show more clearly. */
type Flat<T> = { [K in keyof T]: T[K] };

/** One of several kinds of rows, which are distinguished by their `type`. */
export interface UnionField<V extends Readonly<Record<string, Fields>>>
  extends Field<VariantOf<V>> {
  /** The rows by their type. */
  readonly variants: {
    readonly [T in keyof V]: Field<Extract<VariantOf<V>, { readonly type: T }>>;
  };
}

/** Rows of different types. Each is sent as the list of its type and its values. */
export function union<const V extends Readonly<Record<string, Fields>>>(
  variants: V,
): UnionField<V> {
  const rows = Object.entries(variants).map(
    ([type, fields]): [string, Field<unknown>] => [type, row({ type: word(type), ...fields })],
  );
  const byType = new Map<unknown, Field<unknown>>(rows);
  const rowOf = (sent: unknown): Field<unknown> | undefined =>
    byType.get(Array.isArray(sent) ? sent[0] : undefined);
  const all = Object.fromEntries(rows);
  return {
    shape: { kind: "union", variants: all },
    // Each row was made from the fields of its type.
    variants: all as UnionField<V>["variants"],
    read: (sent) => rowOf(sent)?.read(sent) as VariantOf<V> | undefined,
    fault: (sent, path) =>
      rowOf(sent)?.fault(sent, String((sent as readonly unknown[])[0])) ??
        `${path} of no known type`,
    write: (value) => byType.get(value.type)!.write(value),
  };
}
