/**
 * Generators that are derived from a schema: whatever a field accepts, its arbitrary generates.
 *
 * @module
 */

import fc from "fast-check";
import { isVisible } from "../../src/core/text.ts";
import type { Field, Fields, ValueOf } from "../../src/cluster/schema.ts";

/** Most lists and binary data are short; what matters are the limits, and the kinds of items. */
const MAX_LIST = 4;
const MAX_BYTES = 300;

const count = fc.oneof(fc.nat(300), fc.maxSafeNat());

/** Texts, some of them long enough for msgpack to encode and decode them in another way. */
const text = fc.oneof(
  { arbitrary: fc.string({ maxLength: 40 }), weight: 4 },
  { arbitrary: fc.string({ unit: "grapheme", maxLength: 40 }), weight: 4 },
  { arbitrary: fc.string({ unit: "grapheme", minLength: 250, maxLength: 300 }), weight: 1 },
);

function textOf(max: number): fc.Arbitrary<string> {
  // The decoder drops a leading byte order mark.
  return text.filter((one) => one.length <= max && !one.startsWith("\ufeff"));
}

/** Any value that a field accepts. */
export function arbitraryOf<F extends Field<unknown>>(field: F): fc.Arbitrary<ValueOf<F>> {
  return arbitrary(field) as fc.Arbitrary<ValueOf<F>>;
}

function arbitrary({ shape }: Field<unknown>): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case "count":
      return count.map((one) => Math.max(shape.min, one));
    case "flag":
      return fc.boolean();
    case "number": {
      const { min, max } = shape;
      // Negative zero is sent as zero.
      return fc.double({ min, max, noNaN: true, noDefaultInfinity: true }).map((one) => one + 0);
    }
    case "text":
      return textOf(shape.max);
    case "label":
      return textOf(shape.max).filter(isVisible);
    case "json":
      return fc.json();
    case "bytes": {
      const { min, max } = shape;
      return fc.uint8Array({ minLength: min, maxLength: Math.min(max, Math.max(min, MAX_BYTES)) });
    }
    case "word":
      return fc.constantFrom(...shape.words);
    case "counts": {
      const name = textOf(shape.max).filter((one) => one !== "__proto__");
      return fc.dictionary(name, count, { noNullPrototype: true });
    }
    case "list":
      return fc.array(arbitrary(shape.item), { maxLength: MAX_LIST });
    case "tuple":
      return fc.tuple(...shape.items.map(arbitrary));
    case "row":
      return record(shape.fields);
    case "union":
      return fc.oneof(...Object.values(shape.variants).map(arbitrary));
  }
}

function record(fields: Fields): fc.Arbitrary<unknown> {
  const entries = Object.entries(fields).map(([name, field]) => [name, arbitrary(field)]);
  return fc.record(Object.fromEntries(entries), { noNullPrototype: true });
}
