import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import { selectTests, tag, type TagChoice } from "../../src/user/discovery.ts";
import { User } from "../../src/user/user.ts";
import { discovered } from "../support/users.ts";

class TestShop extends User {
  @tag("read", "fast")
  testSearch(): void {}
  @tag("write")
  testPay(): void {}
  testIdle(): void {}
}

class TestAdmin extends User {
  @tag("write", "slow")
  testImport(): void {}
}

const CLASSES = [discovered(TestShop), discovered(TestAdmin)];

const CHOICES: [tags: string[], excludeTags: string[], left: string[]][] = [
  [[], [], [
    "TestShop.testSearch",
    "TestShop.testPay",
    "TestShop.testIdle",
    "TestAdmin.testImport",
  ]],
  [["read"], [], ["TestShop.testSearch"]],
  [["fast", "slow"], [], ["TestShop.testSearch", "TestAdmin.testImport"]],
  [["write"], ["slow"], ["TestShop.testPay"]],
  [[], ["write"], ["TestShop.testSearch", "TestShop.testIdle"]],
  [["read"], ["unknown"], ["TestShop.testSearch"]],
];

for (const [tags, excludeTags, left] of CHOICES) {
  Deno.test(`of --tags ${tags} --exclude-tags ${excludeTags} are left: ${left}`, () => {
    const selected = selectTests(CLASSES, { tags, excludeTags });
    assert.deepEqual(
      selected.flatMap(({ name, tests }) => tests.map((test) => `${name}.${test.name}`)),
      left,
    );
  });
}

Deno.test("selecting leaves the classes as they were", () => {
  selectTests(CLASSES, { tags: ["read"], excludeTags: [] });
  assert.equal(CLASSES[0]!.tests.length, 3);
});

function refusal(choice: TagChoice, classes = CLASSES): UsageError {
  try {
    selectTests(classes, choice);
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error;
  }
  throw new Error("tests were left");
}

Deno.test("when no test is left, the error names the tags that there are", () => {
  const error = refusal({ tags: ["a", "b"], excludeTags: [] });
  assert.equal(error.message, "--tags a,b: no test is left to run");
  assert.equal(error.hint, "The tags of the test file: fast, read, slow, write.");
  assert.equal(
    refusal({ tags: ["read"], excludeTags: ["fast"] }).message,
    "--tags read and --exclude-tags fast: no test is left to run",
  );
  class TestPlain extends User {
    testIt(): void {}
  }
  assert.equal(
    refusal({ tags: ["a"], excludeTags: [] }, [discovered(TestPlain)]).hint,
    "No test of the test file has a tag.",
  );
});
