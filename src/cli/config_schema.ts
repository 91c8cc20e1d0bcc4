/**
 * The JSON Schema of configuration files, with which editors propose, explain and check options. It is made from
 * the tables of settings.
 *
 * @module
 */

import type { CustomFlag } from "./custom_flags.ts";
import { inFiles, type JsonSchema, type OptionType, type RawType } from "./option_types.ts";
import { defaultText, kebabCase, type Setting } from "./setting_types.ts";
import { DEMO_SETTINGS, QUICK_SETTINGS, SETTINGS } from "./settings.ts";

/**
 * The schema, as draft-07: editors of TOML, YAML and JSON all know it.
 *
 * @param flags those that the test file has added.
 */
export function configSchema(flags: readonly CustomFlag[] = []): JsonSchema {
  // Where several commands take a setting, it is that of a run.
  const settings: Record<string, Setting<unknown>> = {
    ...SETTINGS,
    ...QUICK_SETTINGS,
    ...DEMO_SETTINGS,
    ...SETTINGS,
  };
  const options = new Map([
    ...Object.entries(settings).map(([name, setting]) =>
      [kebabCase(name), settingSchema(setting, !Object.hasOwn(SETTINGS, name))] as const
    ),
    ...flags.map((flag) => [kebabCase(flag.option.name()), flagSchema(flag)] as const),
  ]);
  const names = [...options.keys()];
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Options of aiotest",
    description: "A file for aiotest --config, in TOML, YAML or JSON. Keys are the names of flags.",
    type: "object",
    properties: {
      $schema: { type: "string", description: "Where this schema is. aiotest ignores it." },
      ...Object.fromEntries(options),
    },
    patternProperties: Object.fromEntries(
      names.filter((name) => name.includes("-")).map((name) => [
        otherSpellings(name),
        { $ref: `#/properties/${name}` },
      ]),
    ),
    additionalProperties: false,
  };
}

/** A pattern of the names that mean an option besides its flag's, such as `runTime` for `run-time`. */
function otherSpellings(name: string): string {
  return `^(?!${name}$)${
    name.replaceAll(/-([a-z])/g, (_, letter: string) => `(-${letter}|${letter.toUpperCase()})`)
  }$`;
}

function settingSchema(setting: Setting<unknown>, isForQuick: boolean): JsonSchema {
  const { type, help, default: value } = setting;
  const shown = setting.shownDefault ?? (isWritten(value, type) ? "" : defaultText(setting));
  const notes = [
    ...(isForQuick ? ["only with aiotest quick"] : []),
    ...(shown === "" ? [] : [`default: ${shown}`]),
  ];
  const about = notes.length === 0 ? help : `${help} (${notes.join("; ")})`;
  return {
    // What editors say about a pattern does not explain it.
    description: `${about}\n\nExpected: ${inFiles(type)}. ${type.hint ?? ""}`.trimEnd(),
    ...valueSchema(type),
    ...(isWritten(value, type) ? { default: value } : {}),
  };
}

function flagSchema({ option, type, default: value }: CustomFlag): JsonSchema {
  const { description } = option;
  return {
    ...(description === "" ? {} : { description }),
    ...valueSchema(type),
    ...(value === undefined ? {} : { default: value }),
  };
}

/** Whether a file can have the default as its value. */
function isWritten(value: unknown, { types }: OptionType<unknown>): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value === "") return false;
  return typeof value === "boolean" || typeof value === "string" ||
    (typeof value === "number" && types.includes("number"));
}

/** The schema of the values that a file can have for an option. */
function valueSchema({ types, schema = {} }: OptionType<unknown>): JsonSchema {
  const text = { type: "string", ...schema.text };
  const number = { type: "number", ...schema.number };
  if (types.length === 1 && types[0] === "text") return text;
  if (types.length === 1 && types[0] === "number") return number;
  const items = [
    ...(types.includes("list") ? [text] : []),
    ...(types.includes("numbers") ? [number] : []),
  ];
  const lists = items.length === 1
    ? { items: items[0] }
    : { anyOf: items.map((one) => ({ items: one })) };
  const jsonTypes = [...new Set(types.map((type) => JSON_TYPES[type]))];
  // What a schema says about values of one type does not apply to those of another.
  return {
    ...(types.includes("text") ? schema.text : {}),
    ...(types.includes("number") ? schema.number : {}),
    ...(types.includes("table") ? schema.table : {}),
    ...(items.length === 0 ? {} : { ...lists, minItems: 1 }),
    type: jsonTypes.length === 1 ? jsonTypes[0] : jsonTypes,
  };
}

const JSON_TYPES: Readonly<Record<RawType, string>> = {
  text: "string",
  number: "number",
  boolean: "boolean",
  list: "array",
  numbers: "array",
  table: "object",
};
