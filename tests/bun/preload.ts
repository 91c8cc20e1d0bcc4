/**
 * Makes bun run tests that were written for Deno, if `Deno.test` is all that they use of Deno.
 *
 * @module
 */

import process from "node:process";
import { inspect } from "node:util";
import { test } from "bun:test";

/** The part of Deno that tests under bun, and the tested code, can use. */
export const neutral = {
  test: (name: string, body: () => void | Promise<void>): void => test(name, body),
  env: { get: (name: string): string | undefined => process.env[name] },
  inspect: (value: unknown): string => inspect(value),
};

Object.assign(globalThis, { Deno: neutral });
