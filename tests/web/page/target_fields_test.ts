import assert from "node:assert/strict";
import { readTarget, targetFields } from "../../../src/web/page/target_fields.js";
import { liveState } from "../../support/live_views.ts";

Deno.test("the fields begin with what the run is to have", () => {
  const closed = targetFields(liveState({ users: { current: 3, target: 250 } }));
  assert.deepEqual([closed.amountLabel, closed.amount], ["Users", "250"]);
  assert.deepEqual([closed.paceLabel, closed.pace], ["Started a second", "25"]);
  const arrivals = { rate: 0.5, maxUsers: 20 };
  const open = targetFields(liveState({ model: "open", arrivals }));
  assert.deepEqual([open.amountLabel, open.amount], ["Passes a second", "0.5"]);
  assert.deepEqual([open.paceLabel, open.pace], ["Users, at most", "20"]);
});

Deno.test("without anything to begin with, the fields are empty", () => {
  const { amount, pace } = targetFields(liveState({ users: { current: 0, target: 0 } }));
  assert.deepEqual([amount, pace], ["", ""]);
  const open = targetFields(liveState({ model: "open", arrivals: null }));
  assert.deepEqual([open.amount, open.pace], ["", "1000"]);
});

Deno.test("what was written is a target", () => {
  assert.deepEqual(readTarget("closed", " 20 ", "0.5"), { users: 20, rate: 0.5 });
  assert.deepEqual(readTarget("closed", "0", "1"), { users: 0, rate: 1 });
  assert.deepEqual(readTarget("open", "12.5", "40"), { arrivalRate: 12.5, maxUsers: 40 });
});

Deno.test("or else a sentence says what is wrong", () => {
  assert.equal(readTarget("closed", "", "1"), "Users: give a number, 0 or more.");
  assert.equal(readTarget("closed", "-1", "1"), "Users: give a number, 0 or more.");
  assert.equal(readTarget("closed", "1.5", "1"), "Users: give a whole number.");
  assert.equal(readTarget("closed", "5", "0"), "Started a second: give a number above 0.");
  assert.equal(readTarget("open", "x", "1"), "Passes a second: give a number, 0 or more.");
  assert.equal(readTarget("open", "1", "0"), "Users, at most: give a whole number, 1 or more.");
});
