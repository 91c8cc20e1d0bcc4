/** A connection as bytes, plain or TLS: as much of `Deno.Conn` as aiotest needs. */
export interface ByteStream {
  /** Reads some bytes; resolves with how many, or null at the end of the stream. */
  read(into: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Writes some of the bytes; resolves with how many. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<number>;
  /** Closes it; a read or write under way rejects. */
  close(): void;
}

/** Writes all of the bytes, however few the stream takes at once. */
export async function writeAll(
  stream: Pick<ByteStream, "write">,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await stream.write(rest));
}
