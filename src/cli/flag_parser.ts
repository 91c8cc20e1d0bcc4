/**
 * Arguments into flags and their texts; what the texts mean is not decided here.
 *
 * @module
 */

import { Command, CommanderError, Option } from "commander";
import { UsageError } from "../core/errors.ts";
import { COMPARE_SETTINGS, defaultText, type Setting } from "./settings.ts";

/** Texts by the flag's long name, in the order given; null for a flag without a value. */
export type FlagTexts = ReadonlyMap<string, readonly (string | null)[]>;

/** What stands in the arguments. */
export interface ParsedArguments {
  readonly flags: FlagTexts;
  /** What is neither a flag nor a flag's value. */
  readonly operands: readonly string[];
}

const OTHER = "Other:";

/** The flags of settings and those that go with them, in the order of `--help`. */
export function ownOptions(settings: Readonly<Record<string, Setting<unknown>>>): Option[] {
  return [
    ...Object.values(settings).map((setting) => {
      const { flags, description, group } = setting;
      const standard = defaultText(setting);
      const text = standard === "" ? description : `${description} (default: ${standard})`;
      return new Option(flags, text).helpGroup(group);
    }),
    new Option("--config <FILE>", "read options from a TOML or JSON file").helpGroup(OTHER),
    ...commandOptions(),
  ];
}

/** The flags of every command, and all of one that has no settings. */
export function commandOptions(): Option[] {
  return [
    new Option("-V, --version", "print the version, and exit").helpGroup(OTHER),
    new Option("-h, --help", "print this, and exit").helpGroup(OTHER),
  ];
}

/** A parser that takes these flags, and neither prints nor exits. */
export function flagParser(options: readonly Option[]): Command {
  const ignore = (): void => {};
  const command = new Command("aiotest")
    .helpOption(false)
    .allowExcessArguments()
    .exitOverride()
    .configureOutput({ writeOut: ignore, writeErr: ignore, outputError: ignore });
  for (const option of options) command.addOption(option);
  return command;
}

/**
 * Reads the flags that are known. What is unknown is passed over: the test file may know it.
 *
 * @throws UsageError where a flag lacks its value.
 */
export function parseKnown(args: readonly string[], options: readonly Option[]): ParsedArguments {
  const { flags, operands } = parse(args, options);
  return { flags, operands };
}

/**
 * Reads all flags.
 *
 * @param help the command that shows them.
 * @throws UsageError where a flag is unknown, lacks its value, or has one that it does not take.
 */
export function parseAll(
  args: readonly string[],
  options: readonly Option[],
  help = "aiotest --help",
): ParsedArguments {
  const { flags, operands, unknown: [first] } = parse(args, options);
  if (first !== undefined) throw unknownFlag(first, options, help);
  return { flags, operands };
}

function parse(
  args: readonly string[],
  options: readonly Option[],
): ParsedArguments & { readonly unknown: readonly string[] } {
  const command = flagParser(options);
  const flags = new Map<string, (string | null)[]>();
  for (const option of options) {
    command.on(`option:${option.name()}`, (text: string | null | undefined) => {
      // `--host --users 5`: nobody means a host of that name.
      if (typeof text === "string" && findOption(options, text)) throw missingValue(option.long!);
      flags.set(option.name(), [...flags.get(option.name()) ?? [], text ?? null]);
    });
  }
  try {
    return { flags, ...command.parseOptions([...args]) };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // As long as unknown flags are passed over, only this can go wrong, and only at the end.
    const last = args.at(-1)!;
    throw missingValue(findOption(options, last)?.long ?? last);
  }
}

function findOption(options: readonly Option[], flag: string): Option | undefined {
  return options.find(({ short, long }) => flag === short || flag === long);
}

function missingValue(flag: string): UsageError {
  return new UsageError(`${flag}: a value is missing`);
}

function unknownFlag(argument: string, options: readonly Option[], help: string): UsageError {
  const [flag = argument] = argument.split("=", 1);
  if (findOption(options, flag)) return new UsageError(`${argument}: ${flag} takes no value`);
  return new UsageError(
    `${flag}: there is no such flag`,
    suggestion(flag, options) ?? `${help} shows all flags.`,
  );
}

/** What the flag may have been meant to be, in the parser's opinion; null where it has none. */
function suggestion(flag: string, options: readonly Option[]): string | null {
  try {
    flagParser(options).parse([flag], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return /\((Did you mean .+\?)\)/.exec(error.message)?.[1] ?? null;
  }
  return null;
}

/** All flags of `compare`. No configuration file is for it. */
export function compareFlags(): Option[] {
  return ownOptions(COMPARE_SETTINGS).filter((option) => option.name() !== "config");
}
