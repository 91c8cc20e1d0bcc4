import assert from "node:assert/strict";
import {
  type LockedPackage,
  type LockFile,
  lockOf,
  packageId,
  packageSpecifier,
  projectPackages,
  sortPackages,
} from "../../build/packages.ts";
import { PROJECT_ROOT } from "../support/paths.ts";

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

Deno.test("a key is a name and a version, with or without peer dependencies", () => {
  assert.deepEqual(packageId("@redis/json@6.1.0_@redis+client@6.0.0"), {
    name: "@redis/json",
    version: "6.1.0",
  });
  assert.deepEqual(packageId("pad@2.0.0-rc.1"), { name: "pad", version: "2.0.0-rc.1" });
  assert.throws(() => packageId("pad"), /pad is no package/);
});

Deno.test("a specifier of a file gives the specifier of its package", () => {
  assert.equal(packageSpecifier("npm:/csv-parse@7.0.3/sync"), "npm:csv-parse@7.0.3");
  assert.equal(packageSpecifier("npm:@a/b@1.0.0/c/d.js"), "npm:@a/b@1.0.0");
  assert.equal(packageSpecifier("npm:@a/b@1.0.0"), "npm:@a/b@1.0.0");
  assert.equal(packageSpecifier("node:url"), "node:url");
});

Deno.test("a part of a lock file has the packages and their dependencies, and no more", () => {
  const part = lockOf(LOCK, ["npm:redis@6.2.0/index.js", "npm:redis@6.2.0"]);
  assert.deepEqual(part.specifiers, { "npm:redis@6.2.0": "6.2.0" });
  assert.deepEqual(part.workspace, { dependencies: ["npm:redis@6.2.0"] });
  assert.deepEqual(Object.keys(part.npm), [
    "@redis/client@6.0.0",
    "@redis/json@6.1.0_@redis+client@6.0.0",
    "redis@6.2.0",
  ]);
});

Deno.test("a lock file may have circular dependencies, and two versions of a package", () => {
  assert.deepEqual(Object.keys(lockOf(LOCK, ["npm:left@1"]).npm), [
    "left@1.0.0",
    "pad@1.0.0",
    "pad@2.0.0",
    "right@1.0.0",
  ]);
});

Deno.test("a package that the lock file lacks is an error", () => {
  assert.throws(() => lockOf(LOCK, ["npm:other@1"]), /does not have npm:other@1/);
  assert.throws(() => lockOf(LOCK, ["npm:lost@1"]), /no package lost@1\.0\.0/);
});

Deno.test("packages that the product imports or offers to test files are shipped", () => {
  const imports = {
    "aiotest": "./mod.ts",
    "csv-parse": "npm:csv-parse@7.0.3",
    "fast-check": "npm:fast-check@4.10.2",
    "fast": "npm:fast@4.10.2",
    "redis": "npm:redis@6.3.1",
  };
  assert.deepEqual(sortPackages(imports, ["file:///a/mod.ts", "node:url", "npm:/fast@4.10.2/x"]), {
    shipped: {
      "csv-parse": "npm:csv-parse@7.0.3",
      "fast": "npm:fast@4.10.2",
      "redis": "npm:redis@6.3.1",
    },
    others: { "fast-check": "npm:fast-check@4.10.2" },
  });
});

Deno.test("the packages of the tests are not shipped", async () => {
  const { shipped, others } = await projectPackages(PROJECT_ROOT);
  assert.ok("redis" in shipped);
  assert.ok("@opentelemetry/exporter-metrics-otlp-http" in shipped);
  assert.ok("@opentelemetry/exporter-trace-otlp-grpc" in shipped);
  assert.ok("@opentelemetry/otlp-transformer" in others);
  assert.ok("commander" in shipped);
  assert.ok("fast-check" in others);
  assert.ok("hdr-histogram-js" in others);
});

Deno.test("packages of test files are not added to the lock file of a checkout", async () => {
  const config = JSON.parse(await Deno.readTextFile(`${PROJECT_ROOT}/deno.json`));
  assert.match(config.tasks.aiotest, /^deno run -A --no-lock .*cli\.ts$/);
  const readme = await Deno.readTextFile(`${PROJECT_ROOT}/README.md`);
  const aliases = readme.match(/alias aiotest=.*/g)!;
  assert.equal(aliases.length, 2);
  for (const alias of aliases) assert.match(alias, /run -A --no-lock \$PWD\/cli\.ts"$/);
});
