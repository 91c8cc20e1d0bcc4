import type { ClassCounts } from "../load/dispatcher.ts";

interface Claim {
  readonly revision: number;
  readonly counts: ClassCounts;
}

/**
 * What each worker may be running: what it was told last, or what it was told before and may not have
 * been heard to give up.
 *
 * ```ts
 * import { Claims } from "./claims.ts";
 * import assert from "node:assert/strict";
 *
 * const claims = new Claims();
 * claims.told("a", 1, [5]);
 * claims.told("a", 2, [3]);
 * assert.equal(claims.most("a", 0), 5);
 * claims.heard("a", 2);
 * assert.equal(claims.most("a", 0), 3);
 * ```
 */
export class Claims {
  readonly #claims = new Map<string, Claim[]>();
  /** The highest revision that each worker has heard. */
  readonly #heard = new Map<string, number>();

  /** Whether every worker has heard all that it was told. */
  get confirmed(): boolean {
    return [...this.#claims].every(([worker, claims]) =>
      (this.#heard.get(worker) ?? 0) >= claims.at(-1)!.revision
    );
  }

  /** A worker is told to run so many users of each class. @param revision higher than those before */
  told(worker: string, revision: number, counts: ClassCounts): void {
    const claims = this.#claims.get(worker) ?? [];
    claims.push({ revision, counts });
    this.#claims.set(worker, claims);
  }

  /** A worker has heard what it was told; whether anything that it was told before is given up. */
  heard(worker: string, revision: number): boolean {
    this.#heard.set(worker, Math.max(revision, this.#heard.get(worker) ?? 0));
    const claims = this.#claims.get(worker) ?? [];
    const given = claims.findIndex((claim) => claim.revision >= revision);
    return given > 0 && claims.splice(0, given).length > 0;
  }

  /** How many users of a class a worker may be running. @param cls the index of the class */
  most(worker: string, cls: number): number {
    const claims = this.#claims.get(worker) ?? [];
    return claims.reduce((most, { counts }) => Math.max(most, counts[cls]!), 0);
  }

  /** Forgets all other workers: they run nothing any more. */
  keep(workers: ReadonlySet<string>): void {
    for (const worker of this.#claims.keys()) {
      if (workers.has(worker)) continue;
      this.#claims.delete(worker);
      this.#heard.delete(worker);
    }
  }
}
