/**
 * Files and folders: locked files that grow at the end, information about files, private folders, and what
 * Linux shows of a process as files.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { identityOf } from "./output_files.ts";

/** An open file with an exclusive lock. It is read from the start and written at the end. */
export interface DiskFile {
  /** The size in bytes. */
  size(): number;
  /** Reads the next bytes; resolves with their number, or `null` at the end of the file. */
  read(into: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Removes everything after the first `length` bytes. */
  truncate(length: number): void;
  /**
   * Appends all bytes before it returns. They then survive the end of this process, but not a crash of
   * the machine: the file is not synced to disk.
   */
  append(bytes: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** How to open a {@link DiskFile}. */
export interface OpenOptions {
  /** Whether to create the file if it does not exist. */
  readonly create: boolean;
}

/**
 * Opens and locks a file without changing it.
 *
 * @throws `Deno.errors.NotFound` and other errors of the system; `Deno.errors.Busy` if the file is
 *   already open as a `DiskFile`.
 */
export function openFile(path: string, { create }: OpenOptions): DiskFile {
  const file = Deno.openSync(path, { read: true, append: true, create });
  // The system releases the lock when the process ends, however it ends.
  if (!file.tryLockSync(true)) {
    file.close();
    throw new Deno.errors.Busy("another process has it open");
  }
  return {
    size: () => file.statSync().size,
    read: (into) => file.read(into),
    truncate: (length) => file.truncateSync(length),
    append(bytes): void {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
    },
    close: () => file.close(),
  };
}

/**
 * What Linux says about this process, by the name of a file in /proc/self. `null` on other systems, and if
 * the runtime refuses: it does unless it has all permissions, which it lacks with `--deny-ffi`.
 */
export function aboutThisProcess(name: "cmdline" | "limits" | "status"): string | null {
  if (Deno.build.os !== "linux") return null;
  try {
    return Deno.readTextFileSync(`/proc/self/${name}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return null;
    throw error;
  }
}

/**
 * Reads a whole file. A pipe is read only if the shell has opened it for this process, as with `<(…)`: any
 * other one could have no writer for ever.
 *
 * @throws `Deno.errors.NotFound` and other errors of the system; an Error whose message says what it is if it
 *   is no file.
 */
export async function readWholeFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const info = await Deno.stat(path);
  const kind = OTHER_KINDS.find(([kind]) => info[kind])?.[1];
  if (kind !== undefined && !OPEN_PIPE.test(path)) throw new Error(`it is ${kind}, not a file`);
  return await Deno.readFile(path);
}

/** What a path can lead to instead of a file. The runtime has an error of its own for directories. */
const OTHER_KINDS = [
  ["isFifo", "a named pipe"],
  ["isSocket", "a socket"],
  ["isCharDevice", "a device"],
  ["isBlockDevice", "a device"],
] as const;

const OPEN_PIPE = /^\/(dev\/(fd\/\d+|stdin)|proc\/(self|\d+)\/fd\/\d+)$/;

/** What is known about a file without reading it. */
export interface FileInfo {
  /** In bytes. */
  readonly size: number;
  /** The absolute path without links. */
  readonly realPath: string;
  /** As {@link OutputFile.identity}. */
  readonly identity: string;
}

/** One entry of a folder. */
export interface FolderEntry {
  readonly name: string;
  /** A link counts as a file, even if it leads to a folder, so that searches cannot loop. */
  readonly kind: "file" | "folder";
}

/** Information about a file; `null` if there is no such file. */
export async function fileInfo(path: string): Promise<FileInfo | null> {
  try {
    const info = await Deno.stat(path);
    if (!info.isFile) return null;
    const realPath = await Deno.realPath(path);
    return { size: info.size, realPath, identity: identityOf(realPath, info) };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** The entries of a folder, sorted by name; empty if there is no such folder. */
export async function listFolder(path: string): Promise<FolderEntry[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(path));
    return entries
      .map(({ name, isDirectory }): FolderEntry => ({
        name,
        kind: isDirectory ? "folder" : "file",
      }))
      .sort((a, b) => a.name < b.name ? -1 : 1);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** A file of a folder, as it is now. */
export interface FolderFile {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** In milliseconds since 1970. */
  readonly modifiedAt: number;
}

/**
 * The files of a folder, sorted by name, without links and what else it contains; empty if there is no such
 * folder. A file that is removed in the meantime is left out.
 */
export async function filesIn(path: string): Promise<FolderFile[]> {
  const entries = (await listFolder(path)).filter(({ kind }) => kind === "file");
  const files = await Promise.all(entries.map(async ({ name }): Promise<FolderFile[]> => {
    try {
      const { isFile, size, mtime } = await Deno.lstat(join(path, name));
      return isFile ? [{ name, size, modifiedAt: mtime?.getTime() ?? 0 }] : [];
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }));
  return files.flat();
}

/** Removes a file; does nothing if there is none. Rejects with other errors of the system. */
export async function removeFile(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/** A temporary folder that only the current user can read. */
export interface PrivateFolder {
  /** The absolute path without links. */
  readonly path: string;
  /**
   * Writes a new file and creates its parent folders. Rejects with `Deno.errors.AlreadyExists` and
   * other errors of the system.
   *
   * @param name the path inside the folder, with slashes. It is not checked for leaving the folder.
   */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Removes the folder and its contents; does nothing if the folder does not exist. */
  remove(): void;
}

/** Creates a folder that is removed when the process ends, unless a signal kills the process. */
export function createPrivateFolder(): PrivateFolder {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "aiotest-" }));
  const remove = (): void => {
    globalThis.removeEventListener("unload", remove);
    try {
      Deno.removeSync(path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  };
  globalThis.addEventListener("unload", remove);
  return {
    path,
    async write(name, bytes): Promise<void> {
      const file = join(path, name);
      await Deno.mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await Deno.writeFile(file, bytes, { createNew: true, mode: 0o600 });
    },
    remove,
  };
}
