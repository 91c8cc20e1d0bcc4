import assert from "node:assert/strict";
import { tag, tagsOf, weight, weightOf } from "../../src/user/discovery.ts";

class Base {
  @weight(3)
  @tag("checkout", "slow")
  testPay(): void {}

  testLook(): void {}
}

class Sub extends Base {
  @tag("quick")
  override testLook(): void {}
}

Deno.test("a test without decorators weighs 1 and has no tags", () => {
  assert.equal(weightOf(Base.prototype.testLook), 1);
  assert.deepEqual(tagsOf(Base.prototype.testLook), []);
});

Deno.test("decorators speak of one method, and are inherited with it", () => {
  assert.equal(weightOf(Sub.prototype.testPay), 3);
  assert.deepEqual(tagsOf(Sub.prototype.testPay), ["checkout", "slow"]);
  assert.deepEqual(tagsOf(Sub.prototype.testLook), ["quick"]);
});

for (const share of [0, -1, 1.5, NaN]) {
  Deno.test(`@weight(${share}) is refused`, () => {
    assert.throws(() => weight(share), {
      name: "RangeError",
      message: `@weight(${share}): a whole number of 1 or more is needed`,
    });
  });
}
