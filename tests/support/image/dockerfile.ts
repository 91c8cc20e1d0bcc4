import assert from "node:assert/strict";

/** One line of a Dockerfile, its continuations included. */
export interface Instruction {
  /** In capitals. */
  readonly keyword: string;
  /** `--from=compile` is `from` with `compile`. */
  readonly flags: Readonly<Record<string, string>>;
  /** What follows the flags. */
  readonly text: string;
}

/** From one FROM to the next. */
export interface Stage {
  readonly base: string;
  readonly name: string | null;
  readonly instructions: readonly Instruction[];
}

/** Reads the stages of a Dockerfile. */
export function parseDockerfile(text: string): Stage[] {
  const joined = text.replace(/^\s*#.*\n/gm, "").replace(/\\\n\s*/g, " ");
  const stages: { base: string; name: string | null; instructions: Instruction[] }[] = [];
  for (const line of joined.split("\n").filter((line) => line.trim() !== "")) {
    const instruction = parseLine(line);
    if (instruction.keyword === "FROM") {
      const [base, as, name] = instruction.text.split(/\s+/);
      assert.ok(as === undefined || as.toUpperCase() === "AS", line);
      stages.push({ base: base!, name: name ?? null, instructions: [] });
    } else {
      assert.ok(stages.length > 0, `before any FROM: ${line}`);
      stages.at(-1)!.instructions.push(instruction);
    }
  }
  return stages;
}

function parseLine(line: string): Instruction {
  const [, keyword, flagText, text] = /^\s*([A-Za-z]+)\s+((?:--\S+\s+)*)(.*?)\s*$/.exec(line) ?? [];
  assert.ok(keyword !== undefined, `no instruction: ${line}`);
  const flags = flagText!.split(/\s+/).filter((flag) => flag !== "").map((flag) => {
    const [name, value] = flag.slice(2).split("=");
    return [name, value ?? ""];
  });
  return { keyword: keyword.toUpperCase(), flags: Object.fromEntries(flags), text: text! };
}

/** The words of an exec form, `["aiotest", "-h"]`; throws at a shell form. */
export function execWords(text: string): string[] {
  const words = JSON.parse(text);
  assert.ok(Array.isArray(words) && words.every((word) => typeof word === "string"), text);
  return words;
}

/** The pairs of a LABEL or an ENV, with build arguments filled in. */
export function pairs(
  text: string,
  args: Readonly<Record<string, string>>,
): Record<string, string> {
  const found = [...text.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S*))/g)].map(
    ([, name, quoted, bare]) => {
      const value = (quoted ?? bare)!.replace(/\$\{(\w+)\}/g, (_, arg: string) => args[arg] ?? "");
      return [name, value] as const;
    },
  );
  return Object.fromEntries(found);
}
