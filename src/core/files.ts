/**
 * Files that are read from their beginning and written at their end.
 *
 * @module
 */

import { dirname, join } from "node:path";

/** An open file that no other process has open in this way. */
export interface DiskFile {
  /** How many bytes it has. */
  size(): number;
  /** Reads the next bytes, from the beginning on; resolves with how many, or null at the end. */
  read(into: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Cuts off all that is behind so many bytes. */
  truncate(length: number): void;
  /**
   * Adds all of the bytes to the end before it returns. From then on they outlive this process, but
   * not the machine: nothing waits for the disk.
   */
  append(bytes: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** How to open a {@link DiskFile}. */
export interface OpenOptions {
  /** Whether the file is made where there is none. */
  readonly create: boolean;
}

/**
 * Opens a file, and leaves it as it is.
 *
 * @throws `Deno.errors.NotFound` and its like; `Deno.errors.Busy` where another process has it open.
 */
export function openFile(path: string, { create }: OpenOptions): DiskFile {
  const file = Deno.openSync(path, { read: true, append: true, create });
  // The system takes the lock back when the process ends, in whatever way it does.
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

/** What is known of a file without reading it. */
export interface FileInfo {
  /** Bytes. */
  readonly size: number;
  /** Where it lies when all links on the way to it are followed. */
  readonly realPath: string;
}

/** Something in a folder. */
export interface FolderEntry {
  readonly name: string;
  /** A link counts as what it leads to, unless that is a folder: nobody wants to go in circles. */
  readonly kind: "file" | "folder";
}

/** Null where there is no such file. */
export async function fileInfo(path: string): Promise<FileInfo | null> {
  try {
    const { isFile, size } = await Deno.stat(path);
    return isFile ? { size, realPath: await Deno.realPath(path) } : null;
  } catch (error) {
    if (isNothing(error)) return null;
    throw error;
  }
}

/** Files and folders in a folder, by name; none where there is no such folder. */
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
    if (isNothing(error)) return [];
    throw error;
  }
}

function isNothing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/** A new folder that only this user can look into. */
export interface PrivateFolder {
  /** Without links in it. */
  readonly path: string;
  /**
   * Writes a new file, and makes the folders that it lies in; rejects with
   * `Deno.errors.AlreadyExists` and its like.
   *
   * @param name relative to the folder, its parts between slashes; nobody checks that it stays inside.
   */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Removes it with all that is in it; one that is gone already is ignored. */
  remove(): void;
}

/** Makes a folder that goes when the process ends, unless a signal kills the process. */
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
