/**
 * Files that a run writes: reports, which are complete or missing, and logs, which grow line by line.
 *
 * @module
 */

import { basename, dirname, join, resolve } from "node:path";
import { crc32 } from "node:zlib";
import { systemClock } from "./clock.ts";
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
   * Writes all texts, in place of those that were written before. If that fails, nothing remains of them, except
   * in a device or pipe. The texts are made while they are written, between which other code runs.
   *
   * A file is written under another name first, so no reader ever sees a part of it; and it is on the disk before
   * it has its own name, so that this also holds if the machine loses power.
   *
   * @param reserve has the descriptor for the file.
   */
  write(texts: Iterable<string>, reserve?: DescriptorReserve): Promise<void>;
}

/** File descriptors that are kept for later, so that nothing else can use up all of them. */
export interface DescriptorReserve {
  /** Opens or closes a file with one of them. Afterwards, as many are kept as there are. */
  use<Result>(change: () => Result): Result;
  /** Keeps none any more. */
  release(): void;
}

const NO_RESERVE: DescriptorReserve = { use: (change) => change(), release: () => {} };

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

  async write(texts: Iterable<string>, reserve = NO_RESERVE): Promise<void> {
    await plainly(() =>
      this.#canReplace ? this.#writeNew(texts, reserve) : this.#writeInPlace(texts, reserve)
    );
  }

  async #writeNew(texts: Iterable<string>, reserve: DescriptorReserve): Promise<void> {
    const temporary = temporaryPath(this.#path);
    const remove = (): void => removeIfThere(temporary);
    globalThis.addEventListener("unload", remove);
    try {
      const file = reserve.use(() => createTemporary(temporary));
      try {
        await writeAll(file, texts);
        await syncData(file);
      } finally {
        reserve.use(() => file.close());
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

  async #writeInPlace(texts: Iterable<string>, reserve: DescriptorReserve): Promise<void> {
    const options = { write: true, create: true, truncate: true };
    const file = reserve.use(() => Deno.openSync(this.#path, options));
    try {
      await writeAll(file, texts);
      await syncData(file);
    } catch (error) {
      await file.truncate().catch(() => {});
      throw error;
    } finally {
      reserve.use(() => file.close());
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

  /** Whether files can be created beside this one; throws if that is necessary, or if the disk is full. */
  #probe(): boolean {
    const problem = problemBeside(this.#path);
    if (problem !== null && this.#old === null) throw problem;
    return problem === null;
  }
}

/** As much as a small report takes. */
const PROBE_BYTES = 4096;

/**
 * Creates a file beside another one, writes to it, and removes it.
 *
 * @returns why nothing can be created there; `null` if something can.
 * @throws Error of the system if there is no space for what is written.
 */
function problemBeside(path: string): Error | null {
  const probe = temporaryPath(path);
  let file: Deno.FsFile;
  try {
    file = createTemporary(probe);
  } catch (error) {
    return error as Error;
  }
  try {
    for (let rest = new Uint8Array(PROBE_BYTES); rest.length > 0;) {
      rest = rest.subarray(file.writeSync(rest));
    }
    return null;
  } finally {
    file.close();
    removeIfThere(probe);
  }
}

/** Opens a file that grows line by line. @throws Error whose message is in plain words. */
export function openLogFile(path: string): LogFile {
  const file = plainly(() => {
    const place = withoutLinks(path);
    const file = Deno.openSync(place, { append: true, create: true });
    if (file.statSync().isFile) problemBeside(place);
    return file;
  });
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

/**
 * The name is hidden, so that patterns such as `*.xml` do not match it, and short. It is always the same for one
 * file, so that what a process has left that was killed while it wrote is replaced by the next one.
 */
function temporaryPath(path: string): string {
  return join(dirname(path), `.aiotest-${crc32(basename(path)).toString(16).padStart(8, "0")}.tmp`);
}

/** Creates a file, in place of one that was left. A link that another user has put there is not followed. */
function createTemporary(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, createNew: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    Deno.removeSync(path);
    return Deno.openSync(path, { write: true, createNew: true });
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It was not created, or it has its final name.
  }
}

/** How long texts are made before other code runs, in milliseconds. */
const SLICE_MS = 4;

async function writeAll(file: Deno.FsFile, texts: Iterable<string>): Promise<void> {
  let endsAt = systemClock.now() + SLICE_MS;
  for (const part of encodedParts(texts, () => systemClock.now() >= endsAt)) {
    for (let rest = part; rest.length > 0;) rest = rest.subarray(await file.write(rest));
    endsAt = systemClock.now() + SLICE_MS;
  }
}

/** Waits until a file is on the disk. Not all file systems can say so. */
async function syncData(file: Deno.FsFile): Promise<void> {
  try {
    await file.syncData();
  } catch (error) {
    if (!UNSUPPORTED.has((error as { code?: string }).code ?? "")) throw error;
  }
}

const UNSUPPORTED: ReadonlySet<string> = new Set(["EINVAL", "ENOTSUP", "ENOSYS"]);

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
