/**
 * Values for the schemas of OpenAPI documents: examples where there are some, made-up values elsewhere.
 *
 * @module
 */

import { asList, asObject, isObject, type Json, type References } from "./document.ts";
import { patternText } from "./pattern_text.ts";

/** An object with no required properties is sent with all of its properties if there are no more than these. */
const MAX_OPTIONAL = 12;

/** Optional properties are left out of objects that are nested deeper than this. */
const MAX_OPTIONAL_DEPTH = 4;

/** Schemas that are nested deeper than this are taken as endless. */
const MAX_DEPTH = 40;

/** A value with more parts than this is taken as endless. */
const MAX_PARTS = 2_000;

/** Enough for any array that a person would read. */
const MAX_ITEMS = 20;

/** A schema that needs itself has no value. */
class EndlessSchema extends Error {}

/** Makes values of schemas. */
export class SchemaValues {
  readonly #references: Pick<References, "resolve">;
  readonly #flatSchemas = new WeakMap<object, Json>();
  /** The references that are being followed. */
  readonly #open = new Set<string>();
  #depth = 0;
  #parts = 0;

  constructor(references: Pick<References, "resolve">) {
    this.#references = references;
  }

  /**
   * A value that can be sent for a schema, without what is read-only. The value of a schema that needs itself
   * is `null`.
   *
   * @param name what the value is for: it is the text if nothing else says what it should be.
   * @param variant values for different numbers differ, if the schema lets them.
   */
  valueOf(schema: unknown, name = "", variant = 0): unknown {
    this.#open.clear();
    this.#depth = 0;
    this.#parts = 0;
    try {
      return this.#value(schema, name, variant);
    } catch (error) {
      if (error instanceof EndlessSchema) return null;
      throw error;
    }
  }

  /** The schema with its references and `allOf` put together. Alternatives stay alternatives. */
  flat(schema: unknown): Json {
    try {
      return this.#flat(schema, 0);
    } catch (error) {
      if (error instanceof EndlessSchema) return {};
      throw error;
    }
  }

  #flat(schema: unknown, depth: number): Json {
    if (depth > MAX_DEPTH) throw new EndlessSchema();
    if (!isObject(schema)) return {};
    const known = this.#flatSchemas.get(schema);
    if (known !== undefined) return known;
    const own = this.#references.resolve(schema);
    // Since 3.1, other keywords apply beside `$ref`.
    const { $ref, ...beside } = schema;
    const parts = [own, ...(typeof $ref === "string" ? [beside] : [])].filter(isObject);
    const flat = parts.flatMap(({ allOf, ...part }) => [
      ...asList(allOf).map((one) => this.#flat(one, depth + 1)),
      part,
    ]).reduce(intersection, {});
    this.#flatSchemas.set(schema, flat);
    return flat;
  }

  #value(schema: unknown, name: string, variant: number): unknown {
    const reference = isObject(schema) && typeof schema.$ref === "string" ? schema.$ref : null;
    const isOpen = reference !== null && this.#open.has(reference);
    if (isOpen || this.#depth > MAX_DEPTH || ++this.#parts > MAX_PARTS) throw new EndlessSchema();
    this.#depth++;
    if (reference !== null) this.#open.add(reference);
    try {
      const flat = this.flat(schema);
      const value = this.#made(flat, name, variant);
      return reference === null ? value : withDiscriminator(value, flat.discriminator, reference);
    } finally {
      this.#depth--;
      if (reference !== null) this.#open.delete(reference);
    }
  }

  #made(schema: Json, name: string, variant: number): unknown {
    const given = givenValue(schema, variant);
    if (given !== undefined) return this.writable(schema, given);
    for (const keyword of ["oneOf", "anyOf"]) {
      if (asList(schema[keyword]).length > 0) return this.#chosen(schema, keyword, name, variant);
    }
    switch (typeOf(schema) ?? (this.#depth === 1 ? "object" : "string")) {
      case "object":
        return this.#object(schema, variant);
      case "array":
        return this.#array(schema, name, variant);
      case "integer":
      case "number":
        return numberOf(schema, variant);
      case "boolean":
        return variant % 2 === 0;
      case "null":
        return null;
      default:
        return stringOf(schema, name, variant);
    }
  }

  /** The first alternative that has a value: what is only `null` comes last. */
  #chosen(schema: Json, keyword: string, name: string, variant: number): unknown {
    const { [keyword]: alternatives, discriminator, ...base } = schema;
    const choices = asList(alternatives);
    const isNull = (choice: unknown): boolean => this.flat(choice).type === "null";
    const ordered = [...choices.filter((choice) => !isNull(choice)), ...choices.filter(isNull)];
    for (const choice of ordered) {
      const reference = isObject(choice) && typeof choice.$ref === "string" ? choice.$ref : null;
      if (reference !== null && this.#open.has(reference)) continue;
      if (reference !== null) this.#open.add(reference);
      try {
        const value = this.#value({ allOf: [base, choice] }, name, variant);
        return reference === null ? value : withDiscriminator(value, discriminator, reference);
      } catch (error) {
        if (!(error instanceof EndlessSchema)) throw error;
      } finally {
        if (reference !== null) this.#open.delete(reference);
      }
    }
    throw new EndlessSchema();
  }

  #object(schema: Json, variant: number): Json {
    const properties = this.#writableProperties(schema);
    const known = asObject(schema.properties);
    // What is required and read-only is required in responses.
    const required = asList(schema.required).filter((key) =>
      typeof key === "string" && (!Object.hasOwn(known, key) || properties.has(key))
    ) as string[];
    const value = new Map<string, unknown>();
    for (const [key, property] of properties) {
      const isRequired = required.includes(key);
      if (!isRequired && !hasExample(this.flat(property))) continue;
      this.#set(value, key, property, variant, isRequired);
    }
    const { minProperties, additionalProperties: additional } = schema;
    const least = asNumber(minProperties) ?? 0;
    const isBare = required.length === 0 && value.size === 0 &&
      properties.size <= MAX_OPTIONAL && this.#depth <= MAX_OPTIONAL_DEPTH;
    for (const [key, property] of properties) {
      if (!value.has(key) && (isBare || value.size < least)) {
        this.#set(value, key, property, variant, false);
      }
    }
    for (const key of required) {
      if (!value.has(key)) this.#set(value, key, additional, variant, true);
    }
    const wanted = isBare && isObject(additional) ? Math.max(least, 1) : least;
    for (let index = 1; value.size < Math.min(wanted, MAX_ITEMS) && additional !== false; index++) {
      this.#set(value, `key${index}`, additional, variant, least > 0);
    }
    return Object.fromEntries(value);
  }

  #set(
    value: Map<string, unknown>,
    key: string,
    property: unknown,
    variant: number,
    isRequired: boolean,
  ): void {
    try {
      value.set(key, this.#value(property, key, variant));
    } catch (error) {
      if (isRequired || !(error instanceof EndlessSchema)) throw error;
      // Marks it as tried: the loops that call this end by the number of properties.
      value.delete(key);
    }
  }

  #array(schema: Json, name: string, variant: number): unknown[] {
    const first = asList(schema.prefixItems);
    const least = asNumber(schema.minItems) ?? 0;
    const most = asNumber(schema.maxItems) ?? Infinity;
    const count = Math.min(most, Math.max(least, first.length, 1), MAX_ITEMS);
    const items: unknown[] = [];
    for (let index = 0; index < count; index++) {
      const item = index < first.length ? first[index] : schema.items ?? {};
      if (item === false) break;
      const differs = schema.uniqueItems === true ? index : 0;
      try {
        items.push(this.#value(item, singular(name), variant + differs));
      } catch (error) {
        if (least > index || !(error instanceof EndlessSchema)) throw error;
        break;
      }
    }
    return items;
  }

  #writableProperties(schema: Json): Map<string, unknown> {
    const required = asList(schema.required);
    return new Map(
      Object.entries(asObject(schema.properties)).filter(([key, property]) => {
        const { readOnly, deprecated } = this.flat(property);
        return readOnly !== true && property !== false &&
          (deprecated !== true || required.includes(key));
      }),
    );
  }

  /** An example without what only the server sends. */
  writable(schema: unknown, example: unknown, depth = 0): unknown {
    if (depth > MAX_DEPTH) return example;
    const flat = this.flat(schema);
    if (Array.isArray(example)) {
      return example.map((item) => this.writable(flat.items ?? {}, item, depth + 1));
    }
    if (!isObject(example)) return example;
    const properties = asObject(flat.properties);
    const entries = Object.entries(example).flatMap(([key, value]): [string, unknown][] => {
      if (!Object.hasOwn(properties, key)) return [[key, value]];
      const property = properties[key];
      if (this.flat(property).readOnly === true) return [];
      return [[key, this.writable(property, value, depth + 1)]];
    });
    return Object.fromEntries(entries);
  }
}

function asNumber(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** Keywords of which the greater value applies, and of which the smaller one. */
const GREATEST = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
const LEAST = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];

/** The schema of what both schemas allow. */
function intersection(all: Json, part: Json): Json {
  const both: Json = { ...all, ...part };
  for (const key of Object.keys(part)) {
    if (!Object.hasOwn(all, key)) continue;
    const [one, other] = [all[key], part[key]];
    if (key === "properties") both[key] = bothProperties(asObject(one), asObject(other));
    else if (key === "required") both[key] = [...new Set([...asList(one), ...asList(other)])];
    else if (key === "type" || key === "enum") both[key] = common(one, other);
    else if (key === "oneOf" || key === "anyOf") {
      both[key] = asList(one).map((choice) => ({ allOf: [choice, { [key]: other }] }));
    } else if (isObject(one) && isObject(other) && (key === "example" || key === "default")) {
      both[key] = { ...one, ...other };
    } else if (key === "additionalProperties") {
      both[key] = one === false || (isObject(one) && other !== false) ? one : other;
    } else if (typeof one === "number" && typeof other === "number") {
      if (GREATEST.includes(key)) both[key] = Math.max(one, other);
      if (LEAST.includes(key)) both[key] = Math.min(one, other);
    }
  }
  return both;
}

function bothProperties(all: Json, part: Json): Json {
  const entries = Object.entries(part).map(([key, property]): [string, unknown] => [
    key,
    Object.hasOwn(all, key) ? { allOf: [all[key], property] } : property,
  ]);
  return Object.fromEntries([...Object.entries(all), ...entries]);
}

/** What is in both lists. A text stands for a list of one. */
function common(one: unknown, other: unknown): unknown[] {
  const [ones, others] = [one, other].map((value) => Array.isArray(value) ? value : [value]);
  return ones!.filter((value) =>
    others!.includes(value) || (value === "integer" && others!.includes("number"))
  );
}

/** The value of a schema that names its type by a property. */
function withDiscriminator(value: unknown, discriminator: unknown, reference: string): unknown {
  if (!isObject(value) || !isObject(discriminator)) return value;
  const { propertyName, mapping } = discriminator;
  if (typeof propertyName !== "string") return value;
  const name = reference.split("/").at(-1)!;
  const mapped = Object.entries(asObject(mapping)).find(([, to]) =>
    to === reference || to === name
  );
  return { ...value, [propertyName]: mapped === undefined ? name : mapped[0] };
}

/** Whether a property says what its value could be. */
function hasExample(schema: Json): boolean {
  return ["example", "examples", "const"].some((key) => schema[key] !== undefined);
}

/** The value that the document itself gives for a schema; `undefined` if it gives none that the schema allows. */
function givenValue(schema: Json, variant: number): unknown {
  if (schema.const !== undefined) return schema.const;
  const examples = asList(schema.examples);
  const values = asList(schema.enum).filter((value) =>
    value !== null || asList(schema.enum).length === 1
  );
  const candidates = [
    ...(variant === 0 ? [schema.example] : []),
    ...examples.slice(variant),
    ...(variant === 0 ? [schema.default] : []),
    ...(values.length === 0 ? [] : [values[variant % values.length]]),
  ].filter((value) => value !== undefined && (value !== null || typeOf(schema) === "null"));
  for (const candidate of candidates) {
    const isText = typeOf(schema) === "string" && ["number", "boolean"].includes(typeof candidate);
    const value = isText ? String(candidate) : candidate;
    if (fits(schema, value)) return value;
  }
  return undefined;
}

/** Whether a value is of the type of a schema and within its limits. Its parts are not looked at. */
function fits(schema: Json, value: unknown): boolean {
  const values = asList(schema.enum);
  if (values.length > 0 && !isObject(value) && !values.includes(value)) return false;
  switch (typeOf(schema)) {
    case "object":
      return isObject(value) &&
        asList(schema.required).every((key) =>
          Object.hasOwn(value, String(key)) ||
          asObject(asObject(schema.properties)[String(key)]).readOnly === true
        );
    case "array":
      return Array.isArray(value) && value.length >= (asNumber(schema.minItems) ?? 0) &&
        value.length <= (asNumber(schema.maxItems) ?? Infinity);
    case "integer":
    case "number": {
      if (typeof value !== "number" || (typeOf(schema) === "integer" && !Number.isInteger(value))) {
        return false;
      }
      const { low, high, isLowOpen, isHighOpen } = numberLimits(schema);
      return (isLowOpen ? value > low : value >= low) &&
        (isHighOpen ? value < high : value <= high);
    }
    case "boolean":
      return typeof value === "boolean";
    case "null":
      return value === null;
    case "string":
      return typeof value === "string" && fitsText(schema, value);
    default:
      return true;
  }
}

function fitsText({ minLength, maxLength, pattern }: Json, text: string): boolean {
  const length = [...text].length;
  if (length < (asNumber(minLength) ?? 0) || length > (asNumber(maxLength) ?? Infinity)) {
    return false;
  }
  if (typeof pattern !== "string" || length > 100) return true;
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true;
  }
}

/** The type of a schema; `null` if it does not tell. */
function typeOf(schema: Json): string | null {
  const { type } = schema;
  if (typeof type === "string") return type;
  if (Array.isArray(type)) return String(type.find((one) => one !== "null") ?? "null");
  const has = (...keys: string[]): boolean => keys.some((key) => schema[key] !== undefined);
  if (has("properties", "additionalProperties", "required", "minProperties")) return "object";
  if (has("items", "prefixItems", "minItems", "uniqueItems")) return "array";
  if (has("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")) {
    return "number";
  }
  if (has("pattern", "format", "minLength", "maxLength")) return "string";
  return null;
}

interface NumberLimits {
  readonly low: number;
  readonly high: number;
  readonly isLowOpen: boolean;
  readonly isHighOpen: boolean;
}

/** Limits: `exclusiveMinimum` is a number since 3.1, and says in 3.0 that `minimum` is exclusive. */
function numberLimits(schema: Json): NumberLimits {
  const { exclusiveMinimum, exclusiveMaximum } = schema;
  const low = Math.max(
    asNumber(schema.minimum) ?? -Infinity,
    asNumber(exclusiveMinimum) ?? -Infinity,
  );
  const high = Math.min(
    asNumber(schema.maximum) ?? Infinity,
    asNumber(exclusiveMaximum) ?? Infinity,
  );
  return {
    low,
    high,
    isLowOpen: exclusiveMinimum === true || exclusiveMinimum === low,
    isHighOpen: exclusiveMaximum === true || exclusiveMaximum === high,
  };
}

function numberOf(schema: Json, variant: number): number {
  const { low, high, isLowOpen, isHighOpen } = numberLimits(schema);
  const multipleOf = asNumber(schema.multipleOf);
  const step = multipleOf !== null && multipleOf > 0
    ? multipleOf
    : typeOf(schema) === "integer"
    ? 1
    : null;
  if (step === null) {
    if (low !== -Infinity && high !== Infinity) return low + (high - low) * (1 / (2 + variant));
    if (high < 1 || (high === 1 && isHighOpen)) return high - 1 - variant;
    return (low > 1 || (low === 1 && isLowOpen) ? low + (isLowOpen ? 1 : 0) : 1) + variant;
  }
  // Counted in steps, because sums of fractions are not exact.
  const first = Math.ceil(low / step) + (isLowOpen && Number.isInteger(low / step) ? 1 : 0);
  const last = Math.floor(high / step) - (isHighOpen && Number.isInteger(high / step) ? 1 : 0);
  return (Math.min(Math.max(first, 1), last) +
    (last >= Math.max(first, 1) + variant ? variant : -variant)) * step;
}

/** Texts of formats, which differ by a digit. */
const FORMATS: Readonly<Record<string, (digit: number) => string>> = {
  "date": (digit) => `2026-01-1${digit}`,
  "date-time": (digit) => `2026-01-1${digit}T12:00:00Z`,
  "time": (digit) => `12:00:0${digit}Z`,
  "duration": (digit) => `PT${digit + 1}H`,
  "uuid": (digit) => `7d0f4c2e-1b7a-4c53-9f2e-5a1c3b8d9e0${digit}`,
  "email": (digit) => `user${digit || ""}@example.com`,
  "idn-email": (digit) => `user${digit || ""}@example.com`,
  "hostname": (digit) => `host${digit || ""}.example.com`,
  "idn-hostname": (digit) => `host${digit || ""}.example.com`,
  "ipv4": (digit) => `192.0.2.${digit + 1}`,
  "ipv6": (digit) => `2001:db8::${digit + 1}`,
  "uri": (digit) => `https://example.com/${digit || ""}`,
  "url": (digit) => `https://example.com/${digit || ""}`,
  "iri": (digit) => `https://example.com/${digit || ""}`,
  "uri-reference": (digit) => `/${digit || ""}`,
  "iri-reference": (digit) => `/${digit || ""}`,
  "uri-template": (digit) => `/${digit || ""}`,
  "json-pointer": (digit) => `/${digit || ""}`,
  "relative-json-pointer": (digit) => String(digit),
  "regex": (digit) => `[0-9]{${digit + 1}}`,
  "byte": (digit) => btoa(`text${digit || ""}`),
  "password": (digit) => `Passw0rd-${digit}`,
};

/** What a text is meant to be if only its name says so. */
const NAMES: readonly (readonly [pattern: RegExp, format: string])[] = [
  [/e-?mail$/i, "email"],
  [/ur[il]$/i, "uri"],
];

function stringOf(schema: Json, name: string, variant: number): string {
  const { pattern, format, contentEncoding } = schema;
  const min = asNumber(schema.minLength) ?? 0;
  const max = asNumber(schema.maxLength) ?? Infinity;
  const known = contentEncoding === "base64"
    ? "byte"
    : typeof format === "string"
    ? format
    : NAMES.find(([names]) => names.test(name))?.[1] ?? "";
  if (typeof pattern === "string") {
    const text = patternText(pattern, { min, max }, variant);
    if (text !== null) return text;
  }
  const formatted = Object.hasOwn(FORMATS, known) ? FORMATS[known]!(variant % 10) : null;
  if (formatted !== null && formatted.length >= min && formatted.length <= max) return formatted;
  const suffix = variant === 0 ? "" : String(variant);
  const word = name === "" ? "text" : name;
  const plain = `${word}${suffix}`;
  const long = plain.length < min
    ? `${word} `.repeat(Math.ceil(Math.min(min, MAX_TEXT) / word.length)).slice(
      0,
      min - suffix.length,
    ) +
      suffix
    : plain;
  return long.length <= max ? long : `${long.slice(0, Math.max(0, max - suffix.length))}${suffix}`;
}

/** The longest text that is made up. */
const MAX_TEXT = 10_000;

/** `orders` without its plural. */
export function singular(word: string): string {
  if (/ies$/i.test(word)) return word.replace(/ies$/i, "y");
  if (/(ss|us|is)$/i.test(word)) return word;
  if (/(ch|sh|x|ss|z)es$/i.test(word)) return word.slice(0, -2);
  return word.replace(/s$/i, "");
}
