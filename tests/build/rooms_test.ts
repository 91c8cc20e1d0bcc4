import assert from "node:assert/strict";
import { checkRooms, roomOf } from "../../build/rooms.ts";
import { inventedFile } from "./invented_file.ts";

Deno.test("a file of src lies in the room that its first folder names", () => {
  assert.equal(roomOf("src/core/clock.ts"), "core");
  assert.equal(roomOf("src/cli/flags/table.ts"), "cli");
  assert.equal(roomOf("mod.ts"), "mod.ts");
  assert.equal(roomOf("examples/shop.ts"), "examples");
  assert.equal(roomOf("src/core"), null);
  assert.equal(roomOf("src/attic/clock.ts"), null);
  assert.equal(roomOf("bench/http.ts"), null);
});

Deno.test("a room may import itself and the rooms that the table gives it", () => {
  const files = [
    inventedFile("src/user/loop.ts", { imports: ["src/user/user.ts", "src/http/transport.ts"] }),
    inventedFile("mod.ts", { imports: ["src/user/user.ts", "src/core/events.ts"] }),
    inventedFile("src/cli/demo.ts", { imports: ["src/runner/local.ts", "examples/shop.ts"] }),
    inventedFile("examples/shop.ts", { imports: ["mod.ts"] }),
  ];
  assert.deepEqual(checkRooms(files), []);
});

Deno.test("an import that the table does not give is a violation", () => {
  const files = [
    inventedFile("src/core/clock.ts", { imports: ["src/stats/table.ts"] }),
    inventedFile("src/load/load_profile.ts", {
      imports: ["src/core/errors.ts", "src/user/user.ts"],
    }),
    inventedFile("mod.ts", { imports: ["src/http/transport.ts"] }),
    inventedFile("examples/shop.ts", { imports: ["src/user/user.ts"] }),
  ];
  assert.deepEqual(checkRooms(files), [
    { file: "src/core/clock.ts", reason: "imports src/stats/table.ts, which core may not" },
    { file: "src/load/load_profile.ts", reason: "imports src/user/user.ts, which load may not" },
    { file: "mod.ts", reason: "imports src/http/transport.ts, which mod.ts may not" },
    { file: "examples/shop.ts", reason: "imports src/user/user.ts, which examples may not" },
  ]);
});

Deno.test("the product may not import its tests, its build or its public face from below", () => {
  const imports = ["tests/support/fake_clock.ts", "build/rooms.ts", "mod.ts"];
  assert.deepEqual(
    checkRooms([inventedFile("src/core/clock.ts", { imports })]).map(({ reason }) => reason),
    imports.map((path) => `imports ${path}, which core may not`),
  );
});

Deno.test("a file of src in no known room is a violation, and tests may import anything", () => {
  const files = [
    inventedFile("src/helpers.ts"),
    inventedFile("tests/core/clock_test.ts", { imports: ["src/runner/local.ts"] }),
  ];
  assert.deepEqual(checkRooms(files), [
    { file: "src/helpers.ts", reason: "lies in no room of the table" },
  ]);
});
