/**
 * The parts of a run's load: each user class with a load of its own is a part, and all other classes
 * share one.
 *
 * @module
 */

import { ClassMix, type ClassWeight } from "./class_mix.ts";
import type { Curve } from "./curve.ts";
import { type LoadProfile, plannedSeconds } from "./load_profile.ts";
import { shapeOfClass } from "./load_user_shape.ts";

/** A user class, as far as it decides about the load. */
export interface LoadedClass extends ClassWeight {
  /** Its own load; `null` if it shares the load of the run. */
  readonly load: Curve | null;
}

/** A load over time, and the classes that it is for. */
export interface LoadPart {
  /** The name of the class whose own load this is; `null` if its classes share the load of the run. */
  readonly ownClass: string | null;
  /** The indices of its classes in the list of all classes, rising. */
  readonly classes: readonly number[];
  readonly profile: LoadProfile;
  /** How its classes share its users. All classes are counted; those of other parts have none. */
  readonly mix: ClassMix;
}

/**
 * Divides the load of a run. The part that classes share comes first, unless each class has a load of its
 * own; the others follow in the order of their classes.
 *
 * @param classes all classes of the run: one or more.
 * @param shared what options and shape ask for. `--run-time` limits the other parts as well, but not
 *   `--iterations`.
 */
export function loadParts(classes: readonly LoadedClass[], shared: LoadProfile): LoadPart[] {
  const weights = classes.map(partWeight);
  const indices = [...classes.keys()];
  const sharing = indices.filter((index) => classes[index]!.load === null);
  const own = indices.flatMap((index): LoadPart[] => {
    const { name, load } = classes[index]!;
    if (load === null) return [];
    const profile = { ...shared, shape: shapeOfClass(name, load), iterations: null };
    return [{ ownClass: name, classes: [index], profile, mix: mixOf(weights, [index]) }];
  });
  if (sharing.length === 0) return own;
  const mix = mixOf(weights, sharing);
  return [{ ownClass: null, classes: sharing, profile: shared, mix }, ...own];
}

/** The part that classes without a load of their own share; `null` if there are none. */
export function sharedPart(parts: readonly LoadPart[]): LoadPart | null {
  return parts.find(({ ownClass }) => ownClass === null) ?? null;
}

/** How long a run will take, in seconds: until its last part has ended; `null` if that is not known. */
export function plannedSecondsOf(parts: readonly LoadPart[]): number | null {
  const ends = parts.map(({ profile }) => plannedSeconds(profile));
  return ends.some((end) => end === null) ? null : Math.max(...ends as number[]);
}

/** The weight of a class in its part: one with a load of its own is alone there. */
export function partWeight({ name, weight, fixedCount, load }: LoadedClass): ClassWeight {
  return load === null ? { name, weight, fixedCount } : { name, weight: 1, fixedCount: 0 };
}

/** The weights of all classes, of which only those with these indices have any. */
export function weightsOf(
  weights: readonly ClassWeight[],
  indices: readonly number[],
): readonly ClassWeight[] {
  if (indices.length === weights.length) return weights;
  return weights.map((one, index) =>
    indices.includes(index) ? one : { name: one.name, weight: 0, fixedCount: 0 }
  );
}

function mixOf(weights: readonly ClassWeight[], indices: readonly number[]): ClassMix {
  return new ClassMix(weightsOf(weights, indices));
}
