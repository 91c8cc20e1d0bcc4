/**
 * Every option of every command, declared once, in the tables that this file joins: flag, type, default,
 * help, the commands that take it, and how master and workers treat it. Option types, help, configuration
 * keys, environment variables and the tables of docs/command-line.md are derived from them.
 *
 * @module
 */

import { CLUSTER_SETTINGS } from "./cluster_settings.ts";
import { LOAD_SETTINGS } from "./load_settings.ts";
import { RESULT_SETTINGS } from "./result_settings.ts";
import type {
  Declaration,
  Scope,
  SettingsCommand,
  SettingTable,
  Treatment,
  ValuesOf,
} from "./setting_types.ts";
import { TARGET_SETTINGS } from "./target_settings.ts";

/** All settings, in the order of `--help`. */
const TABLE = { ...TARGET_SETTINGS, ...LOAD_SETTINGS, ...CLUSTER_SETTINGS, ...RESULT_SETTINGS };

/** The values of all settings that a command takes, defaults filled in. */
export type SettingsOf<Command extends SettingsCommand> = ValuesOf<typeof TABLE, Command>;

/** The values of all settings of a run. */
export type Settings = SettingsOf<"run">;

/** Settings of a run: of a test file, on one or several processes. */
export const SETTINGS = settingsOf("run");

export const QUICK_SETTINGS = settingsOf("quick");

export const DEMO_SETTINGS = settingsOf("demo");

export const COMPARE_SETTINGS = settingsOf("compare");

export const REPORT_SETTINGS = settingsOf("report");

export const HISTORY_SETTINGS = settingsOf("history");

/** Names of the options of all commands; each of them may be set in the environment. */
export const OPTION_NAMES: readonly string[] = [...Object.keys(TABLE), "config"];

/** The settings that a command takes, as it takes them. */
function settingsOf<Command extends SettingsCommand>(
  command: Command,
): SettingTable<SettingsOf<Command>> {
  const taken = rows().flatMap(([name, { commands, ...setting }]) => {
    const treatment: Treatment | undefined = commands[command];
    if (treatment === undefined || typeof treatment === "string") return [];
    if (treatment === true) return [[name, setting] as const];
    // The text that shows a default does not fit another one.
    const { shownDefault, ...shared } = setting;
    const base = "default" in treatment ? shared : { ...shared, shownDefault };
    return [[name, { ...base, ...treatment }] as const];
  });
  const table: object = Object.fromEntries(taken);
  return table as SettingTable<SettingsOf<Command>>;
}

/** Why a command refuses settings that a run takes, by the name of the setting. */
export function refusedBy(command: SettingsCommand): ReadonlyMap<keyof Settings, string> {
  const reasons = rows().flatMap(([name, { commands }]) => {
    const treatment = commands[command];
    return typeof treatment === "string" ? [[name as keyof Settings, treatment] as const] : [];
  });
  return new Map(reasons);
}

/** Names of the settings of a run that have a scope, or one of several. */
export function settingsWithScope(...scopes: readonly Scope[]): (keyof Settings)[] {
  return settingNames(({ scope }) => scope !== undefined && scopes.includes(scope));
}

/** Settings of a run that a master sends to its workers. */
export const SENT_TO_WORKERS: readonly (keyof Settings)[] = settingNames((row) =>
  row.toWorkers === true
);

/** Settings of a run that name files, whose contents a master sends to its workers. */
export const FILES_SENT_TO_WORKERS: readonly (keyof Settings)[] = settingNames((row) =>
  row.toWorkers === "contents"
);

/** Settings of a run that a process hands on to the worker processes that it starts. */
export const HANDED_TO_CHILDREN: readonly (keyof Settings)[] = settingNames((row) =>
  row.toChildren === true
);

function settingNames(test: (row: Declaration) => boolean): (keyof Settings)[] {
  return rows().filter(([, row]) => test(row)).map(([name]) => name as keyof Settings);
}

function rows(): readonly [name: string, row: Declaration][] {
  return Object.entries<Declaration>(TABLE);
}
