/**
 * Splits arguments into flags and operands. What the values mean is decided elsewhere.
 *
 * @module
 */

import { Command, CommanderError, Option } from "commander";
import { UsageError } from "../core/errors.ts";
import { sanitizeTerminal } from "../core/text.ts";
import { foreignOption } from "./foreign_options.ts";
import { HISTORY } from "./setting_groups.ts";
import { defaultText, flagOf, kebabCase, type Setting } from "./setting_types.ts";
import {
  COMPARE_SETTINGS,
  DEMO_SETTINGS,
  HISTORY_SETTINGS,
  QUICK_SETTINGS,
  refusedBy,
  REPORT_SETTINGS,
  SETTINGS,
} from "./settings.ts";

/** Texts by the flag's long name, in the order given; `null` for a flag without a value. */
export type FlagTexts = ReadonlyMap<string, readonly (string | null)[]>;

/** Arguments, split. */
export interface ParsedArguments {
  readonly flags: FlagTexts;
  /** Arguments that are neither a flag nor the value of a flag. */
  readonly operands: readonly string[];
}

const OTHER = "Other:";

/** The flags of a command, in the order of its `--help`. */
export function commandFlags(
  command:
    | "run"
    | "check"
    | "quick"
    | "demo"
    | "compare"
    | "report"
    | "history"
    | "control"
    | "init",
): Option[] {
  const common = [
    new Option("-V, --version", "print the version").helpGroup(OTHER),
    new Option("-h, --help", "print this help").helpGroup(OTHER),
  ];
  const config = [
    new Option("--config <FILE>", "read options from a TOML, YAML or JSON file").helpGroup(OTHER),
    new Option("--config-schema", "print the JSON Schema of such files, for editors")
      .helpGroup(OTHER),
  ];
  switch (command) {
    case "run":
    case "check":
      return [...settingFlags(SETTINGS), ...config, ...common];
    case "quick":
      return [...settingFlags(QUICK_SETTINGS), ...config, ...common];
    case "demo":
      return [...settingFlags(DEMO_SETTINGS), ...config, ...common];
    case "compare":
      return [...settingFlags(COMPARE_SETTINGS), ...common];
    case "report":
      return [...settingFlags(REPORT_SETTINGS), ...common];
    case "history":
      return [...settingFlags(HISTORY_SETTINGS), ...historyFlags(), ...common];
    case "control":
      return [...controlFlags(), ...common];
    case "init":
      return [...initFlags(), ...common];
  }
}

/** The options of `init`, which are not settings: they are of no use in the environment. */
function initFlags(): Option[] {
  const flags = [
    ["--har <FILE>", "a recording of a browser; -: from standard input"],
    ["--with-resources", "with --har: keep images, style sheets, scripts and fonts"],
    ["--hosts <A,B>", "with --har: keep requests to these hosts as well; *: to all"],
    ["--openapi <FILE>", "an API description in OpenAPI 3.0 or 3.1, as JSON or YAML"],
    ["--postman <FILE>", "a Postman collection, version 2.0 or 2.1"],
    ["--postman-environment <FILE>", "values of its variables, as Postman exports them"],
    ["--curl <COMMAND>", "a curl command; -: from standard input; repeatable"],
  ] as const;
  return flags.map(([flag, help]) => new Option(flag, help).helpGroup("Make a test from:"));
}

/** Options of `history` that are not settings: what they do is asked for once. */
function historyFlags(): Option[] {
  return [
    new Option("--json", "print the list as JSON").helpGroup(HISTORY),
    new Option("--keep-last <N>", "with rm: remove all but the last N runs").helpGroup(HISTORY),
  ];
}

/** Options of `control`, which are not settings: those that are set for a run are not meant for another one. */
function controlFlags(): Option[] {
  const groups = {
    "Load:": [
      ["-u, --users <N>", "with start: users, and so on, as for aiotest itself"],
      ["-r, --rate <N>", "with users or start: users that start or stop per second"],
      ["--arrival-rate <N>", "with start: iterations that start per second"],
      ["--max-users <N>", "with arrival-rate or start: the most users"],
    ],
    "Further runs:": [
      ["-H, --host <URL>", "with start: target host"],
      ["-t, --run-time <T>", "with start: duration of the run; none: without an end"],
      ["--iterations <N>", "with start: iterations of all users together, or none"],
      ["--user-classes <A,B>", "with start: run only these user classes; none: all"],
      ["-T, --tags <A,B>", "with start: run only tests with one of these tags; none: all"],
      ["--name <TEXT>", "with start: name of the run"],
      ["--label <KEY=VALUE>", "with start: label of the run; repeatable"],
      ["--option <NAME=VALUE>", "with start: option of the test file; repeatable"],
    ],
    "Status:": [
      ["--watch", "print the status every second, until the run ends"],
      ["--json [FILE]", "with status: print it as JSON; with report: write the summary"],
    ],
    "Reports:": [
      ["--html <FILE>", "write an HTML report of the run until now"],
      ["--csv <PREFIX>", "write PREFIX_stats.csv and further CSV files"],
      ["--junit <FILE>", "write a JUnit report"],
      ["--markdown <FILE>", "write a Markdown report"],
    ],
    "Connection:": [["--ca <FILE>", "trust the certificate of the dashboard in this file (PEM)"]],
  } as const;
  return Object.entries(groups).flatMap(([group, flags]) =>
    flags.map(([flag, help]) => new Option(flag, help).helpGroup(group))
  );
}

function settingFlags(settings: Readonly<Record<string, Setting<unknown>>>): Option[] {
  return Object.values(settings).map((setting) => {
    const { flags, help, group, hidden } = setting;
    const text = defaultText(setting);
    return new Option(flags, text === "" ? help : `${help} (default: ${text})`)
      .helpGroup(group)
      .hideHelp(hidden === true);
  });
}

/** The flags of `quick`, and those that it recognises only to refuse them. */
export function quickFlags(): Option[] {
  const own = commandFlags("quick");
  const refused = refusedBy("quick");
  const others = Object.entries(SETTINGS).filter(([name]) =>
    refused.has(name as keyof typeof SETTINGS)
  );
  return [...own, ...settingFlags(Object.fromEntries(others))];
}

/**
 * Checks that a command takes all flags that were given.
 *
 * @throws UsageError for the first one that it refuses.
 */
export function checkFlags(flags: FlagTexts, command: "quick" | "demo"): void {
  for (const [name, reason] of refusedBy(command)) {
    if (!flags.has(kebabCase(name))) continue;
    throw new UsageError(`${flagOf(name)} cannot be used with ${command}, ${reason}`);
  }
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
 * Reads the known flags and skips the others, because the test file may add them.
 *
 * @throws UsageError if a flag lacks its value.
 */
export function parseKnown(args: readonly string[], options: readonly Option[]): ParsedArguments {
  const { flags, operands } = parse(args, options);
  return { flags, operands };
}

/**
 * Reads all flags.
 *
 * @param help the command that lists them.
 * @throws UsageError if a flag is unknown, lacks its value, or takes none.
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
      // In `--host --users 5`, `--users` is not meant as a host.
      if (typeof text === "string" && findOption(options, text)) throw missingValue(option.long!);
      flags.set(option.name(), [...flags.get(option.name()) ?? [], text ?? null]);
    });
  }
  try {
    return { flags, ...command.parseOptions([...args]) };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Unknown flags are skipped, so the only possible error is a missing value at the end.
    const last = args.at(-1)!;
    throw missingValue(findOption(options, last)?.long ?? last);
  }
}

/** Options whose values may be secrets, or contain some. */
const SECRETS: readonly string[] = ["token", "web-token", "redis", "otlp", "client-key", "host"];

/**
 * Flags that were given more than once, with different values of which only the last one applies; a
 * sentence each.
 *
 * @throws UsageError if a flag lacks its value, or if several test files were given.
 */
export function repeatedFlags(
  args: readonly string[],
  command: "run" | "check" | "quick" | "demo" | "compare" | "report" | "history",
): string[] {
  const { flags } = parseKnown(args, commandFlags(command));
  return Object.entries<Setting<unknown>>(SETTINGS_OF[command]).flatMap(([name, { type }]) => {
    const texts = [...new Set(flags.get(kebabCase(name)))];
    if (texts.length < 2 || type.add !== undefined) return [];
    if (name === "aiotestfile") throw severalFiles(texts);
    const last = flags.get(kebabCase(name))!.at(-1)!;
    const shown = SECRETS.includes(kebabCase(name)) ? "" : `, ${sanitizeTerminal(last)},`;
    return [`${flagOf(name)} is given more than once: the last value${shown} applies.`];
  });
}

const SETTINGS_OF = {
  run: SETTINGS,
  check: SETTINGS,
  quick: QUICK_SETTINGS,
  demo: SETTINGS,
  compare: COMPARE_SETTINGS,
  report: REPORT_SETTINGS,
  history: HISTORY_SETTINGS,
} as const;

function severalFiles(paths: readonly (string | null)[]): UsageError {
  return new UsageError(
    `-f is given more than once: ${paths.join(", ")}`,
    "A run has one test file. It can import others and export their classes.",
  );
}

function findOption(options: readonly Option[], flag: string): Option | undefined {
  return options.find(({ short, long }) => flag === short || flag === long);
}

function missingValue(flag: string): UsageError {
  return new UsageError(`${flag}: missing value`);
}

function unknownFlag(argument: string, options: readonly Option[], help: string): UsageError {
  const [flag = argument] = argument.split("=", 1);
  if (findOption(options, flag)) return new UsageError(`${argument}: ${flag} takes no value`);
  return new UsageError(
    `${flag}: unknown option`,
    suggestion(flag, options) ?? `For all options, run ${help}.`,
  );
}

/** What the flag was meant to be, as a question, or what to do instead; `null` if nothing resembles it. */
export function suggestion(flag: string, options: readonly Option[]): string | null {
  const foreign = foreignOption(flag, options.map((option) => option.name()));
  if (foreign !== null) {
    return "name" in foreign ? `Did you mean --${foreign.name}?` : foreign.advice;
  }
  try {
    flagParser(options).parse([flag], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return /\((Did you mean .+\?)\)/.exec(error.message)?.[1] ?? null;
  }
  return null;
}
