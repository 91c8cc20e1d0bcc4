/**
 * Finds the user's own code in stacks: not that of aiotest, of the runtime or of a package.
 *
 * @module
 */

import { stripVTControlCharacters } from "node:util";

/** The part of a stack that is read. A stack of the usual ten frames has about 1,000 characters. */
const MAX_STACK = 20_000;

/** The frames of a stack that are in files, except those in packages, as URL:line:column from the innermost on. */
export function fileFrames(stack: string): string[] {
  // A message can be long, and stands before the frames.
  const begin = Math.max(0, stack.search(/\n\s+at /));
  const frames = stripVTControlCharacters(stack.slice(begin, begin + MAX_STACK));
  return frames.split("\n").flatMap((line) => {
    const frame = /^\s+at (?:.*[ (])?(file:\/\/\S+:\d+:\d+)\)?$/.exec(line)?.[1];
    return frame === undefined || PACKAGE.test(frame) ? [] : [frame];
  });
}

/** In the folder of a project, or in the runtime's cache, which has a folder for each registry. */
const PACKAGE = /\/node_modules\/|\/npm\/[^/]*[._][^/]*\//;

/** Whether a frame is in the code of aiotest. */
export function isOwnFrame(frame: string): boolean {
  return frame.startsWith(OWN_SOURCE);
}

const OWN_SOURCE = new URL("../", import.meta.url).href;

/** The frames of a stack in the user's own code, from the innermost on. */
export function userFrames(stack: string): string[] {
  return fileFrames(stack).filter((frame) => !isOwnFrame(frame));
}

/** The innermost frame in the user's own code; `null` if there is none. */
export function userFrame(stack: string): string | null {
  return userFrames(stack)[0] ?? null;
}
