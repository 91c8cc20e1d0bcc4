/**
 * The command line of one run. It is read twice: before the test file is imported, as far as it is
 * known by then, and completely once the test file has added its flags.
 *
 * @module
 */

import { errorText, UsageError } from "../core/errors.ts";
import type { CommandLineParser } from "../core/events.ts";
import type { Host } from "../core/host.ts";
import { didYouMean, nearestWord } from "../core/spelling.ts";
import {
  type CustomFlag,
  CustomFlags,
  type ForwardedFlags,
  forwardedFlags,
  type GivenFlag,
  givenFlags,
} from "./custom_flags.ts";
import {
  checkFlags,
  commandFlags,
  type FlagTexts,
  parseAll,
  type ParsedArguments,
  parseKnown,
} from "./flag_parser.ts";
import { helpText } from "./help.ts";
import type { OtherFile } from "./report_files.ts";
import { environmentName, type SettingTable } from "./setting_types.ts";
import {
  DEMO_SETTINGS,
  FILES_SENT_TO_WORKERS,
  OPTION_NAMES,
  SENT_TO_WORKERS,
  SETTINGS,
  type Settings,
} from "./settings.ts";
import {
  type ConfigFile,
  configFiles,
  findConfigFile,
  type ForwardedOptions,
  Sources,
} from "./sources.ts";

/** What the command line asks for. */
export interface CommandRequest {
  readonly command: "run" | typeof COMMANDS[number];
  /** Instead of running the command. */
  readonly print: "help" | "version" | "config-schema" | null;
}

/** All options of a run, validated. */
export interface Options extends Settings {
  /** Settings that were given by flag, environment or file; the others have their defaults. */
  readonly given: ReadonlySet<keyof Settings>;
  /** Values of the flags that the test file added, by name in camel case. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** Files that options were read from. */
  readonly readFrom: readonly OtherFile[];
}

/**
 * The command line of one run, read in two steps. {@link CommandLine.preview} checks every flag that is
 * known and finds the test file. The test file is imported and may add flags to
 * {@link CommandLine.parser}. {@link CommandLine.parse} then reads all of them.
 */
export class CommandLine {
  readonly request: CommandRequest;
  readonly #host: Host;
  readonly #file: ConfigFile | null;
  readonly #settings: SettingTable<Settings>;
  readonly #ownFlags = commandFlags("run");
  readonly #custom = new CustomFlags(this.#ownFlags);
  /** The result of {@link known}, once it was read. */
  #known: Options | null = null;
  /** Replaces the test file that the command line names, unless it is `null`. */
  #testFile: string | null = null;

  private constructor(host: Host, request: CommandRequest, file: ConfigFile | null) {
    this.#host = host;
    this.request = request;
    this.#file = file;
    this.#settings = request.command === "demo" ? { ...SETTINGS, ...DEMO_SETTINGS } : SETTINGS;
  }

  /**
   * Reads arguments, environment and configuration file as far as possible without the test file. If
   * help or the version is to be printed, nothing is validated. `quick`, `init`, `compare`, `report`, `history` and
   * `control` have no test file and read their options themselves.
   *
   * @throws UsageError if a known flag, variable or key has an invalid value.
   */
  static async preview(host: Host): Promise<CommandLine> {
    // Flags of a run that need a value need none here, such as --json.
    const [word] = host.args;
    const own = word === "history" || word === "control" ? word : "run";
    const parsed = parseKnown(host.args, commandFlags(own));
    const request = requestOf(parsed);
    if (request.print !== null || !RUNS.includes(request.command)) {
      return new CommandLine(host, request, null);
    }
    const commandLine = new CommandLine(host, request, await findConfigFile(parsed.flags, host));
    const { aiotestfile, given } = commandLine.known();
    if (request.command === "check") {
      const file = checkedFile(parsed, given.has("aiotestfile") ? aiotestfile : null);
      if (file !== null) commandLine.useTestFile(file);
    }
    return commandLine;
  }

  /** Takes the flags that the test file adds. */
  get parser(): CommandLineParser {
    return this.#custom;
  }

  /** aiotest's own options. Unknown flags are skipped: the test file may add them. */
  known(): Options {
    const known = this.#known ??= this.#readKnown();
    return { ...known, aiotestfile: this.#testFile ?? known.aiotestfile };
  }

  /** The flags that the test file has added, as it has written them. */
  testFileFlags(): string[] {
    return this.#custom.all().map(({ option }) => option.flags);
  }

  /** Uses a test file from elsewhere instead of the one that the command line names. */
  useTestFile(path: string): void {
    this.#testFile = path;
  }

  /**
   * All options.
   *
   * @param forwarded values that a master sent, for options that were not given here.
   * @throws UsageError if a flag or key is unknown, has an invalid value, or could not be added.
   */
  parse(forwarded: ForwardedOptions = {}): Options {
    return this.#parse(forwarded, NO_OTHERS);
  }

  /**
   * All options of a further run of this process.
   *
   * @param others the texts of options that differ from those of the first run, by the name of the flag; `null`: it
   *   is not given.
   * @throws UsageError as {@link parse}.
   */
  parseOthers(others: OtherTexts): Options {
    return this.#parse({}, others);
  }

  #parse(forwarded: ForwardedOptions, others: OtherTexts): Options {
    const custom = this.#custom.all();
    const customFlags = custom.map(({ option }) => option);
    const given = parseAll(this.#host.args, [...this.#ownFlags, ...customFlags]);
    checkOperands(given);
    const customNames = customFlags.map((option) => option.name());
    const accepted = onlyOf(forwarded, [
      ...SENT_TO_WORKERS,
      ...FILES_SENT_TO_WORKERS,
      ...customNames,
    ]);
    const sources = this.#sourcesOf(given, others, accepted);
    const { values, given: givenNames } = sources.readAll(this.#settings);
    sources.checkFileKeys([...Object.keys(SETTINGS), ...customNames]);
    const all = [...this.#ownFlags, ...customFlags];
    sources.checkVariables(this.#host.envNames(), [...OPTION_NAMES, ...customNames], all, false);
    return {
      ...values,
      aiotestfile: this.#testFile ?? values.aiotestfile,
      given: givenNames,
      extra: readExtra(custom, sources),
      readFrom: configFiles(this.#file),
    };
  }

  /** The flags that the test file has added. */
  get customFlags(): readonly CustomFlag[] {
    return this.#custom.all();
  }

  /** The test file's flags, for a worker process that this one starts. */
  forwardedFlags(): ForwardedFlags {
    return forwardedFlags(this.#givenFlags());
  }

  /**
   * The options that a master sends to its workers, except those that name files.
   *
   * @param others as for {@link parseOthers}, if the options are those of a further run.
   */
  forwardedOptions(options: Options, others: OtherTexts = NO_OTHERS): ForwardedOptions {
    // Without traces, workers send nothing to the collector.
    const own = SENT_TO_WORKERS.filter((name) =>
      options.given.has(name) && (name !== "otlp" || options.traceContext !== null)
    );
    return Object.fromEntries([
      ...own.map((name) => [environmentName(name), String(options[name])]),
      ...this.#givenFlags(others).map(({ variable, text }) => [variable, text]),
    ]);
  }

  /** What `--help` prints, including the flags that the test file has added. */
  help(): string {
    return helpText([...this.#ownFlags, ...this.#custom.all().map(({ option }) => option)]);
  }

  #readKnown(): Options {
    const sources = this.#sources(parseKnown(this.#host.args, this.#ownFlags));
    const { values, given } = sources.readAll(this.#settings);
    return { ...values, given, extra: {}, readFrom: configFiles(this.#file) };
  }

  #givenFlags(others: OtherTexts = NO_OTHERS): GivenFlag[] {
    const custom = this.#custom.all();
    const options = [...this.#ownFlags, ...custom.map(({ option }) => option)];
    return givenFlags(custom, this.#sourcesOf(parseAll(this.#host.args, options), others));
  }

  #sourcesOf(
    given: ParsedArguments,
    others: OtherTexts,
    forwarded: ForwardedOptions = {},
  ): Sources {
    const flags = new Map(given.flags);
    for (const [name, texts] of others) {
      if (texts === null) flags.delete(name);
      else flags.set(name, texts);
    }
    return new Sources(
      flags,
      { env: (name) => isOther(name, others) ? undefined : this.#host.env(name) },
      withoutOthers(this.#file, others),
      forwarded,
    );
  }

  #sources({ flags }: ParsedArguments, forwarded: ForwardedOptions = {}): Sources {
    return new Sources(flags, this.#host, this.#file, forwarded);
  }
}

/** Texts of options by the name of the flag; `null`: the option is not given. */
export type OtherTexts = ReadonlyMap<string, readonly string[] | null>;

const NO_OTHERS: OtherTexts = new Map();

/** Whether an environment variable is one of some options. */
function isOther(variable: string, others: OtherTexts): boolean {
  return [...others.keys()].some((name) => environmentName(name) === variable);
}

function withoutOthers(file: ConfigFile | null, others: OtherTexts): ConfigFile | null {
  if (file === null || others.size === 0) return file;
  return { ...file, entries: new Map([...file.entries].filter(([name]) => !others.has(name))) };
}

/** A master must not decide more than that, such as where a worker writes its files. */
function onlyOf(forwarded: ForwardedOptions, names: readonly string[]): ForwardedOptions {
  const variables = names.map(environmentName);
  return Object.fromEntries(
    Object.entries(forwarded).filter(([variable]) => variables.includes(variable)),
  );
}

function requestOf({ flags, operands: [word] }: ParsedArguments): CommandRequest {
  const command = COMMANDS.find((name) => name === word) ?? "run";
  if (flags.has("help")) return { command, print: "help" };
  if (flags.has("version")) return { command, print: "version" };
  // Other commands take no configuration file, and refuse the flag.
  const isSchema = flags.has("config-schema") && [...RUNS, "quick"].includes(command);
  return { command, print: isSchema ? "config-schema" : null };
}

/** Commands whose options are those of a run. */
const RUNS: readonly string[] = ["run", "check", "demo"];

const COMMANDS = [
  "check",
  "compare",
  "control",
  "demo",
  "history",
  "init",
  "quick",
  "report",
] as const;

function checkOperands({ flags, operands }: ParsedArguments): void {
  const [command, ...others] = operands;
  const stray = command === "demo" ? others[0] : command === "check" ? others[1] : command;
  if (stray !== undefined) {
    const strays = operands.slice(operands.indexOf(stray));
    throw new UsageError(`${stray}: unknown command`, hintFor(stray, strays, flags));
  }
  if (command === "demo") checkFlags(flags, "demo");
}

/** The test file of `aiotest check FILE`; `null` if the command line has none there. */
function checkedFile({ operands: [, file] }: ParsedArguments, given: string | null): string | null {
  if (file === undefined || given === null || file === given) return file ?? null;
  throw new UsageError(`check takes one test file: ${file}, ${given}`);
}

function hintFor(stray: string, strays: readonly string[], flags: FlagTexts): string {
  if (/^https?:/i.test(stray)) return `To load-test a URL: aiotest quick ${stray}`;
  // Locust takes the names of user classes there.
  const classes = strays.filter((one) => /^\p{Lu}[\w$]*$/u.test(one));
  if (classes.includes(stray)) {
    return `To run only some user classes: --user-classes ${classes.join(",")}`;
  }
  const file = strays.find((one) => /\.m?[jt]s$/.test(one)) ?? "FILE";
  if (stray === "run" || stray === file) return `To run a test file: aiotest -f ${file}`;
  // Locust separates tags by blanks.
  const list = ["tags", "exclude-tags"].find((name) => flags.has(name));
  return list === undefined
    ? didYouMean(nearestWord(stray, COMMANDS, { otherNames: OTHER_COMMANDS }), ALL_COMMANDS)
    : `Several tags are separated by commas: --${list} a,b`;
}

const ALL_COMMANDS = "For all commands, run aiotest --help.";

/** What k6 calls commands. */
const OTHER_COMMANDS: ReadonlyMap<string, typeof COMMANDS[number]> = new Map([
  ["inspect", "check"],
  ["new", "init"],
]);

/** A toggle that was not given is false, `x` of `--no-x` is true, and other flags are left out. */
function readExtra(custom: readonly CustomFlag[], sources: Sources): Record<string, unknown> {
  const extra: Record<string, unknown> = {};
  for (const { option, type, default: fallback, parse } of custom) {
    const given = sources.find(option.name(), type);
    const value = given === undefined ? fallback : converted(parse, option, given, fallback);
    const name = option.attributeName();
    if (value !== undefined) extra[name] = value;
    else if (type.bare !== undefined && !option.optional) extra[name] ??= !type.bare;
  }
  return extra;
}

/** The value of a test file's flag, after the test file's own parser. */
function converted(
  parse: CustomFlag["parse"],
  { long, flags }: CustomFlag["option"],
  given: unknown,
  fallback: unknown,
): unknown {
  if (parse === null || typeof given !== "string") return given;
  try {
    return parse(given, fallback);
  } catch (error) {
    throw new UsageError(`${long ?? flags} ${given}: ${errorText(error)}`);
  }
}
