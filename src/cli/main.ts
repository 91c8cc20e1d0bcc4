/**
 * The command line from its first word to its exit code.
 *
 * @module
 */

import { AiotestError, ExitCode } from "../core/errors.ts";
import { events } from "../core/events.ts";
import type { Host } from "../core/host.ts";
import { versionText } from "../core/version.ts";
import { compareHelpText, demoHelpText, initHelpText, quickHelpText } from "./help.ts";
import { CommandLine } from "./options.ts";

/** Does what the command line asks for; resolves with what the process is to exit with. */
export async function main(host: Host): Promise<number> {
  // A worker without the process that has started it is nobody's.
  host.onParentGone(() => host.exit(ExitCode.cluster));
  const exitCode = await obeyOrExplain(host);
  await events.emit("quitting", { exitCode });
  return exitCode;
}

/** The one place where an error becomes a sentence and an exit code. */
async function obeyOrExplain(host: Host): Promise<number> {
  try {
    return await obey(host);
  } catch (error) {
    if (!(error instanceof AiotestError)) throw error;
    host.stderr.write(`aiotest: ${error.message}\n${error.hint === "" ? "" : `${error.hint}\n`}`);
    return error.exitCode;
  }
}

/** What a command needs is loaded with it: all of it would slow down each start. */
async function obey(host: Host): Promise<number> {
  const commandLine = await CommandLine.preview(host);
  switch (commandLine.request) {
    case "version":
      host.stdout.write(`${versionText()}\n`);
      return ExitCode.passed;
    case "help":
      await addFlagsOfTestFile(host, commandLine);
      host.stdout.write(`${commandLine.help()}\n`);
      return ExitCode.passed;
    case "quickHelp":
      host.stdout.write(`${quickHelpText()}\n`);
      return ExitCode.passed;
    case "demoHelp":
      host.stdout.write(`${demoHelpText()}\n`);
      return ExitCode.passed;
    case "initHelp":
      host.stdout.write(`${initHelpText()}\n`);
      return ExitCode.passed;
    case "compareHelp":
      host.stdout.write(`${compareHelpText()}\n`);
      return ExitCode.passed;
    case "init":
      return await (await import("./commands/init.ts")).runInit(host);
    case "compare":
      return await (await import("./commands/compare.ts")).runCompare(host);
    case "quick":
      return await (await import("./commands/quick.ts")).runQuick(host);
    case "demo":
      return await (await import("./commands/demo.ts")).runDemo(host, commandLine.parse());
    case "run":
      return await (await import("./commands/run.ts")).runTestFile(host, commandLine);
  }
}

/** Help is given also where there is no test file, or one with a mistake. */
async function addFlagsOfTestFile(host: Host, commandLine: CommandLine): Promise<void> {
  try {
    const { importTestFile } = await import("./test_file.ts");
    await importTestFile(host, commandLine.known().aiotestfile);
    await events.emit("initCommandLineParser", { parser: commandLine.parser });
  } catch (error) {
    if (!(error instanceof AiotestError)) throw error;
  }
}
