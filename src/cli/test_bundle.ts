/**
 * What a master sends to workers that have no test file: its own, the modules that it imports, and
 * the data files that it names.
 *
 * @module
 */

import { dirname, extname, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type BundledFile, FileBundle, MAX_BYTES, MAX_FILES } from "../cluster/file_bundle.ts";
import { errorText, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { formatBytes } from "../report/quantity.ts";
import { filesOfPattern } from "./file_patterns.ts";
import { localImports } from "./import_scanner.ts";
import type { TestFileExports } from "./test_file.ts";

type Files = Pick<Host, "cwd" | "readFile" | "fileFacts" | "listFolder">;

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
  const real = (await host.fileFacts(entry))?.realPath ?? entry;
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
    const facts = this.#files.has(path) ? null : await this.#host.fileFacts(path);
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
