/**
 * What a report tells of a run beside its counts: how it was configured, and where it ran.
 *
 * @module
 */

import type { Host } from "../core/host.ts";
import { VERSION, versionText } from "../core/version.ts";
import type { OptionFact, RunMetadata } from "../web/report_content.ts";
import type { Options } from "./options.ts";
import { SETTINGS, type Settings } from "./settings.ts";
import { kebabCase } from "./sources.ts";

// What must not stand in a report that is handed on.

/** Parts of a name, any of which makes what it names a secret. */
const SECRET_PART = /token|secret|passw|passphrase|credential|apikey|private|jwt|bearer/;

/** Words of a name that do. */
const SECRET_WORDS: ReadonlySet<string> = new Set([
  ...["auth", "authorization", "cookie", "key", "pass", "passcode", "pin", "pwd", "session", "sig"],
  ...["signature"],
]);

/** Names that seem secret, and are those of files. */
const NO_SECRETS: ReadonlySet<string> = new Set(["tls-key"]);

/**
 * Whether a name is that of something secret, such as a flag of a test file.
 */
export function looksSecret(name: string): boolean {
  const words = name.replaceAll(/([a-z\d])([A-Z])/g, "$1-$2").replaceAll("_", "-").toLowerCase();
  if (NO_SECRETS.has(words)) return false;
  return SECRET_PART.test(words) || words.split("-").some((word) => SECRET_WORDS.has(word));
}

/**
 * A text, but for what is secret in it where it is a URL: user and password, and parameters of that
 * name.
 */
export function publicText(text: string): string {
  const [, scheme] = /^[^]*?([a-z][a-z\d+.-]*:\/\/)/i.exec(text) ?? [];
  if (scheme === undefined) return text;
  const shown = withoutUser(text, scheme);
  return shown.replaceAll(
    /([?&])([^=&#\s]*)=([^&#\s]*)/g,
    (all, mark: string, name: string) => looksSecret(decoded(name)) ? `${mark}${name}=…` : all,
  );
}

/** Where a text is no URL after all, all that may be a password is left out. */
function withoutUser(text: string, scheme: string): string {
  const start = text.indexOf(scheme) + scheme.length;
  const [head, rest] = [text.slice(0, start), text.slice(start)];
  const authority = /^[^/?#\s]*/.exec(rest)![0];
  const at = URL.canParse(scheme + rest) ? authority.lastIndexOf("@") : rest.lastIndexOf("@");
  return at < 0 ? text : `${head}…${rest.slice(at)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

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
