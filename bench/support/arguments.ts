/**
 * Arguments of benchmarks.
 *
 * @module
 */

/**
 * Parses a number.
 *
 * @throws if it is not a number above 0.
 */
export function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new Error(`--${name} ${text}: must be a number above 0`);
}

/**
 * Parses a list of names; an empty list means all.
 *
 * @throws if a name is unknown.
 */
export function chosen<Name extends string>(
  flag: string,
  text: string,
  known: readonly Name[],
): readonly Name[] {
  const names = text.split(",").filter((name) => name !== "");
  const unknown = names.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) {
    throw new Error(`--${flag} ${unknown}: unknown name; known are ${known.join(", ")}`);
  }
  return names.length === 0 ? known : known.filter((name) => names.includes(name));
}
