/**
 * Fields that are made of fields.
 *
 * @module
 */

import type { Field } from "./field.ts";

/** The fields of a value that is sent as a list of them, in the order in which they stand. */
export type Fields<T> = { readonly [K in keyof T]-?: Field<T[K]> };

/** Any number of values that are all alike. */
export function list<T>(item: Field<T>): Field<readonly T[]> {
  return {
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

/** A fixed number of values, each with a field of its own. */
export function tuple<T extends readonly unknown[]>(
  ...fields: { readonly [I in keyof T]: Field<T[I]> }
): Field<T> {
  return {
    read: (sent) => {
      if (!Array.isArray(sent) || sent.length !== fields.length) return undefined;
      const values = fields.map((field, i) => field.read(sent[i]));
      // Each of them has been read by the field of its place.
      return values.includes(undefined) ? undefined : values as unknown as T;
    },
    fault: (sent, path) => {
      if (!Array.isArray(sent) || sent.length !== fields.length) {
        return wrongLength(sent, path, fields.length);
      }
      const at = fields.findIndex((field, i) => field.read(sent[i]) === undefined);
      return fields[at]!.fault(sent[at], `${path}[${at}]`);
    },
    write: (values) => fields.map((field, i) => field.write(values[i])),
  };
}

/**
 * An object that is sent as the list of its fields.
 *
 * ```ts
 * import { row } from "./compound_field.ts";
 * import { count, text } from "./field.ts";
 * import assert from "node:assert/strict";
 *
 * const point = row<{ name: string; x: number }>({ name: text(10), x: count });
 * assert.deepEqual(point.read(["a", 1]), { name: "a", x: 1 });
 * assert.deepEqual(point.write({ name: "a", x: 1 }), ["a", 1]);
 * assert.equal(point.read(["a", -1]), undefined);
 * assert.equal(point.fault(["a", -1], "POINT"), "POINT.x must be a whole number of 0 or more");
 * ```
 *
 * @param problem says what is wrong with fields that are right each by itself, or null.
 */
export function row<T extends object>(
  fields: Fields<T>,
  problem: (value: T) => string | null = () => null,
): Field<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  const each = names.map((name): Field<unknown> => fields[name]);
  const least = each.filter(({ missing }) => missing === undefined).length;
  const partOf = (sent: readonly unknown[], i: number): unknown =>
    i < sent.length ? each[i]!.read(sent[i]) : each[i]!.missing;
  const isOfLength = (sent: unknown): sent is readonly unknown[] =>
    Array.isArray(sent) && sent.length >= least && sent.length <= names.length;
  const assemble = (sent: readonly unknown[]): T | undefined => {
    const value: Partial<Record<keyof T, unknown>> = {};
    for (let i = 0; i < names.length; i++) {
      const part = partOf(sent, i);
      if (part === undefined) return undefined;
      value[names[i]!] = part;
    }
    // Each of its fields has been read by the field of its name.
    return value as T;
  };
  return {
    read: (sent) => {
      const value = isOfLength(sent) ? assemble(sent) : undefined;
      return value === undefined || problem(value) !== null ? undefined : value;
    },
    fault: (sent, path) => {
      if (!isOfLength(sent)) return wrongLength(sent, path, names.length);
      const value = assemble(sent);
      if (value !== undefined) return `${path} ${problem(value)}`;
      const at = names.findIndex((_, i) => partOf(sent, i) === undefined);
      return each[at]!.fault(sent[at], `${path}.${names[at]}`);
    },
    write: (value) => names.map((name, i) => each[i]!.write(value[name])),
  };
}

function wrongLength(sent: unknown, path: string, needed: number): string {
  const found = Array.isArray(sent) ? `, not ${sent.length}` : "";
  return `${path} must be a list of ${needed} values${found}`;
}
