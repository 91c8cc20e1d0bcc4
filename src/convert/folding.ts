/**
 * What the calls of a class have in common, and where their variables are visible.
 *
 * @module
 */

import { insertedIn, referencesOf } from "./call_texts.ts";
import type { Call, DraftClass, Step, Text } from "./draft.ts";

/** The calls of a class, in the order in which a user makes them. */
export function callsOf({ onStart = [], tests }: DraftClass): Call[] {
  return [onStart, ...tests.map(({ steps }) => steps)].flatMap(callsOfSteps);
}

function callsOfSteps(steps: readonly Step[]): Call[] {
  return steps.flatMap((step) => {
    switch (step.kind) {
      case "call":
        return [step.call];
      case "batch":
        return step.calls;
      case "group":
        return callsOfSteps(step.steps);
      default:
        return [];
    }
  });
}

/**
 * Headers that every call has, with the value that most of them have: of several calls, and without variables.
 * Calls with another value still need theirs.
 */
export function commonHeaders(own: DraftClass): ReadonlyMap<string, Text> {
  const calls = callsOf(own);
  const [first] = calls;
  if (first === undefined || calls.length === 1) return new Map();
  const common = new Map<string, Text>();
  for (const [name] of first.headers) {
    // What describes the body belongs to its call.
    if (name === "content-type" || common.has(name)) continue;
    const values = calls.flatMap(({ headers }) => headers.filter(([other]) => other === name));
    const isEverywhere = calls.every(({ headers }) =>
      headers.filter(([other]) => other === name).length === 1
    );
    if (!isEverywhere) continue;
    const groups = Map.groupBy(values.map(([, value]) => value), (value) => JSON.stringify(value));
    const largest = [...groups.values()].reduce((one, other) =>
      other.length > one.length ? other : one
    );
    const isFixed = insertedIn(largest[0]!).every(({ kind }) =>
      kind === "secret" || kind === "constant"
    );
    if (isFixed && largest.length > 1) common.set(name, largest[0]!);
  }
  return common;
}

/**
 * Headers that a user has from a call on, such as its token: every later call has them, and no earlier one.
 * By the call that saves the last value that the header needs.
 */
export function savedHeaders(
  own: DraftClass,
): ReadonlyMap<Call, readonly (readonly [name: string, value: Text])[]> {
  const calls = callsOf(own);
  const startCalls = callsOfSteps(own.onStart ?? []).length;
  const found = new Map<Call, (readonly [string, Text])[]>();
  for (const [index, call] of calls.entries()) {
    const later = calls.slice(index + 1);
    // Otherwise, calls of the next iteration that come before would have it as well.
    if (later.length < 2 || !(own.newVisitor || index < startCalls)) continue;
    const ownSaves = new Set(call.saves.map(({ variable }) => variable));
    const earlier = new Set(
      calls.slice(0, index).flatMap(({ saves }) => saves.map(({ variable }) => variable)),
    );
    const headers = later[0]!.headers.filter(([name, value]) => {
      const used = insertedIn(value);
      return used.some((one) => one.kind === "variable" && ownSaves.has(one.name)) &&
        used.every((one) =>
          one.kind !== "variable" || ownSaves.has(one.name) || earlier.has(one.name)
        ) &&
        later.every((one) => isOnly(one, name, value)) &&
        calls.slice(0, index + 1).every((one) => one.headers.every(([other]) => other !== name));
    });
    if (headers.length > 0) found.set(call, headers);
  }
  return found;
}

function isOnly({ headers }: Call, name: string, value: Text): boolean {
  const same = headers.filter(([other]) => other === name);
  return same.length === 1 && JSON.stringify(same[0]![1]) === JSON.stringify(value);
}

/** Variables that only the block which saves them uses, and blocks inside it. The others are fields. */
export function localVariables(own: DraftClass): ReadonlySet<string> {
  /** The blocks around each save, from the outside in. */
  const saved = new Map<string, readonly object[]>();
  const local = new Set<string>();
  const visit = (steps: readonly Step[], around: readonly object[]): void => {
    const blocks = [...around, steps];
    for (const step of steps) {
      if (step.kind === "group") visit(step.steps, blocks);
      const calls = step.kind === "call" ? [step.call] : step.kind === "batch" ? step.calls : [];
      for (const call of calls) {
        for (const one of referencesOf(call)) {
          if (one.kind !== "variable") continue;
          const { name } = one;
          if (!blocks.includes(saved.get(name)?.at(-1) ?? {})) local.delete(name);
        }
        for (const { variable } of call.saves) {
          if (saved.has(variable)) local.delete(variable);
          else local.add(variable);
          saved.set(variable, blocks);
        }
      }
    }
  };
  for (const steps of [own.onStart ?? [], ...own.tests.map((test) => test.steps)]) visit(steps, []);
  return local;
}
