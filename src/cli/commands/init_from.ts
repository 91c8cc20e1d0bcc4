/**
 * `aiotest init --har FILE` and its like: creates a test file from an existing source, such as a
 * recording of a browser.
 *
 * @module
 */

import { basename, extname, join, resolve } from "node:path";
import type { Draft } from "../../convert/draft.ts";
import { ExitCode, systemReason, UsageError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { sanitizeTerminal } from "../../core/text.ts";
import type { FlagTexts } from "../flag_parser.ts";
import { alreadyExists, quoted, TYPE_FILES, write } from "./init_files.ts";

/** What a test can be made from, by the option that names it: reads the values of the option. */
const SOURCES: Readonly<Record<string, (given: Given) => Promise<Draft>>> = {
  async har({ host, texts, flags }): Promise<Draft> {
    const path = onlyOne("har", texts);
    const info = await host.fileInfo(resolve(host.cwd, path)).catch(() => null);
    const size = info?.size ?? 0;
    if (size > LARGE) {
      host.stderr.write(
        `aiotest: Reading ${sanitizeTerminal(path)} (${Math.round(size / 1e6)} MB) …\n`,
      );
    }
    const text = await readText(host, "har", path);
    const [{ readHar }, { draftOfRecording }] = await Promise.all([
      import("../../convert/har.ts"),
      import("../../convert/recording.ts"),
    ]);
    const name = path === "-" ? "standard input" : basename(path);
    return await draftOfRecording(readHar(text, name), {
      name,
      withResources: flags.has("with-resources"),
      hosts: (flags.get("hosts") ?? []).flatMap((list) => (list ?? "").split(","))
        .map((one) => one.trim()).filter((one) => one !== ""),
    });
  },
  async openapi({ host, texts }): Promise<Draft> {
    const { readOpenApi } = await import("../../convert/openapi.ts");
    return await readOpenApi(host, onlyOne("openapi", texts));
  },
  async postman({ host, texts, flags }): Promise<Draft> {
    const { readPostman } = await import("../../convert/postman.ts");
    const environment = flags.get(ENVIRONMENT)?.map((text) => text ?? "") ?? null;
    return await readPostman(
      host,
      onlyOne("postman", texts),
      environment === null ? null : onlyOne(ENVIRONMENT, environment),
    );
  },
  async curl({ host, texts }): Promise<Draft> {
    const { readCurl } = await import("../../convert/curl.ts");
    const commands = [];
    for (const text of texts) {
      // A command has a space before its URL.
      const isFile = text === "-" ||
        (!/\s/.test(text) && await host.isFile(resolve(host.cwd, text)));
      commands.push(isFile ? await readText(host, "curl", text) : text);
    }
    return await readCurl(commands, async (path) => {
      try {
        return await host.readFile(resolve(host.cwd, path));
      } catch (error) {
        throw new UsageError(`--curl: cannot read ${path}: ${systemReason(error)}`, "", error);
      }
    });
  },
};

/** Reading more bytes than that takes a while, so it is announced. */
const LARGE = 20e6;

/** The only value of an option. */
function onlyOne(option: string, texts: readonly string[]): string {
  const [text = "", second] = texts;
  if (second !== undefined) throw new UsageError(`--${option} is given more than once`);
  if (text === "") throw new UsageError(`--${option}: the file name is empty`);
  return text;
}

/** An option with its values, and the options that go with it. */
interface Given {
  readonly host: Host;
  readonly texts: readonly string[];
  readonly flags: FlagTexts;
}

const ENVIRONMENT = "postman-environment";

/** Options that go with a source, by its option. */
const SOURCE_OPTIONS = { har: ["with-resources", "hosts"], postman: [ENVIRONMENT] } as const;

/** The option that names what the test is made from; `null` if there is none. */
export function sourceOption(flags: FlagTexts): string | null {
  const given = Object.keys(SOURCES).filter((name) => flags.has(name));
  for (const [source, options] of Object.entries(SOURCE_OPTIONS)) {
    const stray = options.find((name) => flags.has(name));
    if (stray !== undefined && !given.includes(source)) {
      throw new UsageError(`--${stray} needs --${source}`);
    }
  }
  if (given.length > 1) {
    throw new UsageError(
      `init: a test is made from one source, but there are ${
        given.map((name) => `--${name}`).join(" and ")
      }`,
    );
  }
  return given[0] ?? null;
}

/**
 * Creates a test file from what an option names. Resolves with the exit code.
 *
 * @param operand the file to create, or the directory to create it in.
 * @throws UsageError if what the option names cannot be read or converted, or the file exists.
 */
export async function runInitFrom(
  host: Host,
  option: string,
  flags: FlagTexts,
  operand: string,
): Promise<number> {
  const file = await outputOf(host, operand);
  if (await host.isFile(file.path)) throw alreadyExists(file.path);
  const texts = flags.get(option)!.map((text) => text ?? "");
  const draft = await SOURCES[option]!({ host, texts, flags });
  const { runCommand, writeTest } = await import("../../convert/test_writer.ts");
  const isTypeScript = /\.m?ts$/.test(file.path);
  const name = basename(file.path);
  const command = name === DEFAULT_NAME ? "aiotest" : `aiotest -f ${quoted(name)}`;
  await write(host, file.path, writeTest(draft, { isTypeScript, command }));
  for (const note of draft.notes) {
    const lines = note.split("\n").map(sanitizeTerminal);
    host.stderr.write(`aiotest: ${lines.join("\n")}\n`);
  }
  const created = file.withTypes ? await createTypes(host, file.folder) : [];
  const path = file.withTypes ? "" : quoted(operand);
  host.stdout.write([
    `Created ${[file.path, ...created].join(", ")}`,
    "",
    "Check it, and run it with 10 users for 10 seconds:",
    ...file.withTypes && operand !== "." ? [`  cd ${quoted(operand)}`] : [],
    `  aiotest check ${path}`.trimEnd(),
    `  ${runCommand(draft, path === "" ? "aiotest" : `aiotest -f ${path}`, "-u 10 -r 10 -t 10s")}`,
    "",
  ].join("\n"));
  return ExitCode.passed;
}

const DEFAULT_NAME = "aiotestfile.ts";

interface OutputPlace {
  readonly path: string;
  readonly folder: string;
  /** Whether the folder also gets what an editor needs. */
  readonly withTypes: boolean;
}

async function outputOf(host: Host, operand: string): Promise<OutputPlace> {
  const path = resolve(host.cwd, operand);
  const folder = resolve(path, "..");
  if (/\.m?[jt]s$/.test(operand)) return { path, folder, withTypes: false };
  if (await host.isFile(path)) {
    throw new UsageError(`${path} is a file, and the name of a test file ends in .ts or .js`);
  }
  const extension = extname(operand);
  if (/^\.[a-z]+$/i.test(extension)) {
    throw new UsageError(`${operand}: the name of a test file ends in .ts or .js`);
  }
  return { path: join(path, DEFAULT_NAME), folder: path, withTypes: true };
}

/** What an editor needs to check the file, as far as the folder does not have it. */
async function createTypes(host: Host, folder: string): Promise<string[]> {
  const { default: texts } = await import("../first_files.json", { with: { type: "json" } });
  const created: string[] = [];
  for (const name of TYPE_FILES) {
    const path = join(folder, name);
    if (await host.isFile(path)) continue;
    await write(host, path, `${texts[name].join("\n")}\n`);
    created.push(name);
  }
  return created;
}

/** The text of a file, or of standard input for `-`. */
async function readText(host: Host, option: string, path: string): Promise<string> {
  try {
    return await host.readTextFile(path === "-" ? "/dev/stdin" : resolve(host.cwd, path));
  } catch (error) {
    const name = path === "-" ? "standard input" : path;
    throw new UsageError(`--${option}: cannot read ${name}: ${systemReason(error)}`, "", error);
  }
}
