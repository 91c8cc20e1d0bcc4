/**
 * What a field of a message has to be, and the form in which it is sent.
 *
 * @module
 */

import { clippedText } from "./peer_text.ts";

/**
 * One value of a message.
 */
export interface Field<T> {
  /** What to take a field for that is missing at the end of a message; without it, none may be. */
  readonly missing?: T;
  /** The value that was sent, or undefined where it is not what it has to be. */
  read(sent: unknown): T | undefined;
  /** What is wrong with a value that {@link read} has not taken; `path` is what it is called. */
  fault(sent: unknown, path: string): string;
  /** The form in which a value is sent. */
  write(value: T): unknown;
}

/** Whole numbers from 0 to 2⁵³ − 1. */
export const count: Field<number> = plain(
  "a whole number of 0 or more",
  (sent) => Number.isSafeInteger(sent) && (sent as number) >= 0,
);

/** Any number but infinite ones. */
export const finite: Field<number> = plain("a finite number", Number.isFinite);

/** Finite numbers from `min` to `max`. */
export function amount(min = 0, max = Number.MAX_VALUE): Field<number> {
  const needed = max === Number.MAX_VALUE
    ? `a finite number of ${min} or more`
    : `a number from ${min} to ${max}`;
  return plain(
    needed,
    (sent) => typeof sent === "number" && sent >= min && sent <= max,
  );
}

/** True or false. */
export const flag: Field<boolean> = plain(
  "true or false",
  (sent) => typeof sent === "boolean",
);

/** Texts of at most `max` UTF-16 units. */
export function text(max: number): Field<string> {
  return plain(
    `a text of at most ${max} characters`,
    (sent) => typeof sent === "string" && sent.length <= max,
  );
}

/** As {@link text}; a longer one is cut before it is sent, see {@link clippedText}. */
export function clipped(max: number): Field<string> {
  return { ...text(max), write: (value) => clippedText(value, max) };
}

/** Bytes, from `min` to `max` of them. */
export function bytes(min: number, max: number): Field<Uint8Array> {
  return plain(
    `${min} to ${max} bytes`,
    (sent) => sent instanceof Uint8Array && sent.length >= min && sent.length <= max,
  );
}

/** One of a few words. */
export function word<T extends string>(words: Readonly<Record<T, true>>): Field<T> {
  const all = new Set<unknown>(Object.keys(words));
  return plain(`one of: ${[...all].join(", ")}`, (sent) => all.has(sent));
}

/** Whole numbers of 0 or more by names of at most `max` UTF-16 units. */
export function counts(max: number): Field<Readonly<Record<string, number>>> {
  return plain(
    `a map of whole numbers by names of at most ${max} characters`,
    (sent) =>
      isMap(sent) &&
      Object.entries(sent).every(([name, value]) =>
        name.length <= max && count.read(value) !== undefined
      ),
  );
}

/** As `field`; where it is missing at the end of a message, it is `missing`. */
export function optional<T>(field: Field<T>, missing: T): Field<T> {
  return { ...field, missing };
}

/** A field that is sent as it is. */
function plain<T>(needed: string, isRight: (sent: unknown) => boolean): Field<T> {
  return {
    read: (sent) => isRight(sent) ? sent as T : undefined,
    fault: (_, path) => `${path} must be ${needed}`,
    write: (value) => value,
  };
}

function isMap(sent: unknown): sent is Record<string, unknown> {
  return typeof sent === "object" && sent !== null &&
    Object.getPrototypeOf(sent) === Object.prototype;
}

// Fields that are made of fields.

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
