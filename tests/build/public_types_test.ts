import assert from "node:assert/strict";
import { publicTypes } from "../../build/public_types.ts";

/** The declarations of files, by their paths, without the comment on top. */
async function typesOf(files: Readonly<Record<string, string>>): Promise<string> {
  const text = await publicTypes(
    "mod.ts",
    (path) => Promise.resolve(files[path] ?? assert.fail(path)),
  );
  return text.slice(text.indexOf("\n\n") + 2);
}

Deno.test("declarations keep their comments, and lose their bodies", async () => {
  assert.equal(
    await typesOf({
      "mod.ts": `export { add } from "./src/add.ts";`,
      "src/add.ts": `/**\n * Sums.\n *\n * @module\n */\n\n/** Adds. */\n` +
        `export function add(a: number, b: number): number { return a + b; }\n` +
        `export function other(): void {}\n`,
    }),
    "/** Adds. */\nexport declare function add(a: number, b: number): number;\nexport {};\n",
  );
});

Deno.test("what a declaration mentions comes along, and is not exported", async () => {
  assert.equal(
    await typesOf({
      "mod.ts": `export { wait } from "./a.ts";`,
      "a.ts": `import type { Time } from "./b.ts";\nexport function wait(time: Time): void {}\n`,
      "b.ts": `type Unit = "s" | "ms";\nexport interface Time { readonly unit: Unit; }\n`,
    }),
    [
      "export declare function wait(time: Time): void;",
      "interface Time {\n    readonly unit: Unit;\n}",
      'type Unit = "s" | "ms";',
      "export {};\n",
    ].join("\n"),
  );
});

Deno.test("names are followed through files that hand them on, and may change on the way", async () => {
  const text = await typesOf({
    "mod.ts": `export { Second, Third } from "./a.ts";`,
    "a.ts": `export { First as Second } from "./b.ts";\nclass Third {}\nexport { Third };\n`,
    "b.ts": `export class First {}\n`,
  });
  assert.equal(
    text,
    "export declare class First {\n}\ndeclare class Third {\n}\nexport { First as Second };\nexport {};\n",
  );
});

Deno.test("a constructor that takes what is not public is private, and brings nothing", async () => {
  assert.equal(
    await typesOf({
      "mod.ts": `export { Session } from "./a.ts";`,
      "a.ts": `import { Wire } from "./wire.ts";\nexport class Session {\n  #wire: Wire;\n` +
        `  /** For us. */\n  constructor(wire: Wire) { this.#wire = wire; }\n` +
        `  /** For you. */\n  get(url: string): void {}\n}\n`,
      "wire.ts": `export class Wire {}\n`,
    }),
    "export declare class Session {\n    #private;\nprivate constructor();\n" +
      "    /** For you. */\n    get(url: string): void;\n}\nexport {};\n",
  );
});

Deno.test("what is internal is left out, with what only it needs", async () => {
  assert.equal(
    await typesOf({
      "mod.ts": `export type { Context } from "./a.ts";`,
      "a.ts":
        `import type { Clock } from "./clock.ts";\nexport interface Context {\n  id: number;\n` +
        `  /** @internal */\n  clock: Clock;\n}\n`,
      "clock.ts": `export interface Clock { now(): number; }\n`,
    }),
    "export interface Context {\n    id: number;\n}\nexport {};\n",
  );
});

Deno.test("a package, and a name that is there twice, cannot be shown", async () => {
  await assert.rejects(
    typesOf({
      "mod.ts": `export { jar } from "./a.ts";`,
      "a.ts": `import type { Jar } from "tough-cookie";\nexport const jar: Jar = null!;\n`,
    }),
    /the public types mention Jar of tough-cookie/,
  );
  await assert.rejects(
    typesOf({
      "mod.ts": `export { a } from "./a.ts";\nexport { b } from "./b.ts";`,
      "a.ts": `interface Same { a: 1 }\nexport function a(): Same { return { a: 1 }; }\n`,
      "b.ts": `interface Same { b: 1 }\nexport function b(): Same { return { b: 1 }; }\n`,
    }),
    /Same is declared in a\.ts and in b\.ts/,
  );
});
