/**
 * Fenced blocks of pages, of every language.
 *
 * @module
 */

import assert from "node:assert/strict";
import { projectPath } from "./paths.ts";

/** A fenced block of a page. */
export interface FencedBlock {
  /** Its tag; empty without one. */
  readonly language: string;
  /** Its lines, without the indentation of its fence. */
  readonly text: string;
}

/** All fenced blocks of a page, those in lists included. @param page such as `docs/csv.md`. */
export async function fencedBlocks(page: string): Promise<FencedBlock[]> {
  const text = await Deno.readTextFile(projectPath(page));
  const fences = text.matchAll(/^(?<left> *)```(?<language>.*)\n(?<text>[^]*?)^\k<left>```$/gm);
  return [...fences].map(({ groups }) => {
    const { left, language, text } = groups!;
    const lines = text!.split("\n").map((line) =>
      line.startsWith(left!) ? line.slice(left!.length) : line
    );
    return { language: language!, text: lines.join("\n") };
  });
}

/** The only block of a language in a page. */
export async function onlyBlock(page: string, language: string): Promise<string> {
  const blocks = (await fencedBlocks(page)).filter((block) => block.language === language);
  assert.equal(blocks.length, 1, `${page} has ${blocks.length} blocks of ${language || "no tag"}`);
  return blocks[0]!.text;
}
