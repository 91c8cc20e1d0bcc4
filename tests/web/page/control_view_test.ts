import assert from "node:assert/strict";
import { isCurrent, loadFields, NO_CHANGE, readLoad } from "../../../src/web/page/control_view.js";
import type { LiveState } from "../../../src/web/live_view.ts";
import { liveState } from "../../support/live_views.ts";

Deno.test("the fields show the load that is in force", () => {
  const closed = loadFields(liveState({ users: { current: 3, target: 250 }, spawnRate: 0.5 }));
  assert.deepEqual([closed.amountLabel, closed.amount], ["Users", "250"]);
  assert.deepEqual([closed.paceLabel, closed.pace], ["Started per second", "0.5"]);
  const none = loadFields(liveState({ users: { current: 3, target: 0 }, spawnRate: 1000 }));
  assert.deepEqual([none.amount, none.pace], ["0", "1000"]);
  const arrivals = { rate: 0.5, maxUsers: 20 };
  const open = loadFields(liveState({ model: "open", arrivals, spawnRate: null }));
  assert.deepEqual([open.amountLabel, open.amount], ["Iterations per second", "0.5"]);
  assert.deepEqual([open.paceLabel, open.pace], ["Maximum users", "20"]);
});

Deno.test("the fields are empty before the start", () => {
  const state = "ready";
  const users = { current: 0, target: 0 };
  const closed = loadFields(liveState({ state, users, spawnRate: null }));
  assert.deepEqual([closed.amount, closed.pace], ["", ""]);
  const open = loadFields(liveState({ state, users, arrivals: { rate: 0, maxUsers: 0 } }));
  assert.deepEqual([open.amount, open.pace], ["", ""]);
});

Deno.test("in a run with several loads, the fields show the one that classes share", () => {
  const arrivals = { rate: 5, maxUsers: 20 };
  const mixed = liveState({ model: "mixed", users: { current: 9, target: 500 }, sharedUsers: 7 });
  assert.equal(loadFields(mixed).amount, "7");
  assert.equal(loadFields({ ...mixed, sharedUsers: 20, arrivals }).pace, "20");
  assert.equal(loadFields({ ...mixed, sharedUsers: null, spawnRate: null }).amount, "");
});

Deno.test("only the fields that were edited are read", () => {
  assert.deepEqual(readLoad("closed", " 20 ", "0.5"), { users: 20, rate: 0.5 });
  assert.deepEqual(readLoad("closed", "0", null), { users: 0 });
  assert.deepEqual(readLoad("closed", null, "0.001"), { rate: 0.001 });
  assert.deepEqual(readLoad("open", "12.5", "40"), { arrivalRate: 12.5, maxUsers: 40 });
  assert.deepEqual(readLoad("open", "12.5", null), { arrivalRate: 12.5 });
  assert.deepEqual(readLoad("open", null, "40"), { maxUsers: 40 });
  assert.equal(readLoad("closed", null, null), NO_CHANGE);
});

Deno.test("an invalid field is named with the expected value", () => {
  for (const users of ["", "-1", "1.5"]) {
    assert.equal(readLoad("closed", users, null), "Users: enter a whole number of 0 or more.");
  }
  for (const rate of ["", "0", "x"]) {
    assert.equal(
      readLoad("closed", "5", rate),
      "Started per second: enter a number greater than 0.",
    );
  }
  assert.equal(readLoad("open", "x", "1"), "Iterations per second: enter a number of 0 or more.");
  assert.equal(readLoad("open", "1", "0"), "Maximum users: enter a whole number of 1 or more.");
});

/** The states and seconds after a command at 5 s in which its message is still shown. */
function shownIn(command: "start" | "stop" | "target" | null, state: LiveState["state"]): string[] {
  const message = { text: "", command, state, elapsedSeconds: 5 };
  const states = ["ready", "spawning", "running", "stopping", "stopped"] as const;
  return states.flatMap((state) =>
    [6, 16].filter((elapsedSeconds) => isCurrent(message, { state, paused: false, elapsedSeconds }))
      .map((seconds) => `${state} ${seconds}`)
  );
}

Deno.test("a message ends when the state of the run says more", () => {
  assert.deepEqual(shownIn("start", "ready"), ["ready 6", "spawning 6", "running 6"]);
  assert.deepEqual(shownIn("target", "running"), ["spawning 6", "running 6"]);
  assert.deepEqual(shownIn("stop", "running"), ["ready 6", "spawning 6", "running 6"]);
  const whileActive = ["spawning 6", "spawning 16", "running 6", "running 16"];
  assert.deepEqual(shownIn(null, "running"), whileActive);
  assert.deepEqual(shownIn(null, "ready"), ["ready 6", "ready 16"]);
  assert.deepEqual(shownIn(null, "stopping"), ["stopping 6", "stopping 16"]);
});

Deno.test("a message about a pause ends when the run is not paused any more", () => {
  const message = { text: "", command: "pause", state: "running", elapsedSeconds: 5 } as const;
  const shown = [[false, 6], [false, 8], [true, 8], [true, 16]] as const;
  assert.deepEqual(
    shown.filter(([paused, elapsedSeconds]) =>
      isCurrent(message, { state: "running", paused, elapsedSeconds })
    ),
    [[false, 6], [true, 8]],
  );
});
