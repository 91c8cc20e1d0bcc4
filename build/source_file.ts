/**
 * What the layer check knows of one file. The rules are functions of these, so that tests can invent
 * them, and nothing in here says how they were read.
 *
 * @module
 */

/** A name that a file imports. */
export interface ImportedName {
  /** What it is called in the file that imports it. */
  readonly local: string;
  /** What it is called where it is declared. */
  readonly name: string;
  /** Path of the file that exports it. */
  readonly from: string;
}

/** Something declared at the top of a file. */
export interface DeclaredSymbol {
  readonly name: string;
  readonly exported: boolean;
  /** Names that its signature mentions: types of parameters, fields, bases. */
  readonly mentions: readonly string[];
}

/** One file; every path is relative to the project's root, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Paths of the project's files that it imports or re-exports from, in whatever manner. */
  readonly imports: readonly string[];
  /** The names that it imports or re-exports, as far as the import gives names. */
  readonly importedNames: readonly ImportedName[];
  readonly symbols: readonly DeclaredSymbol[];
}

/** A rule that a file breaks. */
export interface Violation {
  readonly file: string;
  readonly reason: string;
}

/** Whether the file is part of the product: what is shipped, not what tests or builds it. */
export function isShipped(path: string): boolean {
  return path.startsWith("src/") || path === "mod.ts" || path === "cli.ts";
}
