import type { DiskFile } from "../../src/core/files.ts";

/** A file in memory that can be open only once at a time. */
export class MemoryFile implements DiskFile {
  isOpen = false;
  /** Free space in bytes. Truncating the file frees the removed bytes. */
  room = Infinity;
  #bytes: Uint8Array<ArrayBuffer>;
  #readAt = 0;

  constructor(bytes: Uint8Array<ArrayBuffer> = new Uint8Array()) {
    this.#bytes = bytes;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  /** Called when the file is opened; can throw an error of the system. */
  open(): void {
    if (this.isOpen) throw new Deno.errors.Busy("another process has it open");
    this.isOpen = true;
    this.#readAt = 0;
  }

  size(): number {
    return this.#bytes.length;
  }

  read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    const some = this.#bytes.subarray(this.#readAt, this.#readAt + into.length);
    into.set(some);
    this.#readAt += some.length;
    return Promise.resolve(some.length === 0 ? null : some.length);
  }

  truncate(length: number): void {
    this.room += this.#bytes.length - length;
    this.#bytes = this.#bytes.slice(0, length);
  }

  append(bytes: Uint8Array<ArrayBuffer>): void {
    const before = this.#bytes;
    const written = Math.max(0, Math.min(this.room, bytes.length));
    this.room -= written;
    this.#bytes = new Uint8Array(before.length + written);
    this.#bytes.set(before);
    this.#bytes.set(bytes.subarray(0, written), before.length);
    if (written < bytes.length) throw new Error("No space left on device");
  }

  close(): void {
    this.isOpen = false;
  }
}
