/**
 * The thread that compresses and writes a file; see `stream_files.ts`.
 *
 * @module
 */

import { gzipSync } from "node:zlib";
import { systemReason } from "./errors.ts";

/** What the thread is to do next, after its reply to the message before. */
export type GzipMessage =
  | { readonly kind: "open"; readonly path: string }
  | { readonly kind: "write"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "clear" | "close" };

/** How it went. */
export interface GzipReply {
  /** In plain words; `null` if there was none. */
  readonly problem: string | null;
}

/** Lines that resemble each other become a tenth with it. The next levels need three to nine times as long. */
const LEVEL = 1;

let file: Deno.FsFile | null = null;
let size = 0;

function handle(message: GzipMessage): void {
  switch (message.kind) {
    case "open":
      file = Deno.openSync(message.path, { write: true, create: true, truncate: true });
      return;
    case "write":
      return append(file!, gzipSync(message.bytes, { level: LEVEL }));
    case "clear":
      file!.truncateSync(0);
      file!.seekSync(0, Deno.SeekMode.Start);
      size = 0;
      return;
    case "close":
      return file!.close();
  }
}

function append(to: Deno.FsFile, bytes: Uint8Array): void {
  try {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(to.writeSync(rest));
    size += bytes.length;
  } catch (error) {
    removeTorn(to);
    throw error;
  }
}

/** A part of a member would make the whole file look corrupt. */
function removeTorn(from: Deno.FsFile): void {
  try {
    from.truncateSync(size);
  } catch {
    // A device or a pipe.
  }
}

const thread = globalThis as unknown as {
  onmessage: ((event: MessageEvent<GzipMessage>) => void) | null;
  postMessage(reply: GzipReply): void;
};

thread.onmessage = ({ data }) => {
  let problem: string | null = null;
  try {
    handle(data);
  } catch (error) {
    problem = systemReason(error);
  }
  thread.postMessage({ problem });
};
