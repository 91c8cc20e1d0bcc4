import assert from "node:assert/strict";
import { loadFields, readLoad } from "../../../src/web/page/control_view.js";
import { liveState } from "../../support/live_views.ts";

Deno.test("the fields start with the current target", () => {
  const closed = loadFields(liveState({ users: { current: 3, target: 250 } }));
  assert.deepEqual([closed.amountLabel, closed.amount], ["Users", "250"]);
  assert.deepEqual([closed.paceLabel, closed.pace], ["Started per second", "25"]);
  const arrivals = { rate: 0.5, maxUsers: 20 };
  const open = loadFields(liveState({ model: "open", arrivals }));
  assert.deepEqual([open.amountLabel, open.amount], ["Iterations per second", "0.5"]);
  assert.deepEqual([open.paceLabel, open.pace], ["Maximum users", "20"]);
});

Deno.test("the fields are empty if there is no target yet", () => {
  const { amount, pace } = loadFields(liveState({ users: { current: 0, target: 0 } }));
  assert.deepEqual([amount, pace], ["", ""]);
});

Deno.test("valid fields are read as a load", () => {
  assert.deepEqual(readLoad("closed", " 20 ", "0.5"), { users: 20, rate: 0.5 });
  assert.deepEqual(readLoad("closed", "0", "1"), { users: 0, rate: 1 });
  assert.deepEqual(readLoad("open", "12.5", "40"), { arrivalRate: 12.5, maxUsers: 40 });
});

Deno.test("an invalid field is named with the expected value", () => {
  for (const users of ["", "-1", "1.5"]) {
    assert.equal(
      readLoad("closed", users, "1"),
      "Users: enter a whole number of 0 or more.",
    );
  }
  assert.equal(
    readLoad("closed", "5", "0"),
    "Started per second: enter a number greater than 0.",
  );
  assert.equal(readLoad("open", "x", "1"), "Iterations per second: enter a number of 0 or more.");
  assert.equal(readLoad("open", "1", "0"), "Maximum users: enter a whole number of 1 or more.");
});
