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

/**
 * The default of an option as people would write it; empty where there is none to speak of.
 *
 * ```ts
 * import { defaultText } from "./setting.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(defaultText({ default: 8089 }), "8089");
 * assert.equal(defaultText({ default: [50, 100] }), "50 100");
 * assert.equal(defaultText({ default: null, ifNone: "no end" }), "no end");
 * assert.equal(defaultText({ default: false }), "");
 * ```
 */
export function defaultText(
  { default: standard, ifNone = "" }: Pick<Setting<unknown>, "default" | "ifNone">,
): string {
  if (standard === null) return ifNone;
  if (Array.isArray(standard)) return standard.join(" ");
  return typeof standard === "string" || typeof standard === "number" ? String(standard) : "";
}
