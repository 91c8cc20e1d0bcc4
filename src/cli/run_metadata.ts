/**
 * What a report says about a run besides its results: its options, and the machine. Secrets are left out.
 *
 * @module
 */

import type { Host } from "../core/host.ts";
import type { RunLabels } from "../core/run_info.ts";
import { hideCredentials } from "../core/text.ts";
import { VERSION, versionText } from "../core/version.ts";
import type { OptionValue, RunMetadata } from "../report/summary.ts";
import { isPem } from "./option_types.ts";
import type { Options } from "./options.ts";
import { flagOf } from "./setting_types.ts";
import { SETTINGS, type Settings } from "./settings.ts";

/** Parts of names that mark a value as secret. */
const SECRET_PART = /token|secret|passw|passphrase|credential|apikey|private|jwt|bearer/;

/** Whole words of names that mark a value as secret. */
const SECRET_WORDS: ReadonlySet<string> = new Set([
  ...["auth", "authorization", "cookie", "key", "pass", "passcode", "pin", "pwd", "session", "sig"],
  ...["signature"],
]);

/** Names that look secret, but whose values are file names. */
const NO_SECRETS: ReadonlySet<string> = new Set(["tls-key", "client-key"]);

/** Whether the value of an option or URL parameter of this name is likely to be a secret. */
export function looksSecret(name: string): boolean {
  const words = name.replaceAll(/([a-z\d])([A-Z])/g, "$1-$2").replaceAll("_", "-").toLowerCase();
  if (NO_SECRETS.has(words)) return false;
  return SECRET_PART.test(words) || words.split("-").some((word) => SECRET_WORDS.has(word));
}

/**
 * A text without its secrets: if it contains a URL, user, password and secret parameters are replaced
 * by `…`.
 */
export function publicText(text: string): string {
  if (!/[a-z][a-z\d+.-]*:\/\//i.test(text)) return text;
  return hideCredentials(text).replaceAll(
    /([?&])([^=&#\s]*)=([^&#\s]*)/g,
    (all, mark: string, name: string) => looksSecret(decoded(name)) ? `${mark}${name}=…` : all,
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Shown in place of a secret. */
const NOT_SHOWN = "(not shown)";

/** Describes a run and its machine, without secrets. */
export function runMetadata(host: Pick<Host, "hostname" | "cores">, options: Options): RunMetadata {
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

/** What a run is called, without the credentials of URLs. */
export function runLabels({ name, label }: Pick<Options, "name" | "label">): RunLabels {
  return {
    name: name === null ? null : publicText(name),
    labels: Object.fromEntries(
      Object.entries(label).map(([key, value]) => [key, publicText(value)]),
    ),
  };
}

/** Settings that were given, and those that differ from their default because a command sets them. */
function ownFacts(options: Options): OptionValue[] {
  return Object.entries(SETTINGS).flatMap(([key, setting]) => {
    const name = key as keyof Settings;
    const value = options[name];
    const isDefault = JSON.stringify(value) === JSON.stringify(setting.default);
    if (NOT_LISTED.includes(name) || isDefault && !options.given.has(name)) return [];
    return [optionFact(name, value, setting.type.unit)];
  });
}

/** Settings that reports show in another place, or that have nothing to do with the run. */
const NOT_LISTED: readonly (keyof Settings)[] = [
  ...["aiotestfile", "name", "label"] as const,
  ...["history", "noHistory"] as const,
];

function extraFacts(extra: Options["extra"]): OptionValue[] {
  return Object.entries(extra).map(([name, value]) => optionFact(name, value));
}

function optionFact(name: string, value: unknown, unit?: string): OptionValue {
  const flag = flagOf(name);
  if (looksSecret(name)) return { flag, value: NOT_SHOWN };
  if (value === true) return { flag, value: "" };
  const text = textOf(value);
  return { flag, value: unit === undefined || value === null ? text : `${text} ${unit}` };
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(", ");
  if (typeof value === "string" && isPem(value)) return NOT_SHOWN;
  if (typeof value !== "object" || value === null) return publicText(String(value ?? "none"));
  // The test file has converted the text; the result may contain anything, secrets included.
  return NOT_SHOWN;
}
