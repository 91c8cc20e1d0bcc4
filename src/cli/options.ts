/**
 * The command line: first as far as it is known, then, when the test file has added its flags, whole.
 *
 * @module
 */

import { errorText, UsageError } from "../core/errors.ts";
import type { CommandLineParser } from "../core/events.ts";
import type { Host } from "../core/host.ts";
import { type CustomFlag, CustomFlags } from "./custom_flags.ts";
import { ownOptions, parseAll, type ParsedArguments, parseKnown } from "./flag_parser.ts";
import {
  type ForwardedFlags,
  forwardedFlags,
  type GivenFlag,
  givenFlags,
} from "./forwarded_options.ts";
import { helpText } from "./help.ts";
import { CLUSTER_SETTINGS, SETTINGS, type Settings } from "./settings.ts";
import {
  type ConfigFile,
  environmentName,
  findConfigFile,
  type ForwardedOptions,
  kebabCase,
  Sources,
} from "./sources.ts";

/** What the command line asks for. */
export type CommandRequest = "run" | Command | "help" | `${Command}Help` | "version";

type Command = "compare" | "demo" | "init" | "quick";

/** All options, validated. */
export interface Options extends Settings {
  /** Those that were given, by flag, environment or file; the others have their defaults. */
  readonly given: ReadonlySet<keyof Settings>;
  /** Values of the flags that the test file added, by name in camel case. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** Flags that mean something only when a test file is run. */
const NOT_FOR_DEMO = ["aiotestfile", "host", "redis"];

/** Options of the run that a worker takes from its master, unless it was given its own. */
const ON_EVERY_NODE = ["host", "tags", "excludeTags", "insecure", "iterations"] as const;

/** Flags of several processes and machines, which a demo does not need. */
const NOT_FOR_ONE = Object.keys(CLUSTER_SETTINGS).map(kebabCase);

/**
 * The command line of one run, read in two steps. {@link CommandLine.preview} finds the test file and
 * checks every flag that it knows; then the test file is loaded, and may add flags to
 * {@link CommandLine.parser}; {@link CommandLine.parse} reads them all.
 */
export class CommandLine {
  readonly request: CommandRequest;
  readonly #host: Host;
  readonly #file: ConfigFile | null;
  readonly #ownOptions = ownOptions(SETTINGS);
  readonly #custom = new CustomFlags(this.#ownOptions);
  /** A test file in place of the one that the command line names; null: none. */
  #testFile: string | null = null;

  private constructor(host: Host, request: CommandRequest, file: ConfigFile | null) {
    this.#host = host;
    this.request = request;
    this.#file = file;
  }

  /**
   * Reads arguments, environment and configuration file as far as they can be understood without the
   * test file. Where help or the version is asked for, nothing else matters; `quick`, `init` and
   * `compare` have no test file, and read their options themselves.
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

  /** All options, as if the test file added none. */
  preliminary(): Options {
    const sources = this.#sources(parseKnown(this.#host.args, this.#ownOptions));
    const { values, given } = sources.readAll(SETTINGS);
    return { ...values, given, extra: {} };
  }

  /** Takes a test file that has come from elsewhere. */
  useTestFile(path: string): void {
    this.#testFile = path;
  }

  /**
   * All options.
   *
   * @param handedOn what a master says of those that were not given here.
   * @throws UsageError where a flag or key is unknown, lacks a good value, or could not be added.
   */
  parse(handedOn: ForwardedOptions = {}): Options {
    const custom = this.#custom.all();
    const customOptions = custom.map(({ option }) => option);
    const parsed = parseAll(this.#host.args, [...this.#ownOptions, ...customOptions]);
    checkOperands(parsed);
    const handed = onlyOf(handedOn, [...ON_EVERY_NODE, ...customOptions.map((one) => one.name())]);
    const sources = this.#sources(parsed, handed);
    const { values, given } = sources.readAll(SETTINGS);
    sources.checkFileKeys([
      ...Object.keys(SETTINGS),
      ...customOptions.map((option) => option.name()),
    ]);
    const { aiotestfile } = values;
    return {
      ...values,
      aiotestfile: this.#testFile ?? aiotestfile,
      given,
      extra: readExtra(custom, sources),
    };
  }

  /** The test file's flags, for another process that is to get them as this one did. */
  passedFlags(): ForwardedFlags {
    return forwardedFlags(this.#givenFlags());
  }

  /** What holds on every node of a run, for workers that know nothing of this command line. */
  handedOn(options: Options): ForwardedOptions {
    const own = ON_EVERY_NODE.filter((name) => options.given.has(name));
    return Object.fromEntries([
      ...own.map((name) => [environmentName(name), String(options[name])]),
      ...this.#givenFlags().map(({ variable, text }) => [variable, text]),
    ]);
  }

  /** What `--help` prints; the test file's flags are in it as far as they have been added. */
  help(): string {
    return helpText([...this.#ownOptions, ...this.#custom.all().map(({ option }) => option)]);
  }

  #givenFlags(): GivenFlag[] {
    const custom = this.#custom.all();
    const options = [...this.#ownOptions, ...custom.map(({ option }) => option)];
    return givenFlags(custom, this.#sources(parseAll(this.#host.args, options)));
  }

  #sources({ flags }: ParsedArguments, handedOn: ForwardedOptions = {}): Sources {
    return new Sources(flags, this.#host, this.#file, handedOn);
  }
}

/** No master decides where a worker writes its files. */
function onlyOf(handedOn: ForwardedOptions, names: readonly string[]): ForwardedOptions {
  const variables = names.map(environmentName);
  return Object.fromEntries(
    Object.entries(handedOn).filter(([variable]) => variables.includes(variable)),
  );
}

function requestOf({ flags, operands: [command] }: ParsedArguments): CommandRequest {
  const known = isCommand(command) ? command : null;
  if (flags.has("help")) return known === null ? "help" : `${known}Help`;
  if (flags.has("version")) return "version";
  return known ?? "run";
}

function isCommand(word: string | undefined): word is Command {
  return word === "compare" || word === "demo" || word === "init" || word === "quick";
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
  if (command === "demo") {
    refuse(flags, NOT_FOR_DEMO, "which has a test and a target of its own");
    refuse(flags, NOT_FOR_ONE, "which runs in one process");
  }
}

function refuse(flags: ParsedArguments["flags"], names: readonly string[], reason: string): void {
  const unfit = names.find((name) => flags.has(name));
  if (unfit !== undefined) throw new UsageError(`--${unfit} cannot go with demo, ${reason}`);
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
