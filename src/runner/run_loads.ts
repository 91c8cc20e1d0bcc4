/**
 * The load that a run applies at a moment, as reports show it.
 *
 * @module
 */

import { isArrivals, type ResolvedLoad } from "../load/load.ts";
import { type LoadPart, plannedSecondsOf } from "../load/load_parts.ts";
import { isOpen } from "../load/load_profile.ts";
import type { ClassRow, ReportedLoad, SharedLoad, Snapshot } from "../stats/snapshot.ts";

/** The present loads of all parts. */
export class RunLoads {
  readonly #parts: readonly LoadPart[];
  readonly #loads: ResolvedLoad[];
  /** The same, but those of parts that have ended are as they were at last. */
  readonly #last: ResolvedLoad[];

  /** Before the start of the test, there is no load. */
  constructor(parts: readonly LoadPart[]) {
    this.#parts = parts;
    this.#loads = parts.map(({ profile }) => noLoad(isOpen(profile)));
    this.#last = [...this.#loads];
  }

  /** The load of a part from now on. */
  set(part: number, load: ResolvedLoad): void {
    this.#loads[part] = load;
    this.#last[part] = load;
  }

  /** A part has ended, and others continue. */
  end(part: number): void {
    this.#loads[part] = noLoad(isArrivals(this.#loads[part]!));
  }

  /** Users that are to run, and in the open model the most that may be busy, in all parts together. */
  get users(): number {
    return sum(this.#loads.map((load) => reportedLoad(load).users));
  }

  /** Users started or stopped per second in all parts of the closed model together; `null` without any. */
  get spawnRate(): number | null {
    return sumOrNull(this.#loads.map(spawnRateOf));
  }

  /** What a snapshot says about the load. */
  get shown(): Pick<
    Snapshot,
    "plannedSeconds" | "arrivalRate" | "spawnRate" | "closedUsers" | "sharedLoad"
  > {
    const all = this.#loads.map(reportedLoad);
    const closed = all.map(({ users, arrivalRate }) => arrivalRate === null ? users : null);
    return {
      plannedSeconds: plannedSecondsOf(this.#parts),
      arrivalRate: sumOrNull(all.map(({ arrivalRate }) => arrivalRate)),
      spawnRate: this.spawnRate,
      closedUsers: sumOrNull(closed),
      sharedLoad: this.#sharedLoad,
    };
  }

  /**
   * These rows, with what the own load of each class is now.
   *
   * @param isOver whether the run has ended: then it is what each load was at last.
   */
  withLoads(rows: readonly ClassRow[], isOver: boolean): readonly ClassRow[] {
    const loads = isOver ? this.#last : this.#loads;
    const own = new Map<string, ReportedLoad>();
    for (const [index, { ownClass }] of this.#parts.entries()) {
      if (ownClass !== null) own.set(ownClass, reportedLoad(loads[index]!));
    }
    return own.size === 0 ? rows : rows.map((row) => ({ ...row, load: own.get(row.name) ?? null }));
  }

  get #sharedLoad(): SharedLoad | null {
    const index = this.#parts.findIndex(({ ownClass }) => ownClass === null);
    if (index < 0) return null;
    const load = this.#loads[index]!;
    return { ...reportedLoad(load), spawnRate: spawnRateOf(load) };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The sum of what is known; `null` if nothing is. */
function sumOrNull(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : sum(known);
}

/** The load before the start of a test. */
function noLoad(isOpen: boolean): ResolvedLoad {
  return isOpen ? { arrivalRate: 0, maxUsers: 0 } : { users: 0, rate: 0 };
}

/** Users that a load starts or stops per second; `null` before the first load, and in the open model. */
function spawnRateOf(load: ResolvedLoad): number | null {
  return isArrivals(load) || load.rate === 0 ? null : load.rate;
}

/** A load as reports name it. */
export function reportedLoad(load: ResolvedLoad): ReportedLoad {
  return isArrivals(load)
    ? { users: load.maxUsers, arrivalRate: load.arrivalRate }
    : { users: load.users, arrivalRate: null };
}
