import process from "node:process";

/** Prints what was asked for and what was measured, on a line of its own. */
export function printFigure(what: string, goal: string, measured: string): void {
  process.stdout.write(`${what}: goal ${goal}, measured ${measured}\n`);
}
