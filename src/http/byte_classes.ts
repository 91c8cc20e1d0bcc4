/**
 * What a byte may be in HTTP/1.1's heads.
 *
 * @module
 */

/** Names and methods are made of these. */
export const TOKEN = 1;
/** Values are made of these: everything printable, tabs, and whatever is beyond ASCII. */
export const TEXT = 2;
/** Spaces and tabs, which may stand around values. */
export const BLANK = 4;

const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** The classes of each of the 256 bytes, as a sum of {@link TOKEN}, {@link TEXT} and {@link BLANK}. */
export const CLASSES: Uint8Array<ArrayBuffer> = Uint8Array.from({ length: 256 }, (_, byte) => {
  const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(String.fromCharCode(byte)) ? TOKEN : 0;
  const blank = byte === SPACE || byte === TAB ? BLANK : 0;
  const text = byte === TAB || (byte >= SPACE && byte !== 0x7f) ? TEXT : 0;
  return token | text | blank;
});

/** Whether all of a text, and at least one character, is in a class. */
export function isAll(text: string, classes: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff || (CLASSES[code]! & classes) === 0) return false;
  }
  return text !== "";
}
