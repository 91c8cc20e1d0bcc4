/**
 * What the statics of a user class may be. A test file in JavaScript, or a careless cast, can set them
 * to anything, and it is better said before the test starts than in the midst of it.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import type { TestOrder, UserClass } from "./user.ts";

const ORDERS: readonly TestOrder[] = ["sequential", "random", "parallel"];

/**
 * Checks the statics that every user class has.
 *
 * @param name the class's name, for messages.
 * @throws UsageError that names the class, the static, its value and what is accepted.
 */
export function checkClassSettings(name: string, userClass: UserClass): void {
  const check = (setting: keyof UserClass, isGood: (value: unknown) => boolean, needs: string) => {
    const value: unknown = userClass[setting];
    if (isGood(value)) return;
    throw new UsageError(`${name}.${setting} is ${show(value)}: ${needs} is needed`);
  };
  check("weight", isCount, "a whole number of 0 or more");
  check("fixedCount", isCount, "a whole number of 1 or more, or 0 for none,");
  check("iterations", isCount, "a whole number of 1 or more, or 0 for no end,");
  check("waitTime", isWaitTime, "a number of seconds, 0 or more, or a function");
  check("order", (value) => ORDERS.some((order) => order === value), `one of ${orderNames()}`);
  check("host", (value) => typeof value === "string", 'a text, like "http://127.0.0.1:8000",');
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isWaitTime(value: unknown): boolean {
  return typeof value === "function" || (Number.isFinite(value) && (value as number) >= 0);
}

function orderNames(): string {
  return ORDERS.map((order) => `"${order}"`).join(", ");
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
