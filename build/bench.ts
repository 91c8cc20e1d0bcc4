/**
 * `deno task bench NAME [args]` runs `bench/NAME.ts`; without a name it lists the benchmarks.
 *
 * @module
 */

import process from "node:process";

async function benchmarks(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir("bench")) {
    if (isFile && name.endsWith(".ts")) names.push(name.slice(0, -".ts".length));
  }
  return names.sort();
}

const names = await benchmarks();
const [name, ...args] = Deno.args;
if (name === undefined || !names.includes(name)) {
  const lines = names.map((known) => `  deno task bench ${known}\n`);
  const lead = name === undefined ? "Benchmarks:" : `Unknown benchmark ${name}. Benchmarks:`;
  process.stderr.write(`${lead}\n${lines.join("")}`);
  Deno.exit(2);
}
const child = new Deno.Command(Deno.execPath(), {
  args: ["run", "-A", `bench/${name}.ts`, ...args],
}).spawn();
Deno.exit((await child.status).code);
