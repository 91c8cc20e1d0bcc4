import assert from "node:assert/strict";
import {
  mergeUnstarted,
  type UnstartedTests,
  unstartedWarning,
} from "../../src/stats/unstarted_tests.ts";

function unstarted(changes: Partial<UnstartedTests> = {}): UnstartedTests {
  return {
    user: "ShopTest",
    order: "sequential",
    tests: [{ name: "testBuy", weight: 1 }],
    totalWeight: 3,
    users: 4,
    iterations: 120,
    ends: 0,
    errors: [],
    ...changes,
  };
}

const TWO = [{ name: "testBuy", weight: 1 }, { name: "testPay", weight: 2 }];
const REFUSED = ["testBrowse", "ECONNREFUSED", 100] as const;

for (
  const [changes, expected] of [
    [
      { errors: [["testLogin", "TIMEOUT", 15], REFUSED, ["", "", 5]] },
      "in all 120 iterations an earlier test ended with an error, mostly ECONNREFUSED in testBrowse",
    ],
    [
      { iterations: 103, errors: [REFUSED] },
      "in 100 of 103 iterations an earlier test ended with an error: ECONNREFUSED in testBrowse",
    ],
    [
      { iterations: 1, errors: [["testBrowse", "no basket", 1]] },
      'in the only iteration an earlier test ended with an error: "no basket" in testBrowse',
    ],
    [
      { iterations: 2, errors: [["testBrowse", "no basket", 2]] },
      'in both iterations an earlier test ended with an error: "no basket" in testBrowse',
    ],
    [{ iterations: 4, ends: 4 }, "in all 4 iterations an earlier test ended the user"],
    [{ iterations: 4 }, "the run ended before an iteration got that far"],
    [{ iterations: 0 }, "the run ended before the first iteration"],
    [{ iterations: 0, users: 0 }, "no user of ShopTest was started"],
    [{ iterations: 0, ends: 4 }, "each user ended in onStart"],
    [
      { iterations: 0, errors: [["onStart", "no login", 7]] },
      'no user got past its start: "no login" in onStart',
    ],
    [{ order: "random" }, "none of 120 iterations chose it (its weight is 1 of 3)"],
    [
      { order: "random", iterations: 1 },
      "the only iteration chose another test (its weight is 1 of 3)",
    ],
    [
      { order: "parallel", iterations: 0, errors: [["constructor", "no data", 2]] },
      'no user got past its start: "no data" in constructor',
    ],
  ] as [Partial<UnstartedTests>, string][]
) {
  Deno.test(`a test never ran: ${expected}`, () => {
    assert.deepEqual(unstartedWarning([unstarted(changes)], true), [
      `ShopTest.testBuy never ran: ${expected}.`,
    ]);
  });
}

Deno.test("one warning names all tests that never ran, but only a few by name", () => {
  assert.deepEqual(unstartedWarning([], true), []);
  assert.deepEqual(
    unstartedWarning([unstarted({ order: "random", iterations: 2, tests: TWO })], true),
    [
      "ShopTest.testBuy and testPay never ran: none of 2 iterations chose them (their weights are 1 and 2 " +
      "of 3).",
    ],
  );
  const tests = Array.from({ length: 5 }, (_, i) => ({ name: `test${i}`, weight: 1 }));
  const classes = ["ATest", "BTest", "CTest", "DTest", "ETest"].map((user) =>
    unstarted({ user, users: 0, iterations: 0, tests })
  );
  assert.deepEqual(unstartedWarning(classes, true), [
    [
      ...["ATest", "BTest", "CTest"].map((user) =>
        `${user}.test0, test1, test2 and 2 more never ran: no user of ${user} was started.`
      ),
      "Tests of 2 more classes never ran either.",
    ].join(" "),
  ]);
});

Deno.test("a warning says if counts are missing", () => {
  assert.deepEqual(unstartedWarning([unstarted()], false), [
    "As far as is known, ShopTest.testBuy never ran: the run ended before an iteration got that far.",
  ]);
});

Deno.test("a test is named only if it began on no node", () => {
  const some = unstarted({ tests: TWO, ends: 1, errors: [REFUSED, ["", "", 3]] });
  const others = unstarted({ iterations: 30, users: 1, errors: [REFUSED, ["testLogin", "x", 1]] });
  assert.deepEqual(mergeUnstarted([[some], [others]]), [
    unstarted({
      iterations: 150,
      users: 5,
      ends: 1,
      errors: [["testBrowse", "ECONNREFUSED", 200], ["", "", 3], ["testLogin", "x", 1]],
    }),
  ]);
  assert.deepEqual(mergeUnstarted([[some], [unstarted({ user: "OtherTest" })]]), []);
  assert.deepEqual(mergeUnstarted([[some], []]), []);
  assert.deepEqual(mergeUnstarted([]), []);
});
