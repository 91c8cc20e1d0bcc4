/**
 * What a field of a message has to be, and the form in which it is sent.
 *
 * @module
 */

import { clippedText } from "./clipped_text.ts";

/**
 * One value of a message.
 *
 * ```ts
 * import { amount, type Field } from "./field.ts";
 * import assert from "node:assert/strict";
 *
 * const rate: Field<number> = amount();
 * assert.equal(rate.read(0.5), 0.5);
 * assert.equal(rate.read(Infinity), undefined);
 * assert.equal(rate.fault(Infinity, "TARGET.rate"), "TARGET.rate must be a finite number of 0 or more");
 * ```
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
