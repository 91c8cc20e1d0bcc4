/**
 * The tables of options in docs/command-line.md, made from what the command line itself knows.
 *
 * @module
 */

import { defaultText, QUICK_SETTINGS, type Setting, SETTINGS } from "../src/cli/settings.ts";

type AnySetting = Setting<unknown>;

/** Where a table goes: what lies between the two comments is replaced. */
const SLOT = /(<!-- options of (\w+) -->\n)[^]*?(<!-- end of options -->)/g;

const TABLES: Readonly<Record<string, Readonly<Record<string, AnySetting>>>> = {
  aiotest: SETTINGS,
  quick: QUICK_SETTINGS,
};

/** Of two long spellings, the second is the flag's name. */
const OTHER_SPELLING = /^--[\w-]+, (?=--)/;

/**
 * The page with the options as they are now.
 *
 * @param page the page as it is; what stands outside of its slots is left alone.
 * @throws Error where it has no slot for one of the commands.
 */
export function commandLinePage(page: string): string {
  const filled = new Set<string>();
  const text = page.replaceAll(SLOT, (_all, start: string, command: string, end: string) => {
    filled.add(command);
    return `${start}\n${tablesOf(TABLES[command]!)}\n${end}`;
  });
  for (const command of Object.keys(TABLES)) {
    if (!filled.has(command)) throw new Error(`the page has no slot for the options of ${command}`);
  }
  return text;
}

function tablesOf(settings: Readonly<Record<string, AnySetting>>): string {
  const groups = Map.groupBy(Object.values(settings), ({ group }) => group);
  return [...groups].map(([group, members]) =>
    [
      `**${group.replace(/:$/, "")}**\n`,
      "| option | default | meaning |",
      "| --- | --- | --- |",
      ...members.map(rowOf),
      "",
    ].join("\n")
  ).join("\n");
}

function rowOf(setting: AnySetting): string {
  const { flags, help } = setting;
  return `| ${code(flags.replace(OTHER_SPELLING, ""))} | ${cell(defaultText(setting))} | ${
    cell(help)
  } |`;
}

function code(text: string): string {
  return `\`${text.replaceAll("|", "\\|")}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("*", "\\*").replaceAll("<", "&lt;");
}
