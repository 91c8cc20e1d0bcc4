/**
 * What a master sends to workers that have no test file: its own, the modules that it imports, and
 * the data files that it names.
 *
 * @module
 */

import { dirname, extname, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type BundledFile, FileBundle, MAX_BYTES, MAX_FILES } from "../cluster/files.ts";
import { errorText, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { formatBytes } from "../report/quantity.ts";
import type { TestFileExports } from "./test_file.ts";

// Data files that a test file names, with `*` and `?` in their names.

/** Files and folders that are looked at for one pattern: who has more of them has named the wrong folder. */
const MAX_LOOKS = 100_000;

/**
 * The files in a folder that a pattern names, as full paths. `*` and `?` stand for characters of one
 * name, `**` for folders, however many; none of them finds a name that begins with a dot.
 *
 * @param pattern relative to the folder, its parts between slashes.
 * @throws UsageError where it leads out of the folder, or names no file.
 */
export async function filesOfPattern(
  host: Pick<Host, "fileInfo" | "listFolder">,
  folder: string,
  pattern: string,
): Promise<string[]> {
  const parts = pattern.split("/").filter((part) => part !== ".");
  if (parts.includes("") || parts.includes("..") || /^[a-z]:|\\/i.test(pattern)) {
    throw new UsageError(
      `files: ${JSON.stringify(pattern)} is no name of a file in the test file's folder`,
      'Names are relative to the test file: "accounts.csv", "data/*.json".',
    );
  }
  const found: string[] = [];
  let looks = 0;
  const search = async (at: string, [part, ...below]: readonly string[]): Promise<void> => {
    if (part === undefined) return;
    if (!/[*?]/.test(part)) return await step(at, part, below);
    if (part === "**") await search(at, below.length === 0 ? ["*"] : below);
    const matcher = part === "**" ? ANY : matcherOf(part);
    for (const { name, kind } of await host.listFolder(at)) {
      if (++looks > MAX_LOOKS) {
        throw new UsageError(
          `files: ${JSON.stringify(pattern)} has too many files to look through`,
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
  await search(folder, parts);
  if (found.length > 0) return [...new Set(found)];
  throw new UsageError(`files: there is no file ${JSON.stringify(pattern)} in ${folder}`);
}

const ANY = /^/;

function matcherOf(part: string): RegExp {
  const source = [...part].map((one) =>
    one === "*" ? ".*" : one === "?" ? "." : one.replace(/[$()*+.?[\\\]^{|}/-]/, "\\$&")
  );
  return new RegExp(`^${source.join("")}$`, "su");
}

// Which files a module imports, found in its text: inside the executable nobody else can be asked.

/** One piece of a module's text that means something. */
interface Token {
  readonly kind: "word" | "text" | "other";
  /** A text without its quotes. */
  readonly value: string;
}

/** White space, comments, quoted texts, words and numbers, or one character of another kind. */
const PIECE =
  /(\s+|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|"([^"\\\n]*(?:\\[\s\S][^"\\\n]*)*)"?|'([^'\\\n]*(?:\\[\s\S][^'\\\n]*)*)'?|([\p{ID_Continue}$]+)|[\s\S]/uy;

/** What stands between a back quote or a brace and the next brace or back quote. */
const TEMPLATE = /([^`\\$]*(?:(?:\\[\s\S]|\$(?!\{))[^`\\$]*)*)(`|\$\{|\\?$)/uy;

/** A regular expression, with its slashes; a bound keeps a text that is none from taking long. */
const PATTERN = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.){0,500}\]){1,1000}\//uy;

/** Words behind which a slash begins a regular expression. */
const BEFORE_PATTERN = new Set(
  ("await case delete do else in instanceof new of return throw typeof void yield").split(" "),
);

/**
 * The relative names that a module imports, each once: `import`, `export … from`, and `import()` with
 * a plain text. A name that is put together while the module runs is not found.
 */
export function localImports(text: string): string[] {
  const found = new Set<string>();
  const before: [string, string] = ["", ""];
  for (const { kind, value } of tokensOf(text)) {
    const isImported = before[1] === "from" || before[1] === "import" ||
      (before[0] === "import" && before[1] === "(");
    if (kind === "text" && isImported && /^\.\.?\//.test(value)) found.add(value);
    before.shift();
    // A text that says "import" is no import.
    before.push(kind === "text" ? "" : value);
  }
  return [...found];
}

function* tokensOf(text: string): Generator<Token> {
  /** For each template that is open, how many braces are open in its `${`. */
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
      // Only a template without any `${` is a plain text.
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

/** Behind a value, a slash divides. */
function mayBePattern({ kind, value }: Token): boolean {
  if (kind === "word") return BEFORE_PATTERN.has(value);
  return kind === "other" && value !== ")" && value !== "]";
}

type Files = Pick<Host, "cwd" | "readFile" | "fileInfo" | "listFolder">;

const HINT = 'What is sent: the test file, the files that it imports, and those in its "files".';

/** What can import something. */
const MODULE = /\.[cm]?[jt]sx?$/;

/**
 * Reads all files.
 *
 * @param path of the test file, relative to the working directory, or absolute.
 * @throws UsageError where its `files` are none, or where there are more of them than can be sent.
 */
export async function testBundle(
  host: Files,
  path: string,
  exports: TestFileExports,
): Promise<FileBundle> {
  const entry = resolve(host.cwd, path);
  const gathered = new Gathering(host);
  await gathered.addModules(entry);
  const folder = dirname(entry);
  const real = (await host.fileInfo(entry))?.realPath ?? entry;
  for (const pattern of patternsOf(exports)) {
    for (const file of await filesOfPattern(host, folder, pattern)) {
      await gathered.add(file, [folder, dirname(real)]);
    }
  }
  return gathered.bundle(entry);
}

/** Names of files that the test file wants to have beside it. */
function patternsOf({ files = [] }: TestFileExports): readonly string[] {
  if (Array.isArray(files) && files.every((one) => typeof one === "string")) return files;
  throw new UsageError(
    'What the test file exports as "files" is no list of names',
    'Such as: export const files = ["accounts.csv", "data/*.json"];',
  );
}

/** Files, and how much they are: too many are refused before they are read. */
class Gathering {
  readonly #host: Files;
  readonly #files = new Map<string, Uint8Array<ArrayBuffer>>();
  #size = 0;

  constructor(host: Files) {
    this.#host = host;
  }

  /** Adds a module with all that it imports. */
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
   * Adds a file; null where it is there already, or where there is none: the text of a module may look
   * like an import that is none.
   *
   * @param within folders of which it has to lie in one when all links are followed; none: anywhere.
   */
  async add(
    path: string,
    within: readonly string[] = [],
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    const facts = this.#files.has(path) ? null : await this.#host.fileInfo(path);
    if (facts === null) return null;
    if (within.length > 0 && !within.some((folder) => facts.realPath.startsWith(folder + sep))) {
      throw new UsageError(`files: ${path} is a link that leads out of the test file's folder`);
    }
    this.#size += facts.size;
    if (this.#size > MAX_BYTES) {
      throw tooMuch(
        `${path} with ${formatBytes(facts.size)} makes it ${formatBytes(this.#size)}`,
        `${MAX_BYTES / 1024 / 1024} MiB`,
      );
    }
    if (this.#files.size === MAX_FILES) {
      throw tooMuch(`${path} is one file more`, `${MAX_FILES} files`);
    }
    const bytes = await this.#read(path);
    this.#files.set(path, bytes);
    return bytes;
  }

  async #read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await this.#host.readFile(path);
    } catch (error) {
      const reason = `${path} cannot be read: ${errorText(error)}`;
      throw new UsageError(`The test file cannot be sent to workers: ${reason}`);
    }
  }

  /** All that was added, below the folder in which all of it lies. */
  bundle(entry: string): FileBundle {
    const root = commonFolder([...this.#files.keys()].map(dirname));
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

/** Null where the name cannot be that of a file. */
function importedPath(name: string, importer: string): string | null {
  try {
    return fileURLToPath(new URL(name, pathToFileURL(importer)));
  } catch {
    return null;
  }
}

function tooMuch(what: string, limit: string): UsageError {
  return new UsageError(
    `The test file cannot be sent to workers: ${what}, and ${limit} are allowed`,
    HINT,
  );
}

/** The lowest folder that all of these are in, or are. */
function commonFolder(folders: readonly string[]): string {
  const isIn = (folder: string): boolean =>
    folders.every((one) => one === folder || one.startsWith(folder.replace(/[/\\]?$/, sep)));
  let folder = folders[0]!;
  while (!isIn(folder) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}
