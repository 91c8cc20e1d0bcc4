/**
 * The errors that the code of users threw. Each is counted by its text and its place together: as one text of
 * two lines, because a text has one line, and tables and messages need no further key for it.
 *
 * @module
 */

/** The longest place, in UTF-16 units. */
export const MAX_PLACE = 180;

/** An error with the place at which it was thrown, to count it by. @param place empty if it is unknown. */
export function withPlace(error: string, place: string): string {
  return place === "" ? error : `${error}\n${place}`;
}

/** The parts of {@link withPlace}. */
export function errorAndPlace(text: string): {
  readonly error: string;
  readonly place: string | null;
} {
  const [error, place = null] = text.split("\n", 2);
  return { error: error!, place };
}
