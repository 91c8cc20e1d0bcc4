/**
 * End-to-end tests spend most of their time waiting: for a silence to become long enough, for a load to
 * rise, for a run to end. Tests that wait can do so at the same time.
 *
 * @module
 */

import process from "node:process";

const ONLY = process.env.AIOTEST_STEP ?? "";
// The commands that tests start would refuse it.
delete process.env.AIOTEST_STEP;

/** Defines a test, as `Deno.test` does. */
export type DefineTest = (
  name: string,
  fn: () => Promise<void>,
  options?: { readonly ignore?: boolean },
) => void;

/**
 * A test whose steps run side by side, in the order in which they were defined.
 *
 * Each step needs a target, ports and files of its own, and must leave most of a core idle, so that
 * others are not delayed. What all steps together leave open is reported as for any test.
 *
 * `--filter` selects the whole test; `AIOTEST_STEP` selects the steps whose names contain its text.
 *
 * @param lanes how many steps run at a time.
 * @returns defines one more step.
 */
export function sideBySide(name: string, lanes: number): DefineTest {
  const steps: Deno.TestStepDefinition[] = [];
  Deno.test(name, async (context) => {
    const waiting = steps.filter((step) => step.name.includes(ONLY)).values();
    const lane = async (): Promise<void> => {
      for (const step of waiting) {
        // Steps with sanitizers must not overlap.
        const lax = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };
        await context.step({ ...step, ...lax });
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  });
  return (stepName, fn, { ignore = false } = {}) => steps.push({ name: stepName, fn, ignore });
}
