/**
 * Checks UTF-8 that arrives in parts.
 *
 * @module
 */

/** Tells with the first wrong byte that text is not UTF-8, wherever it is cut. */
export class Utf8Validator {
  /** Bytes of the current character that are missing. */
  #missing = 0;
  /** What the next byte of the character has to be; after the first two bytes, any continuation. */
  #lowest = 0x80;
  #highest = 0xbf;

  /** Checks the next bytes. Returns `false` if they cannot be UTF-8; then the validator is of no more use. */
  accepts(bytes: Uint8Array): boolean {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (this.#missing === 0) {
        if (byte >= 0x80 && !this.#start(byte)) return false;
      } else if (byte < this.#lowest || byte > this.#highest) {
        return false;
      } else {
        this.#missing--;
        this.#lowest = 0x80;
        this.#highest = 0xbf;
      }
    }
    return true;
  }

  /** Takes the first byte of a character beyond ASCII (RFC 3629, section 4). */
  #start(byte: number): boolean {
    if (byte < 0xc2 || byte > 0xf4) return false;
    this.#missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    // No overlong forms, no surrogates, nothing above U+10FFFF.
    if (byte === 0xe0) this.#lowest = 0xa0;
    else if (byte === 0xed) this.#highest = 0x9f;
    else if (byte === 0xf0) this.#lowest = 0x90;
    else if (byte === 0xf4) this.#highest = 0x8f;
    return true;
  }
}
