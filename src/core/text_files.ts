/**
 * The text of files that people write and programs export: UTF-8, or UTF-16 with a byte order mark.
 *
 * @module
 */

/** What is accepted, for messages. */
const ACCEPTED = "save it as UTF-8, or as UTF-16 with a byte order mark";

/** The first bytes of files that are often named instead of the text that they contain. */
const OTHER_FORMATS: readonly { readonly head: readonly number[]; readonly what: string }[] = [
  { head: [0x1f, 0x8b], what: "it is compressed with gzip: decompress it first" },
  { head: [0x28, 0xb5, 0x2f, 0xfd], what: "it is compressed with zstd: decompress it first" },
  {
    head: [0x50, 0x4b, 0x03, 0x04],
    what: "it is a ZIP archive, as spreadsheets are: unpack it, or export its rows as CSV in UTF-8",
  },
  {
    head: [0xd0, 0xcf, 0x11, 0xe0],
    what: "it is a document of an office program: export its rows as CSV in UTF-8",
  },
  { head: [0xff, 0xfe, 0x00, 0x00], what: `it is in UTF-32: ${ACCEPTED}` },
  { head: [0x00, 0x00, 0xfe, 0xff], what: `it is in UTF-32: ${ACCEPTED}` },
];

/** A string can have this many UTF-16 units. */
const MAX_UNITS = 0x1fffffe8;

/**
 * Decodes the bytes of a text file. A byte order mark is not part of the text.
 *
 * @throws Error whose message says what is wrong, in which line, and what is accepted. It does not name the
 *   file.
 */
export function decodeTextFile(bytes: Uint8Array<ArrayBuffer>): string {
  const other = OTHER_FORMATS.find(({ head }) => startsWith(bytes, head));
  if (other !== undefined) throw new Error(other.what);
  const encoding = encodingOf(bytes);
  if (bytes.length / (encoding === "utf-8" ? 1 : 2) > MAX_UNITS) {
    throw new Error("it is too large: at most 512 MB can be read");
  }
  const text = decoded(bytes, encoding);
  const nul = text.indexOf("\0");
  if (nul < 0) return text;
  throw new Error(
    `line ${lineOf(text.slice(0, nul))} has a zero byte, so it is no text: ${ACCEPTED}`,
  );
}

type Encoding = "utf-8" | "utf-16le" | "utf-16be";

function encodingOf(bytes: Uint8Array): Encoding {
  if (startsWith(bytes, [0xff, 0xfe])) return "utf-16le";
  return startsWith(bytes, [0xfe, 0xff]) ? "utf-16be" : "utf-8";
}

function decoded(bytes: Uint8Array<ArrayBuffer>, encoding: Encoding): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new Error(
      encoding === "utf-8"
        ? notUtf8(bytes)
        : `it is not valid ${encoding.toUpperCase()}: ${ACCEPTED}`,
    );
  }
}

/** Says where bytes stop being UTF-8. */
function notUtf8(bytes: Uint8Array<ArrayBuffer>): string {
  // Where the text differs from the bytes, they were replaced.
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const again = new TextEncoder().encode(text);
  let at = 0;
  while (at < bytes.length && bytes[at] === again[at]) at++;
  const line = lineOf(new TextDecoder().decode(bytes.subarray(0, at)));
  const byte = bytes[Math.min(at, bytes.length - 1)]!.toString(16).padStart(2, "0");
  return `line ${line} is not UTF-8 (byte 0x${byte}): ${ACCEPTED}`;
}

/** The number of the line that follows a text. Lines end with LF, CRLF or CR. */
function lineOf(before: string): number {
  return before.split(LINE_END).length;
}

/** What ends a line of a text file. */
export const LINE_END: RegExp = /\r\n|\n|\r/;

function startsWith(bytes: Uint8Array, head: readonly number[]): boolean {
  return head.every((byte, index) => bytes[index] === byte);
}
