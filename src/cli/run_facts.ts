/**
 * What a report tells of a run beside its counts: how it was configured, and where it ran.
 *
 * @module
 */

import type { Host } from "../core/host.ts";
import { VERSION, versionText } from "../core/version.ts";
import type { OptionFact, RunFacts } from "../web/report_content.ts";
import { kebabCase } from "./config_file.ts";
import type { Options } from "./options.ts";
import { looksSecret, publicText } from "./secrets.ts";
import { SETTINGS, type Settings } from "./settings.ts";

/** Said in place of what nobody but the run may know. */
const NOT_SHOWN = "(not shown)";

/** Options that are not told of as options. */
const TOLD_ELSEWHERE: ReadonlySet<string> = new Set<keyof Settings>(["aiotestfile"]);

/** In seconds, as the command line takes them. */
const IN_SECONDS: ReadonlySet<string> = new Set<keyof Settings>([
  "runTime",
  "stopTimeout",
  "expectWorkersMaxWait",
  "reconnectTimeout",
]);

/** What is to be known of a run, without anything secret. */
export function runFacts(host: Pick<Host, "hostname" | "cores">, options: Options): RunFacts {
  const { os, arch } = Deno.build;
  return {
    version: VERSION,
    program: versionText(),
    test: publicText(options.aiotestfile),
    options: [...ownFacts(options), ...extraFacts(options.extra)],
    machine: {
      hostname: host.hostname,
      cores: host.cores,
      system: `${os} ${Deno.osRelease()}, ${arch}`,
    },
  };
}

/** Those that were given, and those that a command has set by itself. */
function ownFacts(options: Options): OptionFact[] {
  return Object.entries(SETTINGS).flatMap(([key, setting]) => {
    const name = key as keyof Settings;
    const value = options[name];
    const isStandard = JSON.stringify(value) === JSON.stringify(setting.default);
    if (TOLD_ELSEWHERE.has(name) || isStandard && !options.given.has(name)) return [];
    return [optionFact(name, value)];
  });
}

function extraFacts(extra: Options["extra"]): OptionFact[] {
  return Object.entries(extra).map(([name, value]) => optionFact(name, value));
}

function optionFact(name: string, value: unknown): OptionFact {
  const flag = `--${kebabCase(name)}`;
  if (looksSecret(name)) return { flag, value: NOT_SHOWN };
  if (value === true) return { flag, value: "" };
  const text = textOf(value);
  return { flag, value: IN_SECONDS.has(name) && value !== null ? `${text} s` : text };
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(", ");
  if (typeof value !== "object" || value === null) return publicText(String(value ?? "none"));
  // What a test file has made of its flag's text may be anything, and hold anything.
  return NOT_SHOWN;
}
