import assert from "node:assert/strict";
import { UserEnd } from "../../src/core/user_lifetime.ts";
import { RequestError } from "../../src/http/request_error.ts";
import { TestStarts } from "../../src/user/test_starts.ts";
import { User } from "../../src/user/user.ts";
import { discovered } from "../support/users.ts";

class ShopTest extends User {
  testBrowse(): void {}
  testBuy(): void {}
  testPay(): void {}
}

Deno.test("tests that never began are listed, with what ended the iterations before", () => {
  const shop = discovered(ShopTest);
  const starts = new TestStarts([shop]);
  starts.userStarted(shop);
  const refused = new RequestError("ECONNREFUSED", "GET", "http://a/", "nothing listens there");
  for (const thrown of [refused, refused, new UserEnd(), new Error("x".repeat(100))]) {
    starts.counts[0]!++;
    starts.cutShort(shop, "testBrowse", thrown);
  }
  assert.deepEqual(starts.unstarted, [{
    user: "ShopTest",
    order: "sequential",
    tests: [{ name: "testBuy", weight: 1 }, { name: "testPay", weight: 1 }],
    totalWeight: 3,
    users: 1,
    iterations: 4,
    ends: 1,
    errors: [["testBrowse", "ECONNREFUSED", 2], ["testBrowse", `${"x".repeat(59)}…`, 1]],
  }]);
  for (const i of [1, 2]) starts.counts[i]!++;
  assert.deepEqual(starts.unstarted, []);
});

Deno.test("of very many causes, the most frequent are reported, and the others counted", () => {
  const shop = discovered(ShopTest);
  const starts = new TestStarts([shop]);
  for (let i = 0; i < 500; i++) {
    starts.cutShort(shop, "testBrowse", new Error(i % 5 === 0 ? "often" : `item ${i}`));
  }
  const [{ errors } = assert.fail()] = starts.unstarted;
  assert.equal(errors.length, 6);
  assert.deepEqual(errors[0], ["testBrowse", "often", 100]);
  assert.deepEqual(errors.at(-1), ["", "", 396]);
});

Deno.test("a message has room for what is listed of very many tests", () => {
  const names = Array.from({ length: 30 }, (_, i) => `test${i}`);
  const classes = Array.from({ length: 40 }, (_, i) => {
    const userClass = class extends ShopTest {};
    Object.defineProperty(userClass, "name", { value: `A${i}Test` });
    const tests = names.map((name, k) => ({
      ...{ name, id: 30 * i + k, weight: 1, tags: [] },
      run: () => {},
    }));
    return { name: userClass.name, userClass, tests };
  });
  const { unstarted } = new TestStarts(classes);
  assert.deepEqual(unstarted.map(({ tests }) => tests.length), [30, 20]);
});
