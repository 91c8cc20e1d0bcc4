import assert from "node:assert/strict";
import { misspelledExports } from "../../src/cli/misspelled_exports.ts";
import { User } from "../../src/user/user.ts";

function noEffect(name: string, advice: string): string {
  return `The test file's export ${name} has no effect. ${advice}`;
}

Deno.test("exports that resemble those of aiotest are reported with the nearest one", () => {
  assert.deepEqual(
    misspelledExports({ threshold: "p95<1s", Thresholds: ["p95<1s"], thresholds: [], Files: [] }),
    [
      noEffect("threshold", "Did you mean thresholds?"),
      noEffect("Thresholds", "Did you mean thresholds?"),
      noEffect("Files", "Did you mean files?"),
    ],
  );
});

Deno.test("options of k6 are reported with what replaces them", () => {
  assert.deepEqual(
    misspelledExports({
      options: { vus: 10, duration: "30s", thresholds: {} },
      handleSummary: () => {},
    }),
    [
      noEffect(
        "options",
        "Instead of vus, use --users; instead of duration, use --run-time; " +
          'instead of thresholds, use export const thresholds = ["p95<200ms"].',
      ),
      noEffect("handleSummary", "Use --json, --html, --csv, --junit or --markdown."),
    ],
  );
  assert.deepEqual(misspelledExports({ options: { color: "red" } }), [
    noEffect("options", "Options are given on the command line or in the --config file."),
  ]);
});

Deno.test("functions that resemble setup and teardown are reported with the nearest one", () => {
  const nothing = (): void => {};
  assert.deepEqual(
    misspelledExports({ Setup: nothing, setUp: nothing, beforeAll: nothing, tearDown: nothing }),
    [
      noEffect("Setup", "Did you mean setup?"),
      noEffect("setUp", "Did you mean setup?"),
      noEffect("beforeAll", "Did you mean setup?"),
      noEffect("tearDown", "Did you mean teardown?"),
    ],
  );
});

Deno.test("options of a run are reported with their flag", () => {
  assert.deepEqual(misspelledExports({ users: 10, runTime: "3m" }), [
    noEffect("users", "Give --users on the command line, or export a shape."),
    noEffect("runTime", "Give --run-time on the command line, or export a shape."),
  ]);
});

Deno.test("a class with tests that extends nothing is reported", () => {
  class ShopTest {
    testSearch(): void {}
  }
  assert.deepEqual(misspelledExports({ ShopTest }), [
    noEffect("ShopTest", "A user class extends FastHttpUser, HttpUser or User."),
  ]);
});

Deno.test("exports of a test file's own are not reported", () => {
  class ShopTest extends User {}
  class TestData {
    rows(): void {}
  }
  assert.deepEqual(
    misspelledExports({
      ShopTest,
      TestData,
      User,
      thresholds: [],
      files: [],
      setup: () => {},
      teardown: () => {},
      setUpBasket: () => {},
      users: ["ann", "bob"],
      file: { name: "a.csv" },
      helper: () => {},
      BASE: "http://127.0.0.1:8000",
    }),
    [],
  );
});
