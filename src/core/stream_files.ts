/**
 * Files that grow by large parts while the process does something else: as they are, or compressed.
 *
 * @module
 */

import { systemReason } from "./errors.ts";
import type { GzipMessage, GzipReply } from "./gzip_thread.ts";

/** A file that grows by parts. One call at a time; each rejects with an Error in plain words. */
export interface StreamFile {
  /** Writes all bytes, which must not change meanwhile. A part that cannot be written leaves nothing behind. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Removes everything that was written. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** How a {@link StreamFile} is written. */
export interface StreamFileOptions {
  /**
   * Whether each part becomes a member of a gzip file, so that everything can be read up to the last part. A thread
   * compresses them: on the thread of the users, that would take longer than sending the requests.
   */
  readonly gzip: boolean;
}

/** Creates a file, or replaces the contents of one. Rejects with an Error in plain words. */
export async function openStreamFile(
  path: string,
  { gzip }: StreamFileOptions,
): Promise<StreamFile> {
  const file = gzip ? new GzipFile() : new PlainFile();
  await file.open(path);
  return file;
}

class PlainFile implements StreamFile {
  #file: Deno.FsFile | null = null;
  #size = 0;

  open(path: string): Promise<void> {
    return plainly(async () => {
      this.#file = await Deno.open(path, { write: true, create: true, truncate: true });
    });
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return plainly(async () => {
      const file = this.#file!;
      try {
        for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
        this.#size += bytes.length;
      } catch (error) {
        await file.truncate(this.#size).catch(() => {});
        throw error;
      }
    });
  }

  clear(): Promise<void> {
    return plainly(async () => {
      const file = this.#file!;
      await file.truncate(0);
      await file.seek(0, Deno.SeekMode.Start);
      this.#size = 0;
    });
  }

  close(): Promise<void> {
    return plainly(() => {
      this.#file!.close();
      return Promise.resolve();
    });
  }
}

async function plainly(access: () => Promise<void>): Promise<void> {
  try {
    await access();
  } catch (error) {
    throw new Error(systemReason(error), { cause: error });
  }
}

/** A file of which a thread compresses and writes the parts. */
class GzipFile implements StreamFile {
  readonly #thread: Worker;
  #reply: PromiseWithResolvers<void> | null = null;

  constructor() {
    this.#thread = new Worker(new URL("./gzip_thread.ts", import.meta.url).href, {
      type: "module",
      name: "gzip",
    });
    this.#thread.onmessage = ({ data: { problem } }: MessageEvent<GzipReply>) => {
      if (problem === null) this.#reply?.resolve();
      else this.#reply?.reject(new Error(problem));
    };
    this.#thread.onerror = (event) => {
      event.preventDefault();
      this.#reply?.reject(new Error(event.message));
    };
  }

  async open(path: string): Promise<void> {
    try {
      await this.#ask({ kind: "open", path });
    } catch (error) {
      this.#thread.terminate();
      throw error;
    }
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#ask({ kind: "write", bytes });
  }

  clear(): Promise<void> {
    return this.#ask({ kind: "clear" });
  }

  async close(): Promise<void> {
    try {
      await this.#ask({ kind: "close" });
    } finally {
      this.#thread.terminate();
    }
  }

  #ask(message: GzipMessage): Promise<void> {
    this.#reply = Promise.withResolvers();
    this.#thread.postMessage(message);
    return this.#reply.promise;
  }
}
