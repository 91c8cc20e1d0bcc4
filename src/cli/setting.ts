/**
 * What the command line knows of an option.
 *
 * @module
 */

import type { ValueKind } from "./value_kind.ts";

/** One option. */
export interface Setting<Value> {
  /** As the flag parser takes it: `-u, --users <N>`. */
  readonly flags: string;
  /** The heading that it stands under in `--help`. */
  readonly group: string;
  readonly description: string;
  readonly kind: ValueKind<Exclude<Value, null>>;
  readonly default: Value;
  /** What it means that there is no value, for `--help`. */
  readonly ifNone?: string;
}

/** Options by the name of their value. */
export type SettingTable<Values> = { readonly [Name in keyof Values]: Setting<Values[Name]> };

/**
 * What the options of a table are where none is given.
 *
 * ```ts
 * import { defaultsOf } from "./setting.ts";
 * import { wholeNumber } from "./value_kind.ts";
 * import assert from "node:assert/strict";
 *
 * const port = { flags: "--port <P>", group: "", description: "", kind: wholeNumber(0), default: 80 };
 * assert.deepEqual(defaultsOf<{ port: number }>({ port }), { port: 80 });
 * ```
 */
export function defaultsOf<Values>(table: SettingTable<Values>): Values {
  const settings = Object.entries<Setting<unknown>>(table);
  const defaults: unknown = Object.fromEntries(
    settings.map(([name, setting]) => [name, setting.default]),
  );
  return defaults as Values;
}
