import type { Random } from "../core/random.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/**
 * A name for what runs on a machine, where nobody has given it one: there may be more on the same
 * machine, and two workers of one name are not let in.
 *
 * ```ts
 * import { workerName } from "./worker_name.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(workerName("shop-1", () => 0, 4), "shop-1-aaaa");
 * assert.equal(workerName("shop-1", () => 0.999, 4), "shop-1-9999");
 * ```
 *
 * @param length how many letters and digits come behind the host's name.
 */
export function workerName(hostname: string, random: Random, length: number): string {
  const letter = (): string => LETTERS[Math.floor(random() * LETTERS.length)]!;
  return `${hostname}-${Array.from({ length }, letter).join("")}`;
}
