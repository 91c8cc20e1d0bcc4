/**
 * A text that matches a regular expression, for values that a schema describes by a pattern.
 *
 * @module
 */

import { type AST, RegExpParser } from "@eslint-community/regexpp";

/** Lengths that a text may have, in characters. */
export interface TextLengths {
  readonly min: number;
  /** Infinity: no limit. */
  readonly max: number;
}

/** How many repetitions beyond the fewest are tried for a text that is too short. */
const MAX_EXTRA = 256;

/**
 * The shortest text that was found to match the pattern, or `null` if none was found: look-around and
 * references back are not solved.
 *
 * @param variant texts for different numbers differ, if the pattern lets them.
 */
export function patternText(
  pattern: string,
  { min, max }: TextLengths,
  variant = 0,
): string | null {
  const read = readPattern(pattern);
  if (read === null) return null;
  let misses = 0;
  for (let extra = 0; extra <= MAX_EXTRA; extra = extra < 8 ? extra + 1 : extra * 2) {
    const text = new PatternWriter(extra, variant).write(read.tree);
    if (text.length > Math.min(max, MAX_LENGTH)) return null;
    for (const tried of [text, text.padEnd(min, "a")]) {
      if (tried.length < min) continue;
      if (read.expression.test(tried)) return tried;
      // Some expressions take a time that doubles with each character to find that a text does not match.
      if (++misses === MAX_MISSES) return null;
    }
  }
  return null;
}

const MAX_MISSES = 6;

/** A longer value is no help to anyone, and a nested quantifier can ask for one that fills the memory. */
const MAX_LENGTH = 2_000;

/** Patterns are meant to be read with the flag `u`, but many were written without it. */
function readPattern(pattern: string): { tree: AST.Pattern; expression: RegExp } | null {
  for (const unicode of [true, false]) {
    try {
      return {
        tree: new RegExpParser().parsePattern(pattern, 0, pattern.length, { unicode }),
        expression: new RegExp(pattern, unicode ? "u" : ""),
      };
    } catch {
      // The other way of reading it may do.
    }
  }
  return null;
}

/** Characters that are tried in this order: those that people expect in a value come first. */
const PREFERRED = [..."abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_ .:/@,+"];

class PatternWriter {
  readonly #extra: number;
  readonly #variant: number;
  #length = 0;

  constructor(extra: number, variant: number) {
    this.#extra = extra;
    this.#variant = variant;
  }

  write(node: AST.Pattern | AST.Group | AST.CapturingGroup): string {
    const alternatives = node.alternatives;
    const chosen = alternatives[this.#variant % alternatives.length]!;
    return chosen.elements.map((element) => this.#element(element)).join("");
  }

  #element(node: AST.Element): string {
    switch (node.type) {
      case "Quantifier":
        return this.#repeated(node);
      case "Group":
      case "CapturingGroup":
        return this.write(node);
      case "Character":
        return this.#counted(String.fromCodePoint(node.value));
      case "CharacterClass":
      case "CharacterSet":
      case "ExpressionCharacterClass":
        return this.#counted(this.#oneOf(node.raw));
      case "Assertion":
      case "Backreference":
        return "";
    }
  }

  #repeated({ element, min, max }: AST.Quantifier): string {
    let text = "";
    for (let count = 0; count < Math.min(max, min + this.#extra); count++) {
      // An assertion can have a quantifier in old patterns, and matches nothing.
      if (element.type === "Assertion" || this.#length > MAX_LENGTH) break;
      text += this.#element(element);
    }
    return text;
  }

  #counted(text: string): string {
    this.#length += text.length;
    return text;
  }

  /** A character of a class, which the regular expression engine itself decides. */
  #oneOf(characterClass: string): string {
    const one = classTest(characterClass);
    const found = PREFERRED.filter((character) => one.test(character));
    if (found.length > 0) return found[(this.#variant + this.#length) % found.length]!;
    for (let code = 0x20; code < 0x3000; code++) {
      const character = String.fromCharCode(code);
      if (one.test(character)) return character;
    }
    return "";
  }
}

function classTest(characterClass: string): RegExp {
  try {
    return new RegExp(`^${characterClass}$`, "u");
  } catch {
    return new RegExp(`^${characterClass}$`);
  }
}
