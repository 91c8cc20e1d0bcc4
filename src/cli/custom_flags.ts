/**
 * Flags that a test file adds in the event `initCommandLineParser`, and how they are forwarded to other
 * processes.
 *
 * @module
 */

import { Option } from "commander";
import { UsageError } from "../core/errors.ts";
import type { CommandLineParser, FlagDefault } from "../core/events.ts";
import { choice, nameList, type OptionType, toggle } from "./option_types.ts";
import { environmentName } from "./setting_types.ts";
import type { Sources } from "./sources.ts";

/** A flag's value: `<text>`, `[text]` (true without a value), `<list...>`, or on and off. */
type CustomValue = string | boolean | readonly string[];

/** A flag that a test file has added. */
export interface CustomFlag {
  readonly option: Option;
  readonly type: OptionType<CustomValue>;
  readonly default: FlagDefault | undefined;
  /** Converts the flag's text; `null` if the text itself is the value. */
  readonly parse: FlagParser | null;
  /** What its value can be; `null`: any text. */
  readonly choices: readonly string[] | null;
}

/** Commander's signature of a value parser: the text, and the previous value. */
type FlagParser = (text: string, previous: unknown) => unknown;

const GROUP = "Options of the test file:";

/** The parser that a test file adds flags to. */
export class CustomFlags implements CommandLineParser {
  readonly #taken: readonly Option[];
  readonly #flags: CustomFlag[] = [];
  #problem: UsageError | null = null;

  /** @param taken aiotest's own flags. */
  constructor(taken: readonly Option[]) {
    this.#taken = taken;
  }

  /**
   * Adds a flag. {@link all} throws what is wrong with it: an error thrown here, inside an event handler,
   * would only be logged, and the test would start without the flag.
   */
  option(
    flags: string,
    description = "",
    parseOrDefault?: FlagParser | FlagDefault | readonly string[],
    defaultValue?: FlagDefault,
  ): this {
    try {
      if (typeof parseOrDefault === "function") {
        this.#add(flags, description, { default: defaultValue, parse: parseOrDefault });
      } else if (typeof parseOrDefault === "object") {
        this.#add(flags, description, { default: defaultValue, choices: parseOrDefault });
      } else {
        this.#add(flags, description, { default: parseOrDefault });
      }
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      this.#problem ??= error;
    }
    return this;
  }

  /**
   * The flags, in the order in which they were added.
   *
   * @throws UsageError if one could not be added.
   */
  all(): readonly CustomFlag[] {
    if (this.#problem !== null) throw this.#problem;
    return this.#flags;
  }

  #add(
    flags: string,
    description: string,
    { default: fallback, parse = null, choices = null }: {
      readonly default: FlagDefault | undefined;
      readonly parse?: FlagParser | null;
      readonly choices?: readonly string[] | null;
    },
  ): void {
    const isShown = typeof fallback === "string" || typeof fallback === "number";
    const facts = [
      ...(choices === null ? [] : [`one of ${choices.join(", ")}`]),
      ...(isShown ? [`default: ${fallback}`] : []),
    ];
    const ending = facts.length === 0 ? "" : ` (${facts.join("; ")})`;
    const option = parseFlags(flags, description + ending).helpGroup(GROUP);
    if (choices !== null) checkChoices(option, choices, fallback);
    const rival = this.#taken.find((other) => conflict(option, other));
    if (rival !== undefined) {
      throw new UsageError(
        `The test file adds the option ${flags}, which conflicts with aiotest's own ${rival.flags}`,
        "Give the option another name.",
      );
    }
    // `--tenant` and `--no-tenant` set the same value.
    const twin = this.#flags.find((other) =>
      conflict(option, other.option) && option.negate === other.option.negate
    );
    if (twin !== undefined) {
      throw new UsageError(
        `The test file adds two conflicting options: ${twin.option.flags} and ${flags}`,
      );
    }
    const type = choices === null ? typeOf(option) : choice(choices);
    this.#flags.push({ option, type, default: fallback, parse, choices });
  }
}

function parseFlags(flags: string, description: string): Option {
  try {
    return new Option(flags, description);
  } catch (error) {
    throw new UsageError(
      `The test file adds the option ${JSON.stringify(flags)}, which is malformed`,
      'Write an option like "--verbose", "--tenant <name>" or "-k, --tenant <name>".',
      error,
    );
  }
}

/** @throws UsageError if a flag cannot have these choices, or not this default. */
function checkChoices(
  option: Option,
  choices: readonly string[],
  fallback: FlagDefault | undefined,
): void {
  const { flags, required, variadic } = option;
  if (choices.length === 0 || !required || variadic) {
    throw new UsageError(
      `The test file adds the option ${flags} with ${
        choices.length === 0 ? "no choices" : "choices, but it does not take one value"
      }`,
      'Write an option like "--size <size>", and what its value can be: ["small", "large"].',
    );
  }
  if (fallback !== undefined && !choices.includes(String(fallback))) {
    throw new UsageError(
      `The test file adds the option ${flags} with the default ${fallback}, which is not one of ${
        choices.join(", ")
      }`,
      "Choose one of them.",
    );
  }
}

function conflict(one: Option, other: Option): boolean {
  const names = [other.short, other.long].filter((name) => name !== undefined);
  return names.some((name) => name === one.short || name === one.long) ||
    one.attributeName() === other.attributeName();
}

const ANY_TEXT: OptionType<CustomValue> = {
  expected: "a string",
  types: ["text", "number"],
  parse: (text) => text,
};

const TEXT_OR_BARE: OptionType<CustomValue> = {
  expected: "a string, or true",
  types: ["text", "number", "boolean"],
  bare: true,
  parse: (text) => text === "true" ? true : text,
};

const NEGATED: OptionType<CustomValue> = {
  ...toggle,
  bare: false,
  parse(text): boolean | null {
    const value = toggle.parse(text);
    return value === null ? null : !value;
  },
};

function typeOf(option: Option): OptionType<CustomValue> {
  if (option.negate) return NEGATED;
  if (option.variadic) return nameList;
  if (option.required) return ANY_TEXT;
  return option.optional ? TEXT_OR_BARE : toggle;
}

/** A flag of the test file that was set, from any source. */
export interface GivenFlag {
  /** As written on the command line. */
  readonly flag: string;
  /** The equivalent environment variable. */
  readonly variable: string;
  readonly text: string;
}

/** The flags of the test file that were given, with their values. */
export function givenFlags(flags: readonly CustomFlag[], sources: Sources): GivenFlag[] {
  return flags.flatMap(({ option, type }) => {
    const value = sources.find(option.name(), type);
    if (value === undefined) return [];
    return [{
      flag: option.long ?? option.short!,
      variable: environmentName(option.name()),
      text: String(option.negate ? !value : value),
    }];
  });
}

/** Flags of the test file, as another aiotest process on the same machine gets them. */
export interface ForwardedFlags {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Flags as arguments and variables. They are passed in the environment, which can also turn off a flag
 * that is on by default, and which hides secrets from other users. Only an empty string has to be an
 * argument, because an empty variable counts as unset.
 */
export function forwardedFlags(given: readonly GivenFlag[]): ForwardedFlags {
  const args = given.flatMap(({ flag, text }) => text === "" ? [flag, ""] : []);
  const others = given.filter(({ text }) => text !== "");
  return { args, env: Object.fromEntries(others.map(({ variable, text }) => [variable, text])) };
}
