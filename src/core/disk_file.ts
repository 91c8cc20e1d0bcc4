/**
 * Files that are read from their beginning and written at their end.
 *
 * @module
 */

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
