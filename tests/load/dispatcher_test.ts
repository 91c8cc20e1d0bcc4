import fc from "fast-check";
import assert from "node:assert/strict";
import { type ClassCounts, Dispatcher } from "../../src/load/dispatcher.ts";

type Assigned = ReadonlyMap<string, ClassCounts>;

const ABCD = ["a", "b", "c", "d"];

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** What each worker runs, such as `a 2+1, b 2+0`. */
function text(assigned: Assigned): string {
  return [...assigned].map(([worker, counts]) => `${worker} ${counts.join("+")}`).join(", ");
}

/** A dispatcher that remembers what runs. */
function running(assigned: Readonly<Record<string, ClassCounts>>): Dispatcher {
  const dispatcher = new Dispatcher(Object.values(assigned)[0]!.length);
  dispatcher.restore(new Map(Object.entries(assigned)));
  return dispatcher;
}

/** Users that run on a worker and did not run there before. */
function starts(before: Assigned, after: Assigned): number {
  return sum(
    [...after].flatMap(([worker, counts]) =>
      counts.map((count, cls) => Math.max(0, count - (before.get(worker)?.[cls] ?? 0)))
    ),
  );
}

function squares(assigned: Assigned): number {
  return sum([...assigned.values()].flat().map((count) => count ** 2));
}

/** All ways to take `size` users from the remaining ones. */
function* rows(left: ClassCounts, size: number): Generator<number[]> {
  const [first, ...rest] = left;
  if (first === undefined) {
    if (size === 0) yield [];
    return;
  }
  for (let taken = 0; taken <= Math.min(first, size); taken++) {
    for (const row of rows(rest, size - taken)) yield [taken, ...row];
  }
}

/** All balanced distributions of users among workers. */
function* spreads(counts: ClassCounts, workers: readonly string[]): Generator<Assigned> {
  const [first, ...rest] = workers;
  if (first === undefined) {
    if (sum(counts) === 0) yield new Map();
    return;
  }
  const size = sum(counts) / workers.length;
  // Larger and smaller totals may be in any order.
  for (const own of new Set([Math.floor(size), Math.ceil(size)])) {
    for (const row of rows(counts, own)) {
      const left = counts.map((count, cls) => count - row[cls]!);
      for (const others of spreads(left, rest)) yield new Map([[first, row], ...others]);
    }
  }
}

/** The fewest starts, and the least sum of squares among the distributions with that many. */
function best(before: Assigned, counts: ClassCounts, workers: readonly string[]): number[] {
  let least = [Infinity, Infinity];
  for (const after of spreads(counts, workers)) {
    const cost = [starts(before, after), squares(after)];
    if (cost[0]! < least[0]! || (cost[0] === least[0] && cost[1]! < least[1]!)) least = cost;
  }
  return least;
}

/**
 * The fewest starts, by the max-flow min-cut theorem: the users that can be kept are a flow from
 * classes through workers, and the minimum cut is searched over all sets of classes.
 */
function fewestStarts(before: Assigned, counts: ClassCounts, workers: readonly string[]): number {
  const total = sum(counts);
  const size = Math.floor(total / workers.length);
  let kept = Infinity;
  for (let set = 0; set < 2 ** counts.length; set++) {
    const inSet = (_: unknown, cls: number): boolean => (set & (2 ** cls)) > 0;
    const running = workers.map((worker) => sum((before.get(worker) ?? []).filter(inSet)));
    const cut = total - sum(counts.filter(inSet));
    kept = Math.min(
      kept,
      cut + sum(running.map((users) => Math.min(users, size + 1))),
      cut + sum(running.map((users) => Math.min(users, size))) + total % workers.length,
    );
  }
  return total - kept;
}

function assertExactAndBalanced(
  assigned: Assigned,
  counts: ClassCounts,
  workers: readonly string[],
): void {
  assert.deepEqual([...assigned.keys()], workers);
  for (const [cls, count] of counts.entries()) {
    assert.equal(sum([...assigned.values()].map((own) => own[cls]!)), count, text(assigned));
  }
  const totals = [...assigned.values()].map(sum);
  assert.ok(Math.max(...totals) - Math.min(...totals) <= 1, text(assigned));
  assert.ok([...assigned.values()].flat().every((count) => count >= 0), text(assigned));
}

/** Calls of one dispatcher: counts by class, and some of the workers in any order. */
function calls(limits: {
  readonly classes: number;
  readonly workers: number;
  readonly users: number;
}): fc.Arbitrary<{ readonly counts: number[]; readonly workers: string[] }[]> {
  const ids = Array.from({ length: limits.workers }, (_, i) => `w${i}`);
  return fc.integer({ min: 1, max: limits.classes }).chain((classes) =>
    fc.array(
      fc.record({
        counts: fc.array(fc.nat(limits.users), { minLength: classes, maxLength: classes }),
        workers: fc.shuffledSubarray(ids, { minLength: 1 }),
      }),
      { minLength: 1, maxLength: 8 },
    )
  );
}

Deno.test("a ramp gives one worker after another a user, and keeps the classes even", () => {
  const dispatcher = new Dispatcher(2);
  const ramp = [[1, 0], [2, 0], [2, 1], [3, 1], [4, 1], [5, 1], [5, 2], [6, 2], [7, 2], [8, 2]];
  assert.deepEqual(ramp.map((counts) => text(dispatcher.assign(counts, ABCD))), [
    "a 1+0, b 0+0, c 0+0, d 0+0",
    "a 1+0, b 1+0, c 0+0, d 0+0",
    "a 1+0, b 1+0, c 0+1, d 0+0",
    "a 1+0, b 1+0, c 0+1, d 1+0",
    "a 1+0, b 1+0, c 1+1, d 1+0",
    "a 2+0, b 1+0, c 1+1, d 1+0",
    "a 2+0, b 1+1, c 1+1, d 1+0",
    "a 2+0, b 1+1, c 1+1, d 2+0",
    "a 2+0, b 2+1, c 1+1, d 2+0",
    "a 2+0, b 2+1, c 2+1, d 2+0",
  ]);
});

Deno.test("a load that starts all at once is even in every class", () => {
  const assigned = new Dispatcher(3).assign([7, 5, 1], ABCD);
  assertExactAndBalanced(assigned, [7, 5, 1], ABCD);
  assert.equal(squares(assigned), 2 ** 2 * 4 + 1 ** 2 * 5);
});

Deno.test("the users of a lost worker are started on the others, which keep their own", () => {
  const before = { a: [3, 1], b: [3, 1], c: [3, 1], d: [3, 1] };
  assert.equal(text(running(before).assign([12, 4], ["a", "b", "d"])), "a 4+2, b 4+1, d 4+1");
});

Deno.test("a late worker gets its share, and no other worker starts a user", () => {
  const before = { a: [4, 2], b: [4, 2] };
  assert.equal(text(running(before).assign([8, 4], ["a", "b", "c"])), "a 3+1, b 3+1, c 2+2");
});

Deno.test("a worker that was lost and returns starts without users", () => {
  const dispatcher = running({ a: [2], b: [2] });
  assert.equal(text(dispatcher.assign([4], ["a"])), "a 4");
  assert.equal(text(dispatcher.assign([3], ["b", "a"])), "b 1, a 2");
});

Deno.test("with fewer users than workers, some workers have none", () => {
  const dispatcher = new Dispatcher(2);
  assert.equal(text(dispatcher.assign([1, 1], ABCD)), "a 1+0, b 0+1, c 0+0, d 0+0");
  assert.equal(text(dispatcher.assign([0, 1], ABCD)), "a 0+0, b 0+1, c 0+0, d 0+0");
  assert.equal(text(dispatcher.assign([0, 0], ABCD)), "a 0+0, b 0+0, c 0+0, d 0+0");
});

Deno.test("a shrinking load starts no users, and stops those of the largest classes", () => {
  const before = { a: [3, 0], b: [2, 1], c: [1, 2] };
  assert.equal(text(running(before).assign([5, 3], ["a", "b", "c"])), "a 2+0, b 2+1, c 1+2");
  assert.equal(text(running(before).assign([4, 2], ["a", "b", "c"])), "a 2+0, b 1+1, c 1+1");
});

Deno.test("a worker keeps the class that no other worker could keep", () => {
  // Keeping a's user of the first class requires starting one of the second.
  const before = { a: [1, 1], b: [1, 0] };
  assert.equal(text(running(before).assign([1, 1], ["a", "b"])), "a 0+1, b 1+0");
});

Deno.test("a user is moved only if the balance requires it", () => {
  // Worker b lost both its users with their class, so a has too many.
  const before = { a: [2, 0], b: [0, 2] };
  assert.equal(text(running(before).assign([2, 0], ["a", "b"])), "a 1+0, b 1+0");
});

Deno.test("without workers nothing runs, and nothing is remembered", () => {
  const dispatcher = running({ a: [0], b: [3] });
  assert.deepEqual(dispatcher.assign([3], []), new Map());
  assert.equal(text(dispatcher.assign([3], ["a", "b"])), "a 2, b 1");
});

Deno.test("invalid counts are rejected", () => {
  for (const counts of [[1], [1, 2, 3], [1, -1], [1, 0.5], [NaN, 1]]) {
    assert.throws(() => new Dispatcher(2).assign(counts, ["a"]), RangeError, `${counts}`);
  }
});

Deno.test("restoring replaces what is remembered", () => {
  const dispatcher = running({ a: [3], b: [2] });
  dispatcher.restore(new Map([["a", [2]], ["b", [3]]]));
  assert.equal(text(dispatcher.assign([5], ["a", "b"])), "a 2, b 3");
});

Deno.test("after any calls every class is exact, every worker within one user, and the fewest users were started", () => {
  fc.assert(fc.property(calls({ classes: 6, workers: 12, users: 60 }), (all) => {
    const dispatcher = new Dispatcher(all[0]!.counts.length);
    let before: Assigned = new Map();
    for (const { counts, workers } of all) {
      const after = dispatcher.assign(counts, workers);
      assertExactAndBalanced(after, counts, workers);
      assert.equal(starts(before, after), fewestStarts(before, counts, workers));
      before = after;
    }
  }));
});

Deno.test("no distribution needs fewer starts, and none with as many is more even", () => {
  fc.assert(
    fc.property(calls({ classes: 3, workers: 3, users: 4 }), (all) => {
      const dispatcher = new Dispatcher(all[0]!.counts.length);
      let before: Assigned = new Map();
      for (const { counts: wanted, workers } of all) {
        // At most six users in total, so that every distribution can be tried.
        let left = 6;
        const counts = wanted.map((count) => {
          const own = Math.min(count, left);
          left -= own;
          return own;
        });
        const after = dispatcher.assign(counts, workers);
        assertExactAndBalanced(after, counts, workers);
        assert.deepEqual(
          [starts(before, after), squares(after)],
          best(before, counts, workers),
          `${text(before)} -> ${text(after)}`,
        );
        before = after;
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("no distribution needs fewer starts, even if the previous one was uneven", () => {
  const uneven = fc.integer({ min: 1, max: 6 }).chain((classes) => {
    const counts = (max: number): fc.Arbitrary<number[]> =>
      fc.array(fc.nat(max), { minLength: classes, maxLength: classes });
    return fc.record({
      before: fc.array(counts(30), { minLength: 1, maxLength: 10 }),
      counts: counts(90),
    });
  });
  fc.assert(
    fc.property(uneven, ({ before: running, counts }) => {
      const before = new Map(running.map((own, i) => [`w${i}`, own]));
      const dispatcher = new Dispatcher(counts.length);
      dispatcher.restore(before);
      const after = dispatcher.assign(counts, [...before.keys()]);
      assertExactAndBalanced(after, counts, [...before.keys()]);
      assert.equal(starts(before, after), fewestStarts(before, counts, [...before.keys()]));
    }),
    { numRuns: 300 },
  );
});

Deno.test("a ramp of any classes starts only the additional users", () => {
  const steps = fc.array(fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4)), { maxLength: 30 });
  fc.assert(fc.property(steps, fc.integer({ min: 1, max: 9 }), (gains, workerCount) => {
    const workers = Array.from({ length: workerCount }, (_, i) => `w${i}`);
    const dispatcher = new Dispatcher(3);
    let counts = [0, 0, 0];
    let before: Assigned = new Map();
    for (const gain of gains) {
      counts = counts.map((count, cls) => count + gain[cls]!);
      const after = dispatcher.assign(counts, workers);
      assert.equal(starts(before, after), sum(gain));
      before = after;
    }
  }));
});

Deno.test("the same calls give the same results", () => {
  fc.assert(fc.property(calls({ classes: 4, workers: 6, users: 20 }), (all) => {
    const [one, other] = [0, 1].map(() => new Dispatcher(all[0]!.counts.length));
    for (const { counts, workers } of all) {
      assert.equal(text(one!.assign(counts, workers)), text(other!.assign(counts, workers)));
    }
  }));
});
