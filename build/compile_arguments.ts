import { type ExecutableTarget, findTarget, TARGETS } from "./executable_target.ts";

/** What `deno task compile` is asked to make. */
export interface CompileOrder {
  readonly targets: readonly ExecutableTarget[];
  /** The only executable's path; null: each gets a name of its own in `dist/`. */
  readonly output: string | null;
  /** Whether all are made, and their sums written. */
  readonly all: boolean;
}

const USAGE = `Usage: deno task compile                  dist/aiotest, for this machine
       deno task compile --output FILE    the same, elsewhere
       deno task compile --target NAME    dist/aiotest-VERSION-NAME, for another machine
       deno task compile --all            one for each target, and dist/SHA256SUMS
Targets: ${TARGETS.map(({ name }) => name).join(", ")}`;

/**
 * Reads the arguments.
 *
 * @param own the target of this machine.
 * @returns the order, or what is wrong with it, for a person to read.
 */
export function readArguments(
  args: readonly string[],
  own: ExecutableTarget,
): CompileOrder | string {
  const [flag, value, ...rest] = args.flatMap((arg) => {
    const at = arg.startsWith("--") ? arg.indexOf("=") : -1;
    return at < 0 ? [arg] : [arg.slice(0, at), arg.slice(at + 1)];
  });
  const needsValue = flag === "--target" || flag === "--output";
  if (needsValue && value === undefined) return `${flag} needs a value\n${USAGE}`;
  const extra = needsValue ? rest[0] : value;
  if (extra !== undefined) return `${extra}: there is nothing to make of this\n${USAGE}`;
  switch (flag) {
    case undefined:
      return { targets: [own], output: `dist/aiotest${own.suffix}`, all: false };
    case "--output":
      // Without the suffix Windows would not run it, and the compiler adds it anyway.
      return { targets: [own], output: withSuffix(value!, own.suffix), all: false };
    case "--all":
      return { targets: TARGETS, output: null, all: true };
    case "--target": {
      const target = findTarget(value!);
      if (target === null) return `--target ${value}: there is no such target\n${USAGE}`;
      return { targets: [target], output: null, all: false };
    }
    default:
      return `${flag}: there is no such option\n${USAGE}`;
  }
}

function withSuffix(path: string, suffix: string): string {
  return path.toLowerCase().endsWith(suffix) ? path : `${path}${suffix}`;
}
