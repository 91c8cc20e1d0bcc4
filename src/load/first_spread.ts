/**
 * Users by class and worker: class after class, each with one number a worker. So the number of class
 * `c` on worker `w` is at `c * workers + w`.
 */
export type UserGrid = Int32Array;

/**
 * Spreads users over workers: every class's count is exact, and no two workers differ by more than one
 * user. Users mostly stay where they run, and classes are mostly even, but neither is the best there is:
 * it is where the search for the best one begins, so that it is a short one.
 *
 * ```ts
 * import { firstSpread } from "./first_spread.ts";
 * import assert from "node:assert/strict";
 *
 * // One class; three users run on the first worker, and now there is a second one.
 * assert.deepEqual([...firstSpread(Int32Array.of(3, 0), [3], 2)], [2, 1]);
 * ```
 *
 * @param before who runs now: as many classes as there are counts
 * @param counts users wanted by class
 * @param workers how many there are, 1 or more
 */
export function firstSpread(
  before: UserGrid,
  counts: readonly number[],
  workers: number,
): UserGrid {
  const users: UserGrid = new Int32Array(before.length);
  const left = [...counts];
  const room = roomFor(before, counts, workers);
  const add = (cls: number, worker: number, wanted: number): void => {
    const added = Math.min(wanted, room[worker]!, left[cls]!);
    if (added <= 0) return;
    users[cls * workers + worker]! += added;
    room[worker]! -= added;
    left[cls]! -= added;
  };
  const addUpTo = (wanted: (at: number, cls: number) => number): void => {
    for (let cls = 0; cls < counts.length; cls++) {
      for (let worker = 0; worker < workers; worker++) {
        const at = cls * workers + worker;
        add(cls, worker, wanted(at, cls) - users[at]!);
      }
    }
  };
  const even = counts.map((count) => Math.floor(count / workers));

  // Those that stay where they are in an even spread; those that can stay besides; who has to start.
  addUpTo((at, cls) => Math.min(before[at]!, even[cls]!));
  addUpTo((at) => before[at]!);
  addUpTo((_, cls) => even[cls]!);
  for (let cls = 0; cls < counts.length; cls++) {
    const of = (worker: number): number => users[cls * workers + worker]!;
    let open = left[cls] === 0 ? [] : [...room.keys()].filter((worker) => room[worker]! > 0);
    open.sort((a, b) => of(a) - of(b) || room[b]! - room[a]! || a - b);
    while (left[cls]! > 0) {
      for (const worker of open) add(cls, worker, 1);
      open = open.filter((worker) => room[worker]! > 0);
    }
  }
  return users;
}

/** How many users each worker gets; one more is for those that have the most already. */
function roomFor(before: UserGrid, counts: readonly number[], workers: number): Int32Array {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const running = new Int32Array(workers);
  for (let at = 0; at < before.length; at++) running[at % workers]! += before[at]!;
  const order = [...running.keys()].sort((a, b) => running[b]! - running[a]! || a - b);
  const room = new Int32Array(workers).fill(Math.floor(total / workers));
  for (const worker of order.slice(0, total % workers)) room[worker]! += 1;
  return room;
}
