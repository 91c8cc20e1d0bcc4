/**
 * Finds members of shapes that are probably misspelled.
 *
 * @module
 */

import { isSameWord, nearestWord } from "../core/spelling.ts";
import { LoadUserShape, type ShapeClass } from "./load_user_shape.ts";

/** The static members that describe a load. */
const STATICS = ["stages", "curve"] as const;

/** What other programs and people call them. */
const OTHER_STATICS: ReadonlyMap<string, typeof STATICS[number]> = new Map([
  ["steps", "stages"],
  ["phases", "stages"],
]);

/** Members with names of their own are allowed, so only those that are very near are misspelled. */
const LETTERS_PER_MISTAKE = 5;

/**
 * Members of a shape that look like those that aiotest uses, but have no effect; a sentence each. None of its
 * methods are called, but an object of it is made.
 */
export function misspelledShapeMembers(shapeClass: ShapeClass): string[] {
  const classes = ownClasses(shapeClass);
  const found = [
    ...classes.flatMap((one) => Object.getOwnPropertyNames(one)).map((key) =>
      aboutStatic(key, shapeClass)
    ),
    ...classes.flatMap(({ prototype }) => Object.getOwnPropertyNames(prototype)).map((key) =>
      aboutMember(key, shapeClass)
    ),
    ...fieldsOf(shapeClass).map((key) => aboutField(key) ?? aboutMember(key, shapeClass)),
  ];
  const sentences = found.filter((text) => text !== null).map((text) =>
    `${shapeClass.name}.${text}`
  );
  return [...new Set(sentences)];
}

/** The classes from a shape down to the one that extends the class of aiotest. */
function ownClasses(shapeClass: ShapeClass): ShapeClass[] {
  const classes: ShapeClass[] = [];
  for (let at = shapeClass; at !== LoadUserShape; at = Object.getPrototypeOf(at)) classes.push(at);
  return classes;
}

function fieldsOf(shapeClass: ShapeClass): string[] {
  try {
    return Object.getOwnPropertyNames(new shapeClass());
  } catch {
    // The run reports it.
    return [];
  }
}

function aboutStatic(key: string, shapeClass: ShapeClass): string | null {
  if (isSameWord(key, "tick")) return `${key} is static and is never called: make tick a method.`;
  if (["name", "length", "prototype", ...STATICS].includes(key)) return null;
  const meant = nearestWord(key, STATICS, {
    otherNames: OTHER_STATICS,
    lettersPerMistake: LETTERS_PER_MISTAKE,
  });
  if (meant === null || shapeClass[meant] !== LoadUserShape[meant]) return null;
  return `${key} is not a member of shapes and has no effect. Did you mean ${meant}?`;
}

function aboutField(key: string): string | null {
  return key === "tick" ? "tick is a field: make it a method." : null;
}

/** Methods and fields. */
function aboutMember(key: string, { prototype }: ShapeClass): string | null {
  const meant = STATICS.find((one) => isSameWord(one, key));
  if (meant !== undefined) return `${key} has no effect: write static override ${meant}.`;
  if (key === "tick" || prototype.tick !== LoadUserShape.prototype.tick) return null;
  if (nearestWord(key, ["tick"], { lettersPerMistake: LETTERS_PER_MISTAKE }) === null) return null;
  return `${key} is not called by aiotest. Did you mean tick?`;
}
