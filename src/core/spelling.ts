/**
 * Finds the word that a misspelled one was meant to be.
 *
 * @module
 */

/** How a word is compared with known ones. */
export interface Nearness<Word extends string> {
  /** What other programs call the known words, in lower case and without dashes and underscores. */
  readonly otherNames?: ReadonlyMap<string, Word>;
  /** The number of letters for which one mistake is allowed. Default: 3. A short word may have one mistake. */
  readonly lettersPerMistake?: number;
}

/** The nearest of some known words; `null` if none is near. Case, dashes and underscores do not matter. */
export function nearestWord<Word extends string>(
  word: string,
  known: readonly Word[],
  { otherNames, lettersPerMistake = 3 }: Nearness<Word> = {},
): Word | null {
  const plain = plainWord(word);
  const foreign = otherNames?.get(plain);
  if (foreign !== undefined) return foreign;
  if (plain.length > MAX_LENGTH) return null;
  const distances = known.map((one) => distance(plain, plainWord(one)));
  const least = Math.min(...distances);
  return least <= Math.max(1, Math.floor(plain.length / lettersPerMistake))
    ? known[distances.indexOf(least)]!
    : null;
}

/** Whether two words differ only in case, dashes and underscores. */
export function isSameWord(one: string, other: string): boolean {
  return plainWord(one) === plainWord(other);
}

/** `Did you mean WORD?`, or what else helps if no known word is near. */
export function didYouMean(nearest: string | null, otherwise: string): string {
  return nearest === null ? otherwise : `Did you mean ${nearest}?`;
}

/** Longer words are not names that someone has misspelled. */
const MAX_LENGTH = 60;

function plainWord(word: string): string {
  return word.toLowerCase().replaceAll(/[-_\s]/g, "");
}

/** How many letters must be added, left out, changed or swapped to turn one text into another. */
function distance(one: string, other: string): number {
  let before: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let line = 0; line < one.length; line++) {
    const next = [line + 1];
    for (let column = 0; column < other.length; column++) {
      const changed = row[column]! + (one[line] === other[column] ? 0 : 1);
      const isSwapped = line > 0 && column > 0 && one[line] === other[column - 1] &&
        one[line - 1] === other[column];
      const swapped = isSwapped ? before[column - 1]! + 1 : Infinity;
      next.push(Math.min(row[column + 1]! + 1, next[column]! + 1, changed, swapped));
    }
    [before, row] = [row, next];
  }
  return row.at(-1)!;
}
