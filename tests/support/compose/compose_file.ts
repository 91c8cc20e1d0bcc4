import assert from "node:assert/strict";
import { parse } from "yaml";
import { projectPath } from "../paths.ts";

/** A service, as far as tests look at it. */
export interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  /** Files that Compose writes. */
  readonly configs?: readonly { readonly source: string; readonly target: string }[];
  readonly depends_on?: Readonly<Record<string, Dependency>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
  readonly ulimits?: { readonly nofile: number };
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly deploy?: { readonly replicas: string };
  readonly profiles?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
}

/** What a service waits for. */
export interface Dependency {
  readonly condition: string;
  readonly required?: boolean;
}

/** A compose file, or several in one. */
export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
  readonly configs?: Readonly<Record<string, { readonly content: string }>>;
}

/** The folder of the compose files, which their relative paths start from. */
export const DEPLOY = projectPath("deploy");

/**
 * Reads compose files of `deploy/` as `docker compose -f … -f …` does: variables filled in, and what
 * a later file says added to the earlier ones.
 *
 * @throws Error if a required variable is missing.
 */
export function readCompose(names: readonly string[], env: Record<string, string> = {}): Compose {
  const files = names.map((name) => {
    const text = Deno.readTextFileSync(`${DEPLOY}/${name}`);
    return fillIn(parse(text, { merge: true }), env);
  });
  return files.reduce(mergeInto) as Compose;
}

/** The variables that you set before you start one. */
export const COMPOSE_ENV = {
  AIOTEST_HOST: "http://target:8000",
  AIOTEST_TOKEN: "between-us",
  REDIS_PASSWORD: "123456",
};

/** The runs that the files describe, each with the files that it takes. */
export const COMPOSE_RUNS = {
  local: ["compose.local.yml"],
  distributed: ["compose.distributed.yml"],
  redis: ["compose.distributed.yml", "compose.redis.yml"],
  lab: ["compose.lab.yml"],
};

/** The compose file of a run, with variables of your own. */
export function composeRun(
  name: keyof typeof COMPOSE_RUNS,
  env: Record<string, string> = {},
): Compose {
  return readCompose(COMPOSE_RUNS[name], { ...COMPOSE_ENV, ...env });
}

/** The compose files of all runs. */
export function everyRun(): Compose[] {
  return [composeRun("local"), composeRun("distributed"), composeRun("redis"), composeRun("lab")];
}

/** The services of a run that are aiotest. */
export function nodesOf({ services }: Compose): Service[] {
  return Object.values(services).filter(({ image }) => image === "aiotest");
}

function fillIn(value: unknown, env: Record<string, string>): unknown {
  if (typeof value === "string") return interpolate(value, env);
  if (Array.isArray(value)) return value.map((item) => fillIn(item, env));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillIn(item, env)]));
}

/** Fills variables into a text: `$$`, `${NAME}`, `${NAME:-default}` and `${NAME:?message}`, one in another. */
export function interpolate(text: string, env: Record<string, string>): string {
  let filled = "";
  let at = 0;
  while (at < text.length) {
    if (text.startsWith("$$", at)) {
      filled += "$";
      at += 2;
    } else if (text.startsWith("${", at)) {
      const end = closing(text, at + 2);
      filled += variable(text.slice(at + 2, end), env);
      at = end + 1;
    } else {
      assert.notEqual(text[at], "$", `a lone $ in ${text}`);
      filled += text[at++];
    }
  }
  return filled;
}

function closing(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "{") depth++;
    if (text[at] === "}" && --depth === 0) return at;
  }
  throw new Error(`no closing brace: ${text}`);
}

function variable(expression: string, env: Record<string, string>): string {
  const [, name, operator, rest] = /^(\w+)(?::([-?])(.*))?$/s.exec(expression) ?? [];
  assert.ok(name !== undefined, `no variable: ${expression}`);
  const value = env[name];
  if (value !== undefined && value !== "") return value;
  if (operator === "?") throw new Error(`${name} is missing: ${rest}`);
  return operator === "-" ? interpolate(rest!, env) : "";
}

/** Maps are merged key by key. Any other value of a later file replaces the earlier one. */
function mergeInto(earlier: unknown, later: unknown): unknown {
  if (!isMap(earlier) || !isMap(later)) return later;
  const merged = { ...earlier };
  for (const [key, value] of Object.entries(later)) {
    merged[key] = key in merged ? mergeInto(merged[key], value) : value;
  }
  return merged;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
