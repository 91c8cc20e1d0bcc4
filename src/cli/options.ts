/**
 * The command line: first as far as it is known, then, when the test file has added its flags, whole.
 *
 * @module
 */

import { errorText, UsageError } from "../core/errors.ts";
import type { CommandLineParser } from "../core/events.ts";
import type { Host } from "../core/host.ts";
import type { ConfigFile } from "./config_file.ts";
import { type CustomFlag, CustomFlags } from "./custom_flags.ts";
import { ownOptions, parseAll, type ParsedArguments, parseKnown } from "./flag_parser.ts";
import { helpText } from "./help_text.ts";
import { SETTINGS, type Settings } from "./settings.ts";
import { findConfigFile, Sources } from "./sources.ts";

/** What the command line asks for. */
export type Request = "run" | "demo" | "quick" | "help" | "quickHelp" | "version";

/** All options, validated. */
export interface Options extends Settings {
  /** Those that were given, by flag, environment or file; the others have their defaults. */
  readonly given: ReadonlySet<keyof Settings>;
  /** Values of the flags that the test file added, by name in camel case. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** Flags that mean something only when a test file is run. */
const NOT_FOR_DEMO = ["aiotestfile", "host"] as const;

/**
 * The command line of one run, read in two steps. {@link CommandLine.preview} finds the test file and
 * checks every flag that it knows; then the test file is loaded, and may add flags to
 * {@link CommandLine.parser}; {@link CommandLine.parse} reads them all.
 */
export class CommandLine {
  readonly request: Request;
  readonly #host: Host;
  readonly #file: ConfigFile | null;
  readonly #ownOptions = ownOptions(SETTINGS);
  readonly #custom = new CustomFlags(this.#ownOptions);

  private constructor(host: Host, request: Request, file: ConfigFile | null) {
    this.#host = host;
    this.request = request;
    this.#file = file;
  }

  /**
   * Reads arguments, environment and configuration file as far as they can be understood without the
   * test file. Where help or the version is asked for, nothing else matters; `quick` has no test file,
   * and reads its options itself.
   *
   * @throws UsageError where a flag, variable or key that is known has no good value.
   */
  static async preview(host: Host): Promise<CommandLine> {
    const parsed = parseKnown(host.args, ownOptions(SETTINGS));
    const request = requestOf(parsed);
    if (request !== "run" && request !== "demo") return new CommandLine(host, request, null);
    const commandLine = new CommandLine(host, request, await findConfigFile(parsed.flags, host));
    commandLine.known();
    return commandLine;
  }

  /** Takes the flags that the test file adds. */
  get parser(): CommandLineParser {
    return this.#custom;
  }

  /** The values of aiotest's own options, whatever else stands on the command line. */
  known(): Settings {
    return this.#sources(parseKnown(this.#host.args, this.#ownOptions)).readAll(SETTINGS).values;
  }

  /**
   * All options.
   *
   * @throws UsageError where a flag or key is unknown, lacks a good value, or could not be added.
   */
  parse(): Options {
    const custom = this.#custom.all();
    const customOptions = custom.map(({ option }) => option);
    const parsed = parseAll(this.#host.args, [...this.#ownOptions, ...customOptions]);
    checkOperands(parsed);
    const sources = this.#sources(parsed);
    const { values, given } = sources.readAll(SETTINGS);
    sources.checkFileKeys([
      ...Object.keys(SETTINGS),
      ...customOptions.map((option) => option.name()),
    ]);
    return { ...values, given, extra: readExtra(custom, sources) };
  }

  /** What `--help` prints; the test file's flags are in it as far as they have been added. */
  help(): string {
    return helpText([...this.#ownOptions, ...this.#custom.all().map(({ option }) => option)]);
  }

  #sources({ flags }: ParsedArguments): Sources {
    return new Sources(flags, this.#host, this.#file);
  }
}

function requestOf({ flags, operands: [command] }: ParsedArguments): Request {
  if (flags.has("help")) return command === "quick" ? "quickHelp" : "help";
  if (flags.has("version")) return "version";
  return command === "demo" || command === "quick" ? command : "run";
}

function checkOperands({ flags, operands }: ParsedArguments): void {
  const [command, ...others] = operands;
  const stray = command === "demo" ? others[0] : command;
  if (stray !== undefined) {
    throw new UsageError(
      `${stray}: there is no such command`,
      hintFor(stray),
    );
  }
  const unfit = NOT_FOR_DEMO.find((name) => flags.has(name));
  if (command === "demo" && unfit !== undefined) {
    throw new UsageError(
      `--${unfit} cannot go with demo, which has a test and a target of its own`,
    );
  }
}

function hintFor(stray: string): string {
  if (/^https?:/i.test(stray)) return `To send requests to a URL: aiotest quick ${stray}`;
  return /\.m?[jt]s$/.test(stray)
    ? `To run a test file: aiotest -f ${stray}`
    : "aiotest --help shows what there is.";
}

/** Toggles that were not given are false, and so is `--no-x`'s `x` true; other flags are left out. */
function readExtra(custom: readonly CustomFlag[], sources: Sources): Record<string, unknown> {
  const extra: Record<string, unknown> = {};
  for (const { option, kind, default: standard, parse } of custom) {
    const given = sources.find(option.name(), kind);
    const value = given === undefined ? standard : parsed(parse, option, given, standard);
    const name = option.attributeName();
    if (value !== undefined) extra[name] = value;
    else if (kind.bare !== undefined && !option.optional) extra[name] ??= !kind.bare;
  }
  return extra;
}

/** A value of a test file's flag, as the test file wants it. */
function parsed(
  parse: CustomFlag["parse"],
  { long, flags }: CustomFlag["option"],
  given: unknown,
  standard: unknown,
): unknown {
  if (parse === null || typeof given !== "string") return given;
  try {
    return parse(given, standard);
  } catch (error) {
    throw new UsageError(`${long ?? flags} ${given}: ${errorText(error)}`);
  }
}
