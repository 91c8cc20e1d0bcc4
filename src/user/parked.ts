/**
 * A promise that never settles. A test that was given up is not gone: one that loops, and catches what
 * its requests reject with, would go on for ever and leave the process no time for anything else.
 * Parked, it is collected like any other garbage.
 */
export function parked(): Promise<never> {
  return new Promise(() => {});
}
