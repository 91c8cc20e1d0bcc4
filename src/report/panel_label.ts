/**
 * What the lines of the live panel begin with, all equally wide, so that what follows is lined up.
 *
 * @module
 */

import { type Span, span, type Tone } from "./styled_line.ts";

/** Columns that a label takes. */
export const LABEL_COLUMNS = 12;

/** What a line is about. */
export function label(text: string, tone: Tone = "quiet"): Span {
  return span(text.padEnd(LABEL_COLUMNS), tone);
}
