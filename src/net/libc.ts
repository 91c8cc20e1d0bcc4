/**
 * The C library of Linux, called directly: sockets and epoll.
 *
 * The runtime has several pitfalls here:
 *
 * - 64-bit parameters and results are BigInts or take a slow path. Lengths are therefore `u32` where C has
 *   `size_t`, and results `i32` where it has `ssize_t`: both architectures pass them in registers, and no
 *   call here moves 2 GB.
 * - `errno` belongs to a thread. Its address is asked for once on the main thread, and it must be read
 *   directly after the call, before other code makes a system call.
 * - A `nonblocking` call runs on a thread of the runtime. Its buffers must stay reachable until it ends, and
 *   it keeps the process alive. What it leaves in `errno` cannot be read.
 * - Typed arrays of 64 bytes or less move when they are first passed: V8 keeps them on its own heap until
 *   then. They must not be passed to a `nonblocking` call or kept by the callee.
 *
 * @module
 */

import os from "node:os";
import { messageText } from "../core/errors.ts";

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  /** On another thread. */
  poll: { parameters: ["buffer", "u32", "i32"], result: "i32", nonblocking: true },
  inet_pton: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  strerror: { parameters: ["i32"], result: "pointer" },
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of libc that sockets need. */
export type LibcSymbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** The loaded library. */
export interface Libc {
  readonly symbols: LibcSymbols;
  /** The number of the last error on the main thread, as its only element. */
  readonly errno: Int32Array;
}

/** glibc, and musl by architecture. */
function libraryNames(): readonly string[] {
  return ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`];
}

/**
 * Loads the C library. Call it on Linux only.
 *
 * @returns the library, or why it cannot be used. The runtime never asks for permission.
 */
export function loadLibc(): Libc | string {
  if (typeof Deno.dlopen !== "function") return "the runtime has no FFI";
  let reason = "";
  for (const name of libraryNames()) {
    // Without permission, `dlopen` would ask for it on a terminal.
    if (Deno.permissions.querySync({ name: "ffi", path: name }).state !== "granted") {
      return "the runtime was not given permission for FFI";
    }
    try {
      const { symbols } = Deno.dlopen(name, SYMBOLS);
      const address = symbols.__errno_location();
      if (address === null) return `${name} has no errno`;
      const errno = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(address, 4));
      return { symbols, errno };
    } catch (error) {
      // The first library is the usual one, so its error says most.
      reason ||= `${name} cannot be loaded: ${messageText(error)}`;
    }
  }
  return reason;
}

/** An error of the system, such as the runtime throws it: with a code, and a message with its number. */
export class SystemError extends Error {
  /** The name of the error: `ECONNREFUSED`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** If a number has two names, the first one is the usual one: EAGAIN, not EWOULDBLOCK. */
const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(os.constants.errno).map(([name, number]): [number, string] => [number, name])
    .reverse(),
);

/** The number of an error of this system, or -1. */
export function errorNumber(code: keyof typeof os.constants.errno): number {
  return os.constants.errno[code] ?? -1;
}

/** Describes an error number. */
export function systemError({ symbols }: Libc, number: number): SystemError {
  const text = symbols.strerror(number);
  const message = text === null ? "Unknown error" : Deno.UnsafePointerView.getCString(text);
  return new SystemError(NAMES.get(number) ?? `E${number}`, `${message} (os error ${number})`);
}
