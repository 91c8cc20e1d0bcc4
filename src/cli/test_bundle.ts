/**
 * Collects the files that a master sends to workers without a test file: its own test file, the local
 * modules that it imports, the `.proto` files of its user classes, and the data files in its `files`.
 *
 * @module
 */

import { dirname, extname, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type BundledFile, FileBundle, MAX_BYTES, MAX_FILES } from "../cluster/files.ts";
import { systemReason, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { formatBytes } from "../report/quantity.ts";
import type { TestFileExports } from "./test_file.ts";

type Files = Pick<Host, "cwd" | "readFile" | "fileInfo" | "listFolder">;

const HINT = 'The master sends the test file, the files that it imports, and those in its "files".';

/** Files that may contain imports. */
const MODULE = /\.[cm]?[jt]sx?$/;

/**
 * Collects and reads all files.
 *
 * @param path of the test file, relative to the working directory, or absolute.
 * @param classFiles full paths of files that its user classes need.
 * @throws UsageError if its `files` are invalid, or if there are too many or too large files.
 */
export async function testBundle(
  host: Files,
  path: string,
  exports: TestFileExports,
  classFiles: readonly string[] = [],
): Promise<FileBundle> {
  const entry = resolve(host.cwd, path);
  const collector = new FileCollector(host);
  await collector.addModules(entry);
  for (const file of classFiles) await collector.add(file);
  const real = (await host.fileInfo(entry))?.realPath ?? entry;
  const within = [...new Set([...dataFolders(host, path), dirname(real)])];
  for (const file of await dataFiles(host, path, exports)) await collector.add(file, within);
  return collector.bundle(entry);
}

/**
 * The folders that relative paths of a test file may lead from, in this order: its own, and the working
 * directory.
 *
 * @param path of the test file, relative to the working directory, or absolute.
 */
export function dataFolders({ cwd }: Pick<Host, "cwd">, path: string): readonly string[] {
  return [...new Set([dirname(resolve(cwd, path)), cwd])];
}

/**
 * The full paths of the data files that a test file names in its `files`.
 *
 * @param path of the test file, relative to the working directory, or absolute.
 * @throws UsageError if its `files` are invalid.
 */
export async function dataFiles(
  host: Files,
  path: string,
  exports: TestFileExports,
): Promise<string[]> {
  const folders = dataFolders(host, path);
  const found = patternsOf(exports).map((pattern) => filesOfPattern(host, folders, pattern));
  return (await Promise.all(found)).flat();
}

/**
 * The full paths of the files that a test file imports, directly or not, by relative paths.
 *
 * @param path of the test file, relative to the working directory, or absolute.
 * @throws UsageError if there are too many or too large files.
 */
export async function importedFiles(host: Files, path: string): Promise<string[]> {
  const entry = resolve(host.cwd, path);
  const collector = new FileCollector(host);
  await collector.addModules(entry);
  return collector.paths.filter((one) => one !== entry);
}

/** The patterns in the test file's `files`. */
function patternsOf({ files = [] }: TestFileExports): readonly string[] {
  if (Array.isArray(files) && files.every((one) => typeof one === "string")) return files;
  throw new UsageError(
    'Invalid "files" in the test file: expected a list of paths',
    'Example: export const files = ["accounts.csv", "data/*.json"];',
  );
}

/** Collects files, and enforces the limits before reading them. */
class FileCollector {
  readonly #host: Files;
  readonly #files = new Map<string, Uint8Array<ArrayBuffer>>();
  #size = 0;

  constructor(host: Files) {
    this.#host = host;
  }

  /** The full paths of all files. */
  get paths(): string[] {
    return [...this.#files.keys()];
  }

  /** Adds a module and everything that it imports. */
  async addModules(entry: string): Promise<void> {
    const waiting = [entry];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const bytes = await this.add(path);
      if (bytes === null || !MODULE.test(extname(path))) continue;
      const names = localImports(new TextDecoder().decode(bytes));
      waiting.push(...names.flatMap((name) => importedPath(name, path) ?? []));
    }
  }

  /**
   * Adds a file and returns its content. Returns `null` if it has been added before, or if it does not
   * exist: text that is not an import may look like one.
   *
   * @param within the folders that may contain it, after following links; none: any folder.
   */
  async add(
    path: string,
    within: readonly string[] = [],
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    const facts = this.#files.has(path) ? null : await this.#host.fileInfo(path);
    if (facts === null) return null;
    if (within.length > 0 && !within.some((folder) => facts.realPath.startsWith(folder + sep))) {
      throw new UsageError(`files: ${path} is a link to a file outside ${within.join(" and ")}`);
    }
    this.#size += facts.size;
    if (this.#size > MAX_BYTES) {
      throw tooMuch(
        `${path} (${formatBytes(facts.size)}) brings the total to ${formatBytes(this.#size)}`,
        `${MAX_BYTES / 1024 / 1024} MiB`,
      );
    }
    if (this.#files.size === MAX_FILES) {
      throw tooMuch(`${path} is one file too many`, `${MAX_FILES} files`);
    }
    const bytes = await this.#read(path);
    this.#files.set(path, bytes);
    return bytes;
  }

  async #read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await this.#host.readFile(path);
    } catch (error) {
      const reason = `cannot read ${path}: ${systemReason(error)}`;
      throw new UsageError(`The test file cannot be sent to workers: ${reason}`);
    }
  }

  /** All files, with paths relative to their lowest common folder. */
  bundle(entry: string): FileBundle {
    const root = commonFolder(this.paths.map(dirname));
    const nameOf = (path: string): string => relative(root, path).replaceAll(sep, "/");
    const files = [...this.#files].map(([path, bytes]): BundledFile => ({
      path: nameOf(path),
      bytes,
    }));
    try {
      return new FileBundle({ entry: nameOf(entry), origin: root, files });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new UsageError(`The test file cannot be sent to workers: ${error.message}`, HINT);
    }
  }
}

/** Returns `null` if the specifier cannot be a file. */
function importedPath(name: string, importer: string): string | null {
  try {
    return fileURLToPath(new URL(name, pathToFileURL(importer)));
  } catch {
    return null;
  }
}

function tooMuch(what: string, limit: string): UsageError {
  return new UsageError(
    `The test file cannot be sent to workers: ${what}; the limit is ${limit}`,
    HINT,
  );
}

/** The lowest folder that is or contains each of these. */
function commonFolder(folders: readonly string[]): string {
  const isIn = (folder: string): boolean =>
    folders.every((one) => one === folder || one.startsWith(folder.replace(/[/\\]?$/, sep)));
  let folder = folders[0]!;
  while (!isIn(folder) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

/** Limit of files and folders to search for one pattern: beyond it, the pattern is most likely a mistake. */
const MAX_SEARCHED = 100_000;

/**
 * The full paths of the files that match a pattern, in the first folder that has any. `*` and `?` match characters of one name,
 * `**` matches any number of folders. None of them matches a name that starts with a dot.
 *
 * @param pattern relative to the folders, with slashes.
 * @throws UsageError if it leads out of a folder or matches no file.
 */
export async function filesOfPattern(
  host: Pick<Host, "fileInfo" | "listFolder">,
  folders: readonly string[],
  pattern: string,
): Promise<string[]> {
  const parts = pattern.split("/").filter((part) => part !== ".");
  if (parts.includes("") || parts.includes("..") || UNUSABLE.test(pattern)) {
    throw new UsageError(
      `files: ${JSON.stringify(pattern)} is not a path inside the test file's folder`,
      'Paths are relative to the test file, or to the working directory: "accounts.csv", "data/*.json".',
    );
  }
  const found: string[] = [];
  let searched = 0;
  const search = async (at: string, [part, ...below]: readonly string[]): Promise<void> => {
    if (part === undefined) return;
    if (!/[*?]/.test(part)) return await step(at, part, below);
    if (part === "**") await search(at, below.length === 0 ? ["*"] : below);
    const matcher = part === "**" ? ANY : matcherOf(part);
    for (const { name, kind } of await host.listFolder(at)) {
      if (++searched > MAX_SEARCHED) {
        throw new UsageError(
          `files: too many files to search for ${JSON.stringify(pattern)}`,
        );
      }
      if (name.startsWith(".") && !part.startsWith(".")) continue;
      if (!matcher.test(name)) continue;
      if (part === "**") {
        if (kind === "folder") await search(resolve(at, name), [part, ...below]);
      } else await step(at, name, below);
    }
  };
  const step = async (at: string, name: string, below: readonly string[]): Promise<void> => {
    const path = resolve(at, name);
    if (below.length > 0) return await search(path, below);
    if (await host.fileInfo(path) !== null) found.push(path);
  };
  for (const folder of folders) {
    await search(folder, parts);
    if (found.length > 0) return [...new Set(found)];
  }
  throw new UsageError(
    `files: no file matches ${JSON.stringify(pattern)} in ${folders.join(" or ")}`,
  );
}

/** What a pattern must not contain: a drive letter, a backslash, or a control character. */
// deno-lint-ignore no-control-regex -- they are what is refused
const UNUSABLE = /^[a-z]:|[\\\x00-\x1f]/i;

const ANY = /^/;

function matcherOf(part: string): RegExp {
  const source = [...part].map((one) =>
    one === "*" ? ".*" : one === "?" ? "." : one.replace(/[$()*+.?[\\\]^{|}/-]/, "\\$&")
  );
  return new RegExp(`^${source.join("")}$`, "su");
}

/** A token of a module's source, as far as imports need it. */
interface Token {
  readonly kind: "word" | "text" | "other";
  /** A string without its quotes. */
  readonly value: string;
}

/** White space, comments, strings, words and numbers, or one other character. */
const PIECE =
  /(\s+|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|"([^"\\\n]*(?:\\[\s\S][^"\\\n]*)*)"?|'([^'\\\n]*(?:\\[\s\S][^'\\\n]*)*)'?|([\p{ID_Continue}$]+)|[\s\S]/uy;

/** A part of a template: from a backquote or a closing brace to the next `${` or backquote. */
const TEMPLATE = /([^`\\$]*(?:(?:\\[\s\S]|\$(?!\{))[^`\\$]*)*)(`|\$\{|\\?$)/uy;

/** A regular expression literal; the bounds limit the time spent on text that is none. */
const PATTERN = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.){0,500}\]){1,1000}\//uy;

/** Words after which a slash starts a regular expression. */
const BEFORE_PATTERN = new Set(
  ("await case delete do else in instanceof new of return throw typeof void yield").split(" "),
);

/**
 * The relative specifiers that a module imports, each once: `import`, `export … from`, and `import()` with
 * a string literal. Computed specifiers are not found. The source is scanned, because in a compiled
 * executable the runtime cannot be asked for the module graph.
 */
export function localImports(text: string): string[] {
  const found = new Set<string>();
  const before: [string, string] = ["", ""];
  for (const { kind, value } of tokensOf(text)) {
    const isImported = before[1] === "from" || before[1] === "import" ||
      (before[0] === "import" && before[1] === "(");
    if (kind === "text" && isImported && /^\.\.?\//.test(value)) found.add(value);
    before.shift();
    // A string "import" is not the keyword.
    before.push(kind === "text" ? "" : value);
  }
  return [...found];
}

function* tokensOf(text: string): Generator<Token> {
  /** For each open template, the number of open braces in its `${`. */
  const templates: number[] = [];
  let last: Token = { kind: "other", value: "" };
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const matched = pattern.exec(text);
    if (matched !== null) at = pattern.lastIndex;
    return matched;
  };
  while (at < text.length) {
    if (text[at] === "/" && mayBePattern(last) && !/^\/[/*]/.test(text.slice(at, at + 2))) {
      if (match(PATTERN) !== null) {
        last = { kind: "text", value: "" };
        continue;
      }
    }
    const [piece, blank, double, single, word] = match(PIECE)!;
    if (blank !== undefined) continue;
    const isEnd = piece === "}" && templates.at(-1) === 0;
    if (piece === "`" || isEnd) {
      const [, content = "", end] = match(TEMPLATE)!;
      if (isEnd) templates.pop();
      if (end === "${") templates.push(0);
      // Only a template without `${` is a string literal.
      last = end === "${"
        ? { kind: "other", value: end }
        : { kind: "text", value: isEnd ? "" : content };
    } else if (word !== undefined) last = { kind: "word", value: word };
    else if (double !== undefined || single !== undefined) {
      last = { kind: "text", value: double ?? single! };
    } else {
      last = { kind: "other", value: piece };
      if (templates.length > 0 && piece === "{") templates[templates.length - 1]!++;
      if (templates.length > 0 && piece === "}") templates[templates.length - 1]!--;
    }
    yield last;
  }
}

/** After a value, a slash means division. */
function mayBePattern({ kind, value }: Token): boolean {
  if (kind === "word") return BEFORE_PATTERN.has(value);
  return kind === "other" && value !== ")" && value !== "]";
}
