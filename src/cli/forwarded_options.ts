import type { CustomFlag } from "./custom_flags.ts";
import { environmentName, type Sources } from "./sources.ts";

/** Flags of a test file, as another process of aiotest on the same machine is given them. */
export interface ForwardedFlags {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A flag of a test file that was given, wherever that was. */
export interface GivenFlag {
  /** As it is written on the command line. */
  readonly flag: string;
  /** The environment variable that says the same. */
  readonly variable: string;
  readonly text: string;
}

/** The test file's flags that were given, with their values. */
export function givenFlags(flags: readonly CustomFlag[], sources: Sources): GivenFlag[] {
  return flags.flatMap(({ option, kind }) => {
    const value = sources.find(option.name(), kind);
    if (value === undefined) return [];
    return [{
      flag: option.long ?? option.short!,
      variable: environmentName(option.name()),
      text: String(option.negate ? !value : value),
    }];
  });
}

/**
 * Flags as arguments and variables. They go by the environment: it says no to a flag that is on
 * otherwise, and what is secret is seen by nobody. Only an empty text has to be an argument, since an
 * empty variable counts as none.
 */
export function forwardedFlags(given: readonly GivenFlag[]): ForwardedFlags {
  const args = given.flatMap(({ flag, text }) => text === "" ? [flag, ""] : []);
  const some = given.filter(({ text }) => text !== "");
  return { args, env: Object.fromEntries(some.map(({ variable, text }) => [variable, text])) };
}
