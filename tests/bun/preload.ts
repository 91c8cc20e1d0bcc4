/**
 * Lets bun run tests that were written for Deno, as long as they want no more of it than this.
 *
 * @module
 */

import process from "node:process";
import { inspect } from "node:util";
import { test } from "bun:test";

/** All of Deno that tests under bun, and what they test, may use. */
export const neutral = {
  test: (name: string, body: () => void | Promise<void>): void => test(name, body),
  env: { get: (name: string): string | undefined => process.env[name] },
  inspect: (value: unknown): string => inspect(value),
};

Object.assign(globalThis, { Deno: neutral });
