#!/usr/bin/env node
// deno-lint-ignore-file explicit-function-return-type -- JavaScript has no types
// The command `aiotest` of the npm package. It starts the executable, which is in the package of this
// platform, and ends as the executable does.
"use strict";
const { spawn } = require("node:child_process");
const { existsSync } = require("node:fs");
const { constants } = require("node:os");
const process = require("node:process");
const { optionalDependencies, version } = require("../package.json");

// Shells use the same two for a command that they cannot start.
const CANNOT_RUN = 126;
const NOT_FOUND = 127;

const NO_GLIBC = "The executable for Linux needs glibc, and this system has another C library, " +
  "such as musl on Alpine.\nUse a system with glibc, such as the image node:22-slim.";

/** Prints an error, and ends with an exit code of a shell. */
function fail(exitCode, text) {
  process.stderr.write(`aiotest: ${text}\n`);
  process.exit(exitCode);
}

/** Whether Node.js itself uses a C library other than glibc, and so the system does. */
function lacksGlibc() {
  if (process.platform !== "linux") return false;
  // Otherwise, the report looks up the names of all network interfaces.
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime === undefined;
}

/** The path of the executable. */
function findExecutable() {
  const platform = `${process.platform}-${process.arch}`;
  const name = `@aiotest/${platform}`;
  const names = Object.keys(optionalDependencies);
  if (!names.includes(name)) {
    const platforms = names.map((other) => other.slice("@aiotest/".length)).join(", ");
    fail(NOT_FOUND, `there is no executable for ${platform}.\nThere is one for: ${platforms}`);
  }
  const file = process.platform === "win32" ? "aiotest.exe" : "aiotest";
  try {
    return require.resolve(`${name}/bin/${file}`);
  } catch {
    if (lacksGlibc()) fail(NOT_FOUND, NO_GLIBC);
    return fail(
      NOT_FOUND,
      `${name} ${version}, the package with the executable, is not installed.\n` +
        "npm leaves it out with --omit=optional or --no-optional. To install it:\n" +
        "  npm install --include=optional\n" +
        "If that does not help, package-lock.json is from another platform. " +
        "Delete it together with node_modules, and install again.",
    );
  }
}

function startFailed(path, { code, message }) {
  if (code === "EACCES") {
    fail(CANNOT_RUN, `${path} may not be executed.\nTo allow it: chmod +x '${path}'`);
  }
  // The system misses the program that loads the executable, and not the executable.
  if (code === "ENOENT" && existsSync(path) && lacksGlibc()) fail(CANNOT_RUN, NO_GLIBC);
  fail(CANNOT_RUN, `${path} cannot be started: ${message}`);
}

/** Ends this process by the signal that has ended the executable. */
function endBySignal(signal) {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // Node.js ignores a few signals.
  setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
}

const path = findExecutable();
let child = null;
let isTold = false;

/** Passes a request to end on. On Windows, that is not possible, and nothing sends one. */
function passOn(signal) {
  isTold = true;
  if (process.platform !== "win32") child?.kill(signal);
}

// A terminal sends these to both processes. Only the executable acts on them.
for (const signal of ["SIGINT", "SIGQUIT", "SIGBREAK"]) {
  process.on(signal, () => {
    isTold = true;
  });
}
// These may be sent to this process alone.
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => passOn(signal));
// npm passes SIGTERM on to a shell, which ends without a word to this process. The load must not go on.
if (process.env.npm_command !== undefined) {
  const parent = process.ppid;
  let checksWithout = 0;
  setInterval(() => {
    if (process.ppid === parent) return;
    // A signal that has ended the shell may be on its way here, too.
    if (++checksWithout === 2 && !isTold) passOn("SIGTERM");
  }, 300);
}
try {
  child = spawn(path, process.argv.slice(2), { stdio: "inherit" });
} catch (error) {
  startFailed(path, error);
}
child.on("error", (error) => startFailed(path, error));
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  endBySignal(signal);
});
