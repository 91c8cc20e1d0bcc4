/**
 * Files that a run writes: reports, which are complete or missing, and logs, which grow line by line.
 *
 * @module
 */

import { basename, dirname, join, resolve } from "node:path";
import { systemReason } from "./errors.ts";
import type { Output } from "./output.ts";
import { encodedParts, textParts } from "./text.ts";

/** A file that is written as a whole. Its errors have messages in plain words. */
export interface OutputFile {
  /**
   * Is the same for all paths and links that lead to one file. `null` for a device, a pipe and a stream of
   * this process, which several outputs can share.
   */
  readonly identity: string | null;
  /** Removes what was written before, so that it cannot be taken for the new content; throws if it cannot. */
  clear(): void;
  /**
   * Writes all texts. If that fails, nothing remains of them, except in a device or pipe.
   *
   * A file is written under another name first, so no reader ever sees a part of it.
   */
  write(texts: Iterable<string>): Promise<void>;
}

/** A file that grows line by line. */
export interface LogFile {
  /** Why a line could not be written, in plain words; `null` if all were. */
  readonly problem: string | null;
  /** Appends a line before it returns. Never throws. Returns {@link problem} the first time it occurs. */
  append(line: string): string | null;
}

/** The standard streams of this process. */
export interface StandardOutputs {
  readonly stdout: Output;
  readonly stderr: Output;
}

/**
 * Checks that a file can be written. It changes nothing, and creates nothing that remains.
 *
 * @throws Error whose message says in plain words why it cannot be written.
 */
export function openOutputFile(path: string, { stdout, stderr }: StandardOutputs): OutputFile {
  return plainly(() => {
    const place = withoutLinks(path);
    if (/^\/(dev\/stdout|(dev|proc\/self)\/fd\/1)$/.test(place)) return streamFile(stdout);
    if (/^\/(dev\/stderr|(dev|proc\/self)\/fd\/2)$/.test(place)) return streamFile(stderr);
    const info = statOf(place);
    if (info?.isDirectory) throw new Error("it is a directory");
    if (info?.isSocket) throw new Error("it is a socket");
    if (info?.isCharDevice) Deno.openSync(place, { write: true }).close();
    if (info !== null && (!info.isFile || OPEN_FILE.test(place))) return directFile(place);
    return new WholeFile(place, info);
  });
}

/** Paths of files that a process has opened, which must not be replaced: it would keep the old one. */
const OPEN_FILE = /^\/(dev|proc\/[^/]+)\/fd\//;

/** A standard stream of this process as a file. */
function streamFile(output: Output): OutputFile {
  return sharedFile(async (texts) => {
    for (const text of textParts(texts)) {
      output.write(text);
      await output.flush();
      if (output.problem !== null) throw new Error(output.problem);
    }
  });
}

/** A device or a pipe. */
function directFile(path: string): OutputFile {
  return sharedFile((texts) =>
    plainly(async () => {
      using file = await Deno.open(path, { append: true });
      await writeAll(file, texts);
    })
  );
}

/** A file that several outputs can share. It keeps nothing that {@link OutputFile.clear} could remove. */
function sharedFile(write: OutputFile["write"]): OutputFile {
  return { identity: null, clear: () => {}, write };
}

/** A file on a disk. */
class WholeFile implements OutputFile {
  readonly identity: string;
  readonly #path: string;
  /** The file that is replaced; `null` if there is none. */
  readonly #old: Deno.FileInfo | null;
  /** Whether another file can take its place. */
  #canReplace: boolean;

  /** @param path without links. */
  constructor(path: string, old: Deno.FileInfo | null) {
    this.#path = path;
    this.#old = old;
    this.identity = identityOf(path, old);
    // A file that is write-protected is not replaced either.
    if (old !== null) Deno.openSync(path, { write: true }).close();
    this.#canReplace = this.#probe();
  }

  clear(): void {
    if (this.#old === null) return;
    plainly(() => {
      try {
        if (this.#canReplace) return Deno.removeSync(this.#path);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return;
        // A file that is mounted by itself, as in a container, can only be emptied.
        this.#canReplace = false;
      }
      Deno.truncateSync(this.#path);
    });
  }

  async write(texts: Iterable<string>): Promise<void> {
    await plainly(() => this.#canReplace ? this.#writeNew(texts) : this.#writeInPlace(texts));
  }

  async #writeNew(texts: Iterable<string>): Promise<void> {
    const temporary = temporaryPath(this.#path);
    const remove = (): void => removeIfThere(temporary);
    globalThis.addEventListener("unload", remove);
    try {
      {
        using file = await Deno.open(temporary, { write: true, createNew: true });
        await writeAll(file, texts);
      }
      this.#restoreOwner(temporary);
      await Deno.rename(temporary, this.#path);
    } catch (error) {
      remove();
      throw error;
    } finally {
      globalThis.removeEventListener("unload", remove);
    }
  }

  async #writeInPlace(texts: Iterable<string>): Promise<void> {
    using file = await Deno.open(this.#path, { write: true, create: true, truncate: true });
    try {
      await writeAll(file, texts);
    } catch (error) {
      await file.truncate().catch(() => {});
      throw error;
    }
  }

  /** A file that replaces another one is accessible to the same users. */
  #restoreOwner(path: string): void {
    if (this.#old === null || Deno.build.os === "windows") return;
    const { mode, uid, gid } = this.#old;
    try {
      Deno.chownSync(path, uid, gid);
    } catch {
      // Only the superuser may give a file to another user.
    }
    if (mode !== null) Deno.chmodSync(path, mode & 0o777);
  }

  /** Whether files can be created beside this one; throws if that is necessary. */
  #probe(): boolean {
    const probe = temporaryPath(this.#path);
    try {
      Deno.openSync(probe, { write: true, createNew: true }).close();
      Deno.removeSync(probe);
      return true;
    } catch (error) {
      if (this.#old === null) throw error;
      return false;
    }
  }
}

/** Opens a file that grows line by line. @throws Error whose message is in plain words. */
export function openLogFile(path: string): LogFile {
  const file = plainly(() => Deno.openSync(withoutLinks(path), { append: true, create: true }));
  const encoder = new TextEncoder();
  let problem: string | null = null;
  let isTorn = false;
  return {
    get problem(): string | null {
      return problem;
    },
    append(line): string | null {
      try {
        // A line that was cut off must not become a part of this one.
        const start = isTorn ? "\n" : "";
        for (let rest = encoder.encode(`${start}${line}\n`); rest.length > 0;) {
          rest = rest.subarray(file.writeSync(rest));
          isTorn = rest.length > 0;
        }
        return null;
      } catch (error) {
        const isFirst = problem === null;
        problem ??= systemReason(error);
        return isFirst ? problem : null;
      }
    },
  };
}

/** What files on disk have in common that are the same file; see {@link OutputFile.identity}. */
export function identityOf(realPath: string, info: Deno.FileInfo | null): string {
  // Some file systems have numbers that are larger than those that are exact here.
  const isExact = info !== null && info.ino !== null && Number.isSafeInteger(info.ino);
  return isExact && info.ino! > 0 ? `${info.dev}:${info.ino}` : realPath;
}

/** Information about what a path leads to; `null` if there is nothing. */
function statOf(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The path without links, whether or not there is a file. Streams keep their names. */
function withoutLinks(path: string, links = 0): string {
  if (/^\/dev\/std(out|err)$/.test(path) || OPEN_FILE.test(path)) return path;
  const folder = dirname(path);
  let link: string;
  try {
    link = Deno.readLinkSync(path);
  } catch {
    if (statOf(folder) === null) throw new Error(`the directory ${folder} does not exist`);
    return join(Deno.realPathSync(folder), basename(path));
  }
  if (links === MAX_LINKS) throw new Error("too many symbolic links");
  return withoutLinks(resolve(folder, link), links + 1);
}

/** As many as Linux follows. */
const MAX_LINKS = 40;

/** The name is hidden, so that patterns such as `*.xml` do not match it, and short. */
function temporaryPath(path: string): string {
  return join(dirname(path), `.aiotest-${crypto.randomUUID().slice(0, 13)}.tmp`);
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It was not created, or it has its final name.
  }
}

async function writeAll(file: Deno.FsFile, texts: Iterable<string>): Promise<void> {
  for (const part of encodedParts(texts)) {
    for (let rest = part; rest.length > 0;) rest = rest.subarray(await file.write(rest));
  }
}

/** Throws errors of the system with plain words as their message. */
function plainly<Result>(access: () => Result): Result {
  try {
    const result = access();
    if (result instanceof Promise) return result.catch(rethrow) as Result;
    return result;
  } catch (error) {
    return rethrow(error);
  }
}

function rethrow(error: unknown): never {
  throw new Error(systemReason(error), { cause: error });
}
