import assert from "node:assert/strict";
import { classWeights } from "../../src/runner/load_generator.ts";
import { User } from "../../src/user/user.ts";
import { discovered } from "../support/users.ts";

class BuyerTest extends User {
  static override weight = 4;
  testBuy(): void {}
}

class AdminTest extends User {
  static override fixedCount = 2;
  testImport(): void {}
}

Deno.test("classes keep their order, with what decides their shares", () => {
  assert.deepEqual(classWeights([BuyerTest, AdminTest].map(discovered)), [
    { name: "BuyerTest", weight: 4, fixedCount: 0 },
    { name: "AdminTest", weight: 1, fixedCount: 2 },
  ]);
});
