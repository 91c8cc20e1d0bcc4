/**
 * The variables of Postman that have a new value each time, such as `{{$guid}}`.
 *
 * @module
 */

import type { Reference } from "./draft.ts";

/** What makes a dynamic value. */
export interface DynamicValue {
  readonly reference: Reference;
  /** Whether it is only a text with a number, in place of a name or an address. */
  readonly isMadeUp: boolean;
}

/** What makes the value of a dynamic variable; `null` if a variable is none. */
export function dynamicValue(name: string): DynamicValue | null {
  if (!name.startsWith("$")) return null;
  const word = name.slice(1);
  const known = Object.hasOwn(KNOWN, word) ? KNOWN[word]! : null;
  if (known !== null) {
    const [code, type] = known;
    return { reference: { kind: "code", name: word, code, type }, isMadeUp: false };
  }
  if (!/^random[A-Z]\w*$/.test(word)) return null;
  const what = word.slice("random".length);
  const text = what[0]!.toLowerCase() + what.slice(1);
  const code = /email/i.test(what)
    ? `\`user\${${randomBelow(1_000_000)}}@example.com\``
    : /url|uri/i.test(what)
    ? `\`https://example.com/\${${randomBelow(1_000_000)}}\``
    : `\`${text}\${${randomBelow(1_000_000)}}\``;
  return { reference: { kind: "code", name: word, code, type: "string" }, isMadeUp: true };
}

function randomBelow(limit: number): string {
  return `Math.floor(Math.random() * ${limit})`;
}

const UUID = ["crypto.randomUUID()", "string"] as const;
const KNOWN: Readonly<
  Record<string, readonly [code: string, type: "string" | "number" | "boolean"]>
> = {
  guid: UUID,
  randomUUID: UUID,
  timestamp: ["Math.floor(Date.now() / 1000)", "number"],
  isoTimestamp: ["new Date().toISOString()", "string"],
  randomInt: [randomBelow(1_001), "number"],
  randomBoolean: ["Math.random() < 0.5", "boolean"],
  randomIP: [
    `\`192.0.2.\${${randomBelow(256)}}\``,
    "string",
  ],
  randomAlphaNumeric: ["Math.floor(Math.random() * 36).toString(36)", "string"],
};
