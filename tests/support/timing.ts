import process from "node:process";

/** Resolves after this time. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Prints a figure and its goal on one line. A figure that depends on the machine is not asserted. */
export function printFigure(what: string, goal: string, measured: string): void {
  process.stdout.write(`${what}: goal ${goal}, measured ${measured}\n`);
}
