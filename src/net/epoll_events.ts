/**
 * The structure `epoll_event`: 32 bits of flags, then 64 bits of data, which here are a descriptor and the
 * generation of the socket that has it.
 *
 * @module
 */

/** Flags of events. */
export const EPOLLIN = 0x001;
export const EPOLLPRI = 0x002;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLRDHUP = 0x2000;
export const EPOLLET = 1 << 31;

/** Where the parts of an event are, in units of 32 bits. Both architectures are little-endian. */
export interface EventLayout {
  /** The size of an event. */
  readonly size: number;
  /** Where its data are. */
  readonly data: number;
}

/** The layout of an architecture. Only x86-64 packs the structure, for compatibility with 32-bit programs. */
export function eventLayout(arch: string): EventLayout {
  return arch === "x86_64" ? { size: 3, data: 1 } : { size: 4, data: 2 };
}

/** A list of events that the system fills, or one that it reads. */
export class EpollEvents {
  readonly words: Int32Array<ArrayBuffer>;
  readonly capacity: number;
  readonly #layout: EventLayout;

  constructor(layout: EventLayout, capacity: number) {
    this.words = new Int32Array(layout.size * capacity);
    this.capacity = capacity;
    this.#layout = layout;
  }

  flags(index: number): number {
    return this.words[index * this.#layout.size]!;
  }

  descriptor(index: number): number {
    return this.words[index * this.#layout.size + this.#layout.data]!;
  }

  generation(index: number): number {
    return this.words[index * this.#layout.size + this.#layout.data + 1]!;
  }

  set(index: number, flags: number, descriptor: number, generation: number): void {
    const at = index * this.#layout.size;
    this.words[at] = flags;
    this.words[at + this.#layout.data] = descriptor;
    this.words[at + this.#layout.data + 1] = generation;
  }
}
