import { isShipped, type SourceFile, type Violation } from "./source_file.ts";

/** A file longer than this holds more than one noun. */
export const MAX_LINES = 300;

/** Files of the product and of its build that are too long to be read at one sitting. */
export function checkLength(files: readonly SourceFile[]): Violation[] {
  return files
    .filter((file) => isShipped(file.path) || file.path.startsWith("build/"))
    .map((file) => ({ file: file.path, lines: countLines(file.text) }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ file, lines }) => ({ file, reason: `has ${lines} lines, over ${MAX_LINES}` }));
}

function countLines(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}
