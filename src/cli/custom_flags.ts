/**
 * Flags that a test file adds for itself, in the event `initCommandLineParser`.
 *
 * @module
 */

import { Option } from "commander";
import { UsageError } from "../core/errors.ts";
import type { CommandLineParser, FlagDefault } from "../core/events.ts";
import { nameList, type OptionType, toggle } from "./option_types.ts";

/** A flag's value: `<text>`, `[text]` (true without one), `<list...>`, or on and off. */
type CustomValue = string | boolean | readonly string[];

/** A flag that a test file has added. */
export interface CustomFlag {
  readonly option: Option;
  readonly kind: OptionType<CustomValue>;
  readonly default: FlagDefault | undefined;
  /** Makes something else of the flag's text; null where the text is what is wanted. */
  readonly parse: FlagParser | null;
}

/** What commander takes to parse a flag's value: the text, and what the flag was before. */
type FlagParser = (text: string, previous: unknown) => unknown;

const GROUP = "Of the test file:";

/** What a test file gets to add flags to. */
export class CustomFlags implements CommandLineParser {
  readonly #taken: readonly Option[];
  readonly #flags: CustomFlag[] = [];
  #problem: UsageError | null = null;

  /** @param taken aiotest's own flags. */
  constructor(taken: readonly Option[]) {
    this.#taken = taken;
  }

  /**
   * Adds a flag. What is wrong with it is kept for {@link all}: an event handler's own errors are only
   * logged, and a test must not start without the flag.
   */
  option(
    flags: string,
    description = "",
    parseOrDefault?: FlagParser | FlagDefault,
    defaultValue?: FlagDefault,
  ): this {
    try {
      if (typeof parseOrDefault === "function") {
        this.#add(flags, description, defaultValue, parseOrDefault);
      } else {
        this.#add(flags, description, parseOrDefault, null);
      }
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      this.#problem ??= error;
    }
    return this;
  }

  /**
   * The flags in the order of their adding.
   *
   * @throws UsageError where one could not be added.
   */
  all(): readonly CustomFlag[] {
    if (this.#problem !== null) throw this.#problem;
    return this.#flags;
  }

  #add(
    flags: string,
    description: string,
    defaultValue: FlagDefault | undefined,
    parse: FlagParser | null,
  ): void {
    const isShown = typeof defaultValue === "string" || typeof defaultValue === "number";
    const ending = isShown ? ` (default: ${defaultValue})` : "";
    const option = parseFlags(flags, description + ending).helpGroup(GROUP);
    const rival = this.#taken.find((other) => collide(option, other));
    if (rival !== undefined) {
      throw new UsageError(
        `The test file adds the flag ${flags}, which collides with aiotest's own: ${rival.flags}`,
        "Give the flag another name.",
      );
    }
    // `--tenant` and `--no-tenant` are the two sides of one flag.
    const twin = this.#flags.find((other) =>
      collide(option, other.option) && option.negate === other.option.negate
    );
    if (twin !== undefined) {
      throw new UsageError(
        `The test file adds two flags that collide: ${twin.option.flags}, ${flags}`,
      );
    }
    this.#flags.push({ option, kind: kindOf(option), default: defaultValue, parse });
  }
}

function parseFlags(flags: string, description: string): Option {
  try {
    return new Option(flags, description);
  } catch (error) {
    throw new UsageError(
      `The test file adds the flag ${JSON.stringify(flags)}, which is malformed`,
      'A flag is written like "--verbose", "--tenant <name>" or "-k, --tenant <name>".',
      error,
    );
  }
}

function collide(one: Option, other: Option): boolean {
  const names = [other.short, other.long].filter((name) => name !== undefined);
  return names.some((name) => name === one.short || name === one.long) ||
    one.attributeName() === other.attributeName();
}

const ANY_TEXT: OptionType<CustomValue> = {
  needed: "a text is needed",
  types: ["text", "number"],
  parse: (text) => text,
};

const TEXT_OR_BARE: OptionType<CustomValue> = {
  needed: "a text, or true, is needed",
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

function kindOf(option: Option): OptionType<CustomValue> {
  if (option.negate) return NEGATED;
  if (option.variadic) return nameList;
  if (option.required) return ANY_TEXT;
  return option.optional ? TEXT_OR_BARE : toggle;
}
