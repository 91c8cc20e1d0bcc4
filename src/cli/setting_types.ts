/**
 * What the table of settings is made of: the type of its rows, the types that follow from them, and the
 * spellings of a setting's name.
 *
 * @module
 */

import type { OptionType } from "./option_types.ts";

/** Commands that have settings. */
export type SettingsCommand = "run" | "quick" | "demo" | "compare" | "report" | "history";

/** What a command changes about a setting. */
interface Variant {
  readonly group?: string;
  readonly help?: string;
  readonly default?: unknown;
  readonly shownDefault?: string;
  /** The command takes the setting, but its `--help` does not list it. */
  readonly hidden?: true;
}

/**
 * How a command treats a setting: it takes it as it is, takes a variant, or refuses it for the reason
 * given, which completes "--flag cannot be used with COMMAND, which …".
 */
export type Treatment = true | Variant | string;

/** How the processes of a distributed run treat a setting. */
export type Scope =
  /** Only a master takes it. */
  | "master"
  /** A master and a single process take it; a worker refuses it. */
  | "not worker"
  /** Only a worker takes it. */
  | "worker"
  /** A worker ignores it with a warning, because the master decides. */
  | "master decides";

/** One row of the table. */
export interface Declaration {
  /** In the flag parser's notation: `-u, --users <N>`. */
  readonly flags: string;
  /** The heading in `--help`. */
  readonly group: string;
  readonly help: string;
  readonly type: OptionType<unknown>;
  /** `null`: no value. */
  readonly default: unknown;
  /** The default as `--help` shows it, if the value itself does not say enough. */
  readonly shownDefault?: string;
  /** Commands that are not listed do not know the setting. */
  readonly commands: { readonly [Command in SettingsCommand]?: Treatment };
  /** Without a scope, every process takes it. */
  readonly scope?: Scope;
  /**
   * A master sends its value to workers that were not given their own. With `"contents"`, it names files,
   * and the master sends what is in them.
   */
  readonly toWorkers?: true | "contents";
  /** A process hands its value on to the worker processes that it starts. */
  readonly toChildren?: true;
}

/** Rows by the name of their setting. */
export type DeclarationTable = Readonly<Record<string, Declaration>>;

/** Names of the settings that a command takes. */
type Taken<Table extends DeclarationTable, Command extends SettingsCommand> = {
  [Name in keyof Table]: Table[Name]["commands"] extends { readonly [_ in Command]: true | object }
    ? Name
    : never;
}[keyof Table];

type DefaultOf<Row extends Declaration, Command extends SettingsCommand> =
  Row["commands"][Command] extends { readonly default: infer Default } ? Default : Row["default"];

type ValueOf<Row extends Declaration, Command extends SettingsCommand> =
  | (Row["type"] extends OptionType<infer Value> ? Value : never)
  | (DefaultOf<Row, Command> extends null ? null : never);

/** The values of all settings of a table that a command takes, defaults filled in. */
export type ValuesOf<Table extends DeclarationTable, Command extends SettingsCommand> = {
  readonly [Name in Taken<Table, Command>]: ValueOf<Table[Name], Command>;
};

/** One setting, as one command takes it. */
export interface Setting<Value> extends Omit<Declaration, "type" | "default" | "commands"> {
  readonly type: OptionType<Exclude<Value, null>>;
  readonly default: Value;
  /** `--help` does not list it. */
  readonly hidden?: true;
}

/** Settings by the name of their value. */
export type SettingTable<Values> = { readonly [Name in keyof Values]: Setting<Values[Name]> };

/** The values of a table if no option is given. */
export function defaultsOf<Values>(table: SettingTable<Values>): Values {
  const settings = Object.entries<Setting<unknown>>(table);
  const defaults: unknown = Object.fromEntries(
    settings.map(([name, setting]) => [name, setting.default]),
  );
  return defaults as Values;
}

/** The default of a setting as `--help` shows it; empty if it is not worth mentioning. */
export function defaultText(
  { default: value, shownDefault }: Pick<Setting<unknown>, "default" | "shownDefault">,
): string {
  if (shownDefault !== undefined) return shownDefault;
  if (Array.isArray(value)) return value.join(" ");
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** `runTime` as `run-time`; kebab case stays as it is. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The flag of a setting, with its dashes. */
export function flagOf(name: string): string {
  return `--${kebabCase(name)}`;
}

/** How the names of all of aiotest's environment variables start. */
export const PREFIX = "AIOTEST_";

/** The environment variable of a setting. */
export function environmentName(name: string): string {
  return `${PREFIX}${kebabCase(name).toUpperCase().replaceAll("-", "_")}`;
}
