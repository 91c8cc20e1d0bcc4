import type { Option } from "commander";
import { ownOptions } from "./flag_parser.ts";
import type { SettingTable } from "./setting.ts";
import { textOf, type ValueKind } from "./value_kind.ts";

/** The values of all options of `aiotest compare`, defaults filled in. */
export interface CompareSettings {
  /** How much worse a figure may be, as a share; null: {@link MAX_REGRESSION}. */
  readonly maxRegression: number | null;
  /** Where the comparison is written; null: nowhere. */
  readonly json: string | null;
}

/** How much worse a figure may be where nothing is said of it, as a share. */
export const MAX_REGRESSION = 0.05;

const percentage: ValueKind<number> = {
  needed: "a percentage like 5% is needed",
  types: ["text"],
  parse(text): number | null {
    const digits = /^(\d+(?:\.\d*)?|\.\d+)%$/.exec(text)?.[1];
    const share = Number(digits ?? NaN) / 100;
    return Number.isFinite(share) ? share : null;
  },
};

/** Every option, by the name of its value, in the order of `compare --help`. */
export const COMPARE_SETTINGS: SettingTable<CompareSettings> = {
  maxRegression: {
    flags: "--max-regression <P>",
    group: "Options:",
    description: "how much worse a figure may be",
    kind: percentage,
    default: null,
    ifNone: "5%",
  },
  json: {
    flags: "--json <FILE>",
    group: "Options:",
    description: "write the comparison as JSON",
    kind: textOf("the name of a file"),
    default: null,
  },
};

/** All flags of `compare`. No configuration file is for it. */
export function compareFlags(): Option[] {
  return ownOptions(COMPARE_SETTINGS).filter((option) => option.name() !== "config");
}
