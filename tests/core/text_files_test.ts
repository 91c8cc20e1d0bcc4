import assert from "node:assert/strict";
import { decodeTextFile } from "../../src/core/text_files.ts";

/** One byte for each character. */
function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function refusal(content: Uint8Array<ArrayBuffer>): string {
  try {
    return `read: ${decodeTextFile(content)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

const TEXT = "name\nMüller\r\n李 😀";

Deno.test("UTF-8 is read with and without byte order mark, and UTF-16 with one", () => {
  const utf8 = new TextEncoder().encode(TEXT);
  assert.equal(decodeTextFile(utf8), TEXT);
  assert.equal(decodeTextFile(Uint8Array.of(0xef, 0xbb, 0xbf, ...utf8)), TEXT);
  const units = Array.from({ length: TEXT.length }, (_, index) => TEXT.charCodeAt(index));
  const little = units.flatMap((unit) => [unit & 0xff, unit >> 8]);
  const big = units.flatMap((unit) => [unit >> 8, unit & 0xff]);
  assert.equal(decodeTextFile(Uint8Array.of(0xff, 0xfe, ...little)), TEXT);
  assert.equal(decodeTextFile(Uint8Array.of(0xfe, 0xff, ...big)), TEXT);
  assert.equal(decodeTextFile(bytes("")), "");
  assert.equal(decodeTextFile(bytes("\xef\xbb\xbf")), "");
});

Deno.test("what is no text is refused with its line, its byte and what is accepted", () => {
  const accepted = "save it as UTF-8, or as UTF-16 with a byte order mark";
  for (
    const [content, message] of [
      ["a\r\nb\rM\xfcller", `line 3 is not UTF-8 (byte 0xfc): ${accepted}`],
      ["cut \xe2\x82", `line 1 is not UTF-8 (byte 0xe2): ${accepted}`],
      ["a\nb\0c", `line 2 has a zero byte, so it is no text: ${accepted}`],
      ["a\0b\0", `line 1 has a zero byte, so it is no text: ${accepted}`],
      ["\xff\xfea", `it is not valid UTF-16LE: ${accepted}`],
      ["\xfe\xff\xd8\x00", `it is not valid UTF-16BE: ${accepted}`],
      ["\xff\xfe\0\0a\0\0\0", `it is in UTF-32: ${accepted}`],
      ["\x1f\x8b\x08", "it is compressed with gzip: decompress it first"],
      [
        "PK\x03\x04",
        "it is a ZIP archive, as spreadsheets are: unpack it, or export its rows as CSV in UTF-8",
      ],
    ] as const
  ) assert.equal(refusal(bytes(content)), message);
});
