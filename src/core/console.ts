/**
 * The output of `console`, which test files print with.
 *
 * @module
 */

import { format, inspect } from "node:util";

/** Prints a text of one or more lines, without the last line break. */
export type ConsolePrinter = (text: string, stream: "stdout" | "stderr") => void;

type Method = (...values: unknown[]) => unknown;

/**
 * Redirects what a console prints as text to `print`. Its other methods, such as `table`, still write to
 * the streams, but no longer throw if these are full. Call the returned function to stop.
 */
export function redirectConsole(target: object, print: ConsolePrinter): () => void {
  const original = Object.fromEntries(
    Object.entries(target).filter((entry): entry is [string, Method] =>
      typeof entry[1] === "function"
    ),
  );
  let indent = "";
  const printer = (stream: "stdout" | "stderr"): Method => (...values) =>
    print(`${indent}${format(...values).replaceAll("\n", `\n${indent}`)}`, stream);
  const [out, error] = [printer("stdout"), printer("stderr")];
  const group: Method = (...labels) => {
    if (labels.length > 0) out(...labels);
    indent += GROUP_INDENT;
  };
  Object.assign(
    target,
    Object.fromEntries(Object.entries(original).map(([name, write]) => [name, guarded(write)])),
    { debug: out, log: out, info: out, dirxml: out, warn: error, error },
    { group, groupCollapsed: group, dir: (value: unknown) => out(inspect(value)) },
    { groupEnd: () => void (indent = indent.slice(GROUP_INDENT.length)) },
  );
  return () => void Object.assign(target, original);
}

const GROUP_INDENT = "  ";

function guarded(write: Method): Method {
  return (...values) => {
    try {
      return write(...values);
    } catch {
      // The stream is full, or its reader is slow: not an error of the code that prints.
    }
  };
}
