import assert from "node:assert/strict";
import { LoadUserShape, type ShapeClass } from "../../src/load/load_user_shape.ts";
import { misspelledShapeMembers } from "../../src/load/shape_members.ts";

const STAGES = [{ duration: 1, users: 1, rate: 1 }];

const MISSPELLED: [shape: ShapeClass, sentence: string][] = [
  [
    class ATest extends LoadUserShape {
      static stage = STAGES;
    },
    "ATest.stage is not a member of shapes and has no effect. Did you mean stages?",
  ],
  [
    class ATest extends LoadUserShape {
      static steps = STAGES;
    },
    "ATest.steps is not a member of shapes and has no effect. Did you mean stages?",
  ],
  [
    class ATest extends LoadUserShape {
      stages = STAGES;
    },
    "ATest.stages has no effect: write static override stages.",
  ],
  [
    class ATest extends LoadUserShape {
      Tick(): void {}
    },
    "ATest.Tick is not called by aiotest. Did you mean tick?",
  ],
  [
    class ATest extends LoadUserShape {
      static tick(): void {}
    },
    "ATest.tick is static and is never called: make tick a method.",
  ],
  [
    class ATest extends LoadUserShape {
      override tick = (): null => null;
    },
    "ATest.tick is a field: make it a method.",
  ],
];

for (const [shape, sentence] of MISSPELLED) {
  Deno.test(`a shape's member is probably misspelled: ${sentence}`, () => {
    assert.deepEqual(misspelledShapeMembers(shape), [sentence]);
  });
}

Deno.test("members of a shape that are used, or have names of their own, are not misspelled", () => {
  class OwnTest extends LoadUserShape {
    static override stages = STAGES;
    static stage = 1;
    static limit = 3;
    level = 1;
    override tick(): null {
      return null;
    }
    trick(): void {}
  }
  class ThrowingTest extends LoadUserShape {
    constructor() {
      super();
      throw new Error("not now");
    }
  }
  assert.deepEqual(misspelledShapeMembers(OwnTest), []);
  assert.deepEqual(misspelledShapeMembers(class InTest extends OwnTest {}), []);
  assert.deepEqual(misspelledShapeMembers(ThrowingTest), []);
});
