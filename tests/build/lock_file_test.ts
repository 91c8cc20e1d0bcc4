import assert from "node:assert/strict";
import {
  type LockedPackage,
  type LockFile,
  lockOf,
  packageId,
  packageSpecifier,
} from "../../build/lock_file.ts";

const NPM: Readonly<Record<string, LockedPackage>> = {
  "@redis/client@6.0.0": {},
  "@redis/json@6.1.0_@redis+client@6.0.0": { dependencies: ["@redis/client"] },
  "redis@6.2.0": { dependencies: ["@redis/client", "@redis/json"] },
  "left@1.0.0": { dependencies: ["pad@1.0.0"], optionalDependencies: ["right"] },
  "pad@1.0.0": {},
  "pad@2.0.0": { dependencies: ["left"] },
  "right@1.0.0": { dependencies: ["pad@2.0.0"] },
};
const LOCK: LockFile = {
  specifiers: { "npm:redis@6.2.0": "6.2.0", "npm:left@1": "1.0.0", "npm:lost@1": "1.0.0" },
  npm: NPM,
  workspace: { dependencies: ["npm:left@1", "npm:redis@6.2.0"] },
};

Deno.test("a key is a name and a version, whatever its peers", () => {
  assert.deepEqual(packageId("@redis/json@6.1.0_@redis+client@6.0.0"), {
    name: "@redis/json",
    version: "6.1.0",
  });
  assert.deepEqual(packageId("pad@2.0.0-rc.1"), { name: "pad", version: "2.0.0-rc.1" });
  assert.throws(() => packageId("pad"), /pad is no package/);
});

Deno.test("a specifier of a file in a package leads to the package", () => {
  assert.equal(packageSpecifier("npm:/csv-parse@7.0.3/sync"), "npm:csv-parse@7.0.3");
  assert.equal(packageSpecifier("npm:@a/b@1.0.0/c/d.js"), "npm:@a/b@1.0.0");
  assert.equal(packageSpecifier("npm:@a/b@1.0.0"), "npm:@a/b@1.0.0");
  assert.equal(packageSpecifier("node:url"), "node:url");
});

Deno.test("a part of a lock file has what the specifiers need, near and far, and no more", () => {
  const part = lockOf(LOCK, ["npm:redis@6.2.0/index.js", "npm:redis@6.2.0"]);
  assert.deepEqual(part.specifiers, { "npm:redis@6.2.0": "6.2.0" });
  assert.deepEqual(part.workspace, { dependencies: ["npm:redis@6.2.0"] });
  assert.deepEqual(Object.keys(part.npm), [
    "@redis/client@6.0.0",
    "@redis/json@6.1.0_@redis+client@6.0.0",
    "redis@6.2.0",
  ]);
});

Deno.test("packages that need each other, and two versions of one, are no trouble", () => {
  assert.deepEqual(Object.keys(lockOf(LOCK, ["npm:left@1"]).npm), [
    "left@1.0.0",
    "pad@1.0.0",
    "pad@2.0.0",
    "right@1.0.0",
  ]);
});

Deno.test("what the lock file lacks is named", () => {
  assert.throws(() => lockOf(LOCK, ["npm:other@1"]), /does not have npm:other@1/);
  assert.throws(() => lockOf(LOCK, ["npm:lost@1"]), /no package lost@1\.0\.0/);
});
