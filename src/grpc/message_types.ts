/**
 * Turns values of test files into messages of protobuf, and back. Values are those that protobuf's JSON has, so a
 * message looks as in grpcurl and in documentation; bytes, dates and large integers can also be given as what
 * JavaScript has for them.
 *
 * @module
 */

import protobuf from "protobufjs";
import protojson from "protobufjs/ext/protojson.js";
import { messageText } from "../core/errors.ts";
import { nearestWord } from "../core/spelling.ts";
import { listed, shown } from "../core/text.ts";

/** A message as test files have it: fields by name, in camel case. */
export type Fields = Record<string, unknown>;

/** A value does not fit its type. */
class Misfit extends Error {
  /** Where it is, such as `items[2].id`. */
  place = "";

  /** @returns this error, as one of what contains the value. */
  within(place: string): this {
    const separator = this.place === "" || this.place.startsWith("[") ? "" : ".";
    this.place = `${place}${separator}${this.place}`;
    return this;
  }
}

/** Turns a value into what protobufjs encodes. @throws Misfit if it does not fit. */
type ToWire = (value: unknown) => unknown;
/** Turns what protobufjs has decoded into a value. */
type FromWire = (value: unknown) => unknown;

interface Codec {
  readonly toWire: ToWire;
  readonly fromWire: FromWire;
}

/** A type of messages. */
export class MessageType {
  /** With its package, such as `shop.Item`. */
  readonly name: string;
  readonly #type: protobuf.Type;
  readonly #codec: Codec;

  /** @param codecs of the types that are known already. */
  constructor(type: protobuf.Type, codecs: Map<protobuf.Type, Codec>) {
    this.name = type.fullName.slice(1);
    this.#type = type;
    this.#codec = codecOf(type, codecs);
  }

  /**
   * Encodes a message.
   *
   * @throws TypeError that names the field, its value and what is accepted.
   */
  encode(value: unknown): Uint8Array {
    try {
      const fields = this.#codec.toWire(value === undefined ? {} : value) as Fields;
      return this.#type.encode(fields).finish();
    } catch (error) {
      if (error instanceof RangeError && error.message.includes("call stack")) {
        throw new TypeError(`a message ${this.name}: it is too deep, or contains itself`);
      }
      if (!(error instanceof Misfit)) throw error;
      const { place, message } = error;
      const where = place === "" ? `a message ${this.name}` : `${place} of a message ${this.name}`;
      throw new TypeError(`${where}: ${message}`);
    }
  }

  /**
   * Decodes a message.
   *
   * @throws Error if the bytes are no such message.
   */
  decode(bytes: Uint8Array): Fields {
    return this.#codec.fromWire(this.#type.decode(bytes)) as Fields;
  }
}

function codecOf(type: protobuf.Type, codecs: Map<protobuf.Type, Codec>): Codec {
  const known = codecs.get(type);
  if (known !== undefined) return known;
  // A type can contain itself, so its fields are looked at when there is a message.
  let made: Codec | null = null;
  const codec: Codec = {
    toWire: (value) => (made ??= newCodec(type, codecs)).toWire(value),
    fromWire: (value) => (made ??= newCodec(type, codecs)).fromWire(value),
  };
  codecs.set(type, codec);
  return codec;
}

function newCodec(type: protobuf.Type, codecs: Map<protobuf.Type, Codec>): Codec {
  const plain = plainCodec(type, codecs);
  const name = type.fullName;
  if (WRAPPER.test(name)) {
    const value = type.fields.value!;
    return {
      toWire: (given) => ({ value: scalarCodec(value).toWire(given) }),
      fromWire: (message) => scalarCodec(value).fromWire((message as Fields).value),
    };
  }
  const takesObject = OBJECT_OR_JSON.has(name);
  if (!takesObject && !JSON_ONLY.has(name)) return plain;
  const isPlain = takesObject
    ? (value: unknown): boolean => isObject(value) && !("@type" in value)
    : (): boolean => false;
  return {
    toWire(value): unknown {
      const given = value instanceof Date ? dateText(value) : value;
      if (isPlain(given)) return plain.toWire(given);
      try {
        return protojson.fromJson(type, given);
      } catch (error) {
        throw new Misfit(`${shown(value)}: ${messageText(error)}`);
      }
    },
    fromWire(message): unknown {
      try {
        return protojson.toJson(type, message as Fields);
      } catch {
        // Such as an Any of a type that is not known.
        return plain.fromWire(message);
      }
    },
  };
}

/** Types with a form of their own in JSON, which can also be given by their fields. */
const OBJECT_OR_JSON: ReadonlySet<string> = new Set(
  ["Timestamp", "Duration", "FieldMask", "Any"].map((name) => `.google.protobuf.${name}`),
);
/** Types that stand for any JSON. */
const JSON_ONLY: ReadonlySet<string> = new Set(
  ["Struct", "Value", "ListValue"].map((name) => `.google.protobuf.${name}`),
);
const WRAPPER = /^\.google\.protobuf\.(?:Double|Float|U?Int64|U?Int32|Bool|String|Bytes)Value$/;

function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) throw new Misfit("an invalid Date");
  return date.toISOString();
}

/** One field, prepared. */
interface FieldCodec extends Codec {
  /** As protobufjs has it. */
  readonly name: string;
  /** As test files have it: in camel case, unless the file gives another name for JSON. */
  readonly shownName: string;
  /** Whether it is missing if it was not set. */
  readonly hasPresence: boolean;
  readonly isRequired: boolean;
  /** The group of fields of which one can be set; empty if there is none. */
  readonly oneof: string;
}

/** The codec of an object with a value for each field. */
function plainCodec(type: protobuf.Type, codecs: Map<protobuf.Type, Codec>): Codec {
  const fields = type.fieldsArray.map((field) => fieldCodec(field.resolve(), codecs));
  const byName = new Map<string, FieldCodec>();
  for (const [index, codec] of fields.entries()) {
    const { name, protoName, jsonName } = type.fieldsArray[index]!;
    for (const one of [name, protoName, jsonName]) byName.set(one, codec);
  }
  const required = fields.filter(({ isRequired }) => isRequired);
  return {
    toWire(value): unknown {
      if (!isObject(value)) throw new Misfit(`${shown(value)}, expected an object`);
      const wire: Fields = {};
      let chosen: Map<string, string> | null = null;
      for (const key in value) {
        const given = value[key];
        if (given === undefined) continue;
        const field = byName.get(key);
        if (field === undefined) throw unknownField(key, fields);
        if (given === null && field.name !== "nullValue") continue;
        if (field.oneof !== "") {
          chosen ??= new Map();
          const other = chosen.get(field.oneof);
          if (other !== undefined) {
            throw new Misfit(`${other} and ${key} are both set, expected one of them`);
          }
          chosen.set(field.oneof, key);
        }
        try {
          wire[field.name] = field.toWire(given);
        } catch (error) {
          throw error instanceof Misfit ? error.within(key) : error;
        }
      }
      for (const { name, shownName } of required) {
        if (wire[name] === undefined) {
          throw new Misfit(`the required field ${shownName} is missing`);
        }
      }
      return wire;
    },
    fromWire(message): unknown {
      const given = message as Fields;
      const value: Fields = {};
      for (const { name, shownName, hasPresence, fromWire } of fields) {
        if (!hasPresence || Object.hasOwn(given, name)) value[shownName] = fromWire(given[name]);
      }
      return value;
    },
  };
}

function unknownField(name: string, fields: readonly FieldCodec[]): Misfit {
  const names = fields.map(({ shownName }) => shownName);
  const near = nearestWord(name, names);
  const all = names.length === 0 ? "it has no fields" : `expected ${listed(names)}`;
  return new Misfit(
    `the field ${JSON.stringify(name)} is unknown; ${
      near === null ? all : `did you mean ${near}?`
    }`,
  );
}

function fieldCodec(field: protobuf.Field, codecs: Map<protobuf.Type, Codec>): FieldCodec {
  const isMessage = field.resolvedType instanceof protobuf.Type;
  const single = field.resolvedType instanceof protobuf.Type
    ? codecOf(field.resolvedType, codecs)
    : field.resolvedType instanceof protobuf.Enum
    ? enumCodec(field.resolvedType)
    : scalarCodec(field);
  const codec = field instanceof protobuf.MapField
    ? mapCodec(field.keyType, single)
    : field.repeated
    ? listCodec(single)
    : single;
  return {
    ...codec,
    name: field.name,
    shownName: field.jsonName,
    hasPresence: !field.map && !field.repeated && (isMessage || field.hasPresence),
    isRequired: field.required,
    oneof: field.partOf?.name ?? "",
  };
}

function listCodec({ toWire, fromWire }: Codec): Codec {
  return {
    toWire(value): unknown {
      if (!Array.isArray(value)) throw new Misfit(`${shown(value)}, expected a list`);
      return value.map((one, index) => {
        try {
          return toWire(one);
        } catch (error) {
          throw error instanceof Misfit ? error.within(`[${index}]`) : error;
        }
      });
    },
    fromWire: (value) => (value as unknown[]).map(fromWire),
  };
}

function mapCodec(keyType: string, { toWire, fromWire }: Codec): Codec {
  const isKey = KEYS[keyType] ?? ((): boolean => true);
  const is64 = keyType.includes("64");
  return {
    toWire(value): unknown {
      const entries = value instanceof Map
        ? [...value]
        : isObject(value)
        ? Object.entries(value)
        : null;
      if (entries === null) throw new Misfit(`${shown(value)}, expected an object`);
      const wire: Fields = {};
      for (const [name, one] of entries) {
        const key = String(name);
        if (!isKey(key)) throw new Misfit(`the key ${shown(name)}, expected ${keyType}`);
        try {
          wire[key] = toWire(one);
        } catch (error) {
          throw error instanceof Misfit ? error.within(key) : error;
        }
      }
      return wire;
    },
    fromWire(value): unknown {
      const entries = Object.entries(value as Fields);
      return Object.fromEntries(entries.map(([key, one]) => {
        const name = is64
          ? protobuf.util.longFromHash(key, keyType.includes("u") || keyType === "fixed64")
          : key;
        return [String(name), fromWire(one)];
      }));
    },
  };
}

const KEYS: Readonly<Record<string, (key: string) => boolean>> = {
  ...Object.fromEntries(
    ["int32", "sint32", "sfixed32", "int64", "sint64", "sfixed64"].map((type) => [
      type,
      (key: string) => /^-?\d{1,20}$/.test(key),
    ]),
  ),
  ...Object.fromEntries(
    ["uint32", "fixed32", "uint64", "fixed64"].map((type) => [
      type,
      (key: string) => /^\d{1,20}$/.test(key),
    ]),
  ),
  bool: (key) => key === "true" || key === "false",
};

function enumCodec(type: protobuf.Enum): Codec {
  const { values, valuesById } = type;
  const isNull = type.fullName === ".google.protobuf.NullValue";
  return {
    toWire(value): unknown {
      if (typeof value === "string" && Object.hasOwn(values, value)) return values[value];
      if (typeof value === "number" && (value | 0) === value) return value;
      if (isNull && value === null) return 0;
      const names = Object.keys(values);
      const near = typeof value === "string" ? nearestWord(value, names) : null;
      const expected = names.length > MOST_NAMES
        ? `a value of ${type.fullName.slice(1)}`
        : names.join(", ");
      throw new Misfit(
        `${shown(value)}, ${near === null ? `expected ${expected}` : `did you mean ${near}?`}`,
      );
    },
    fromWire: (value) => isNull ? null : valuesById[value as number] ?? value,
  };
}

/** More names of an enum would make a message too long. */
const MOST_NAMES = 12;

/** Ranges of integers. */
const RANGES: Readonly<Record<string, readonly [least: bigint, most: bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  sfixed32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sint64: [-(2n ** 63n), 2n ** 63n - 1n],
  sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
};

function same(value: unknown): unknown {
  return value;
}

function scalarCodec({ type }: Pick<protobuf.FieldBase, "type">): Codec {
  if (Object.hasOwn(RANGES, type)) return integerCodec(type);
  switch (type) {
    case "bool":
      return {
        toWire: (value) => fitting(value, typeof value === "boolean", "true or false"),
        fromWire: same,
      };
    case "string":
      return {
        toWire: (value) => fitting(value, typeof value === "string", "a string"),
        fromWire: same,
      };
    case "bytes":
      return { toWire: bytesOf, fromWire: plainBytes };
    default:
      return { toWire: floatOf, fromWire: same };
  }
}

function fitting(value: unknown, fits: boolean, expected: string): unknown {
  if (!fits) throw new Misfit(`${shown(value)}, expected ${expected}`);
  return value;
}

function integerCodec(type: string): Codec {
  const [least, most] = RANGES[type]!;
  const is64 = type.includes("64");
  const isUnsigned = least === 0n;
  const [min, max] = [Number(least), Number(most)];
  const expected = `expected a whole number from ${least} to ${most} (${type})`;
  return {
    toWire(value): unknown {
      if (
        typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max
      ) {
        return value;
      }
      const isText = typeof value === "string" && /^-?\d{1,20}$/.test(value);
      if (isText || typeof value === "bigint") {
        const big = BigInt(value);
        if (big >= least && big <= most) {
          return is64 ? longOf(big, isUnsigned) : Number(big);
        }
      }
      const hint =
        typeof value === "number" && is64 && Number.isInteger(value) && !Number.isSafeInteger(value)
          ? "; write it as a string or a bigint, because it is not exact as a number"
          : "";
      throw new Misfit(`${shown(value)}, ${expected}${hint}`);
    },
    fromWire: is64 ? String : same,
  };
}

/** A large integer as protobufjs takes it. */
function longOf(value: bigint, unsigned: boolean): object {
  const [low, high] = [BigInt.asIntN(32, value), BigInt.asIntN(32, value >> 32n)];
  return { low: Number(low), high: Number(high), unsigned };
}

function floatOf(value: unknown): unknown {
  if (typeof value === "number") return value;
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  throw new Misfit(`${shown(value)}, expected a number`);
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  try {
    if (typeof value === "string") return Uint8Array.fromBase64(value);
  } catch {
    // No base64.
  }
  throw new Misfit(`${shown(value)}, expected a Uint8Array or base64`);
}

/** protobufjs gives a part of what was received, as a Buffer. */
function plainBytes(value: unknown): Uint8Array {
  return Uint8Array.from(value as ArrayLike<number>);
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Uint8Array) && !(value instanceof Promise);
}
