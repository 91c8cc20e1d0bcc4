/**
 * Arguments of benchmarks.
 *
 * @module
 */

/**
 * The number that an argument gives.
 *
 * @throws where it is none, or not above 0.
 */
export function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new Error(`--${name} ${text}: it takes a number above 0`);
}

/**
 * The names that an argument lists; all of them where it is empty.
 *
 * @throws where one of them is unknown.
 */
export function chosen<Name extends string>(
  flag: string,
  text: string,
  known: readonly Name[],
): readonly Name[] {
  const names = text.split(",").filter((name) => name !== "");
  const unknown = names.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) {
    throw new Error(`--${flag} ${unknown}: there is no such name, but ${known.join(", ")}`);
  }
  return names.length === 0 ? known : known.filter((name) => names.includes(name));
}
