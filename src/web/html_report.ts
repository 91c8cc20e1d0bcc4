/**
 * The report that `--html` writes: one self-contained file that needs no network. It shows a run with
 * the modules of the dashboard's page, linked into one script.
 *
 * @module
 */

import { jsonParts } from "../report/json_parts.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import type { RunMetadata } from "../report/summary.ts";
import { reportContent } from "./report_content.ts";
import { readSource } from "./sources.ts";

/**
 * Renders a run as a page; resolves with its text in parts.
 *
 * Names from tests and targets are embedded as data, which browsers never parse as markup. A content
 * security policy allows only the page's own script and style, and no requests.
 *
 * @param exitCode what the process is about to exit with; null if the run is still going.
 */
export async function htmlReport(
  snapshot: Snapshot,
  exitCode: number | null,
  metadata: RunMetadata,
): Promise<Iterable<string>> {
  return (await reportPage(snapshot, exitCode, metadata)).parts;
}

/** A report, and the content security policy that it contains, for a server that sends it as a header. */
export interface ReportPage {
  readonly parts: Iterable<string>;
  readonly policy: string;
}

/** As {@link htmlReport}, with its policy. */
export async function reportPage(
  snapshot: Snapshot,
  exitCode: number | null,
  metadata: RunMetadata,
): Promise<ReportPage> {
  const { page, icon, style, modules, licence } = await readReportSources();
  const script = `\n/*\n${licence.trim()}\n*/\n${linkedScript(modules)}`;
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${await cspDigest(script)}'`,
    `style-src 'sha256-${await cspDigest(style)}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const parts: Readonly<Record<string, Iterable<string>>> = {
    policy: [`<meta http-equiv="Content-Security-Policy" content="${policy}">`],
    icon: [`<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(icon)}">`],
    style: [`<style>${style}</style>`],
    data: dataElement(reportContent(snapshot, exitCode, metadata)),
    script: [`<script type="module">${script}</script>`],
  };
  return { parts: filledIn(page, parts), policy };
}

/** The page in a single pass, so placeholders inside inserted text are not replaced. */
function* filledIn(
  page: string,
  parts: Readonly<Record<string, Iterable<string>>>,
): Generator<string> {
  const pieces = page.split(/<!-- (policy|icon|style|data|script) -->/);
  for (const [i, piece] of pieces.entries()) {
    if (i % 2 === 0) yield piece;
    else yield* parts[piece]!;
  }
}

/** An element with JSON that cannot end the element or start a comment. */
function* dataElement(content: unknown): Generator<string> {
  yield '<script id="data" type="application/json">';
  for (const part of jsonParts(content, 0)) yield part.replaceAll("<", "\\u003c");
  yield "</script>";
}

/** The digest of an inline element's text, as a content security policy expects it. */
async function cspDigest(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toBase64();
}

/** The texts that every report is made of. */
export interface ReportSources {
  /** The page, with a comment as a placeholder for each of the other parts. */
  readonly page: string;
  /** As SVG. */
  readonly icon: string;
  readonly style: string;
  /** Each module follows those that it imports; the last is the entry point. */
  readonly modules: readonly ScriptModule[];
  /** The licence of uPlot, which must accompany it. */
  readonly licence: string;
}

/** Reads the texts that every report is made of. */
export async function readReportSources(): Promise<ReportSources> {
  const [page, icon, licence, plot, styles, modules] = await Promise.all([
    readSource("report_page/report.html"),
    readSource("page/icon.svg"),
    readSource("uplot/LICENSE"),
    readSource("uplot/uPlot.iife.min.js"),
    Promise.all(STYLES.map(readSource)),
    modulesFrom("report_page/report.js"),
  ]);
  return {
    page,
    icon,
    licence,
    style: styles.join("\n"),
    modules: [
      { name: "uplot", text: `${PRINT_RESOLUTION}\n${plot}`, variable: "uPlot" },
      ...modules,
    ],
  };
}

/** In the order of the cascade. */
const STYLES: readonly string[] = [
  "uplot/uPlot.min.css",
  "page/theme.css",
  "page/parts.css",
  "page/charts.css",
  "page/tables.css",
  "report_page/report.css",
];

/** uPlot reads this variable. At screen resolution, charts would be blurred on paper. */
const PRINT_RESOLUTION = "const devicePixelRatio = Math.max(2, globalThis.devicePixelRatio);";

/** A module and all modules that it imports, directly or not; each after those that it imports. */
async function modulesFrom(entry: string): Promise<ScriptModule[]> {
  const modules: ScriptModule[] = [];
  const visited = new Set<string>();
  const add = async (name: string): Promise<void> => {
    if (visited.has(name)) return;
    visited.add(name);
    const text = await readSource(name);
    for (const [, , from] of text.matchAll(IMPORT)) {
      if (from!.startsWith(".")) await add(resolved(from!, name));
    }
    modules.push({ name, text });
  };
  await add(entry);
  return modules;
}

/** One module, or a classic script that can be imported like one. */
export interface ScriptModule {
  /** What other modules import it by: a path, or the name of a package. */
  readonly name: string;
  readonly text: string;
  /** For a classic script, the variable that holds its result. */
  readonly variable?: string;
}

/**
 * Links modules into one script, because a page opened from a file cannot load modules. Supports the
 * forms of import and export that the page uses: named imports, one default import, and exported
 * declarations.
 *
 * @param modules each must follow those that it imports.
 * @throws Error if a module imports one that does not precede it, or uses an unsupported form.
 */
export function linkedScript(modules: readonly ScriptModule[]): string {
  const variables = new Map<string, string>();
  const parts = modules.map((module, index) => {
    const body = module.variable === undefined
      ? linkedBody(module, variables)
      : `${module.text.trim()}\nreturn { default: ${module.variable} };`;
    const variable = `$${index}`;
    variables.set(module.name, variable);
    return `// ${module.name}\nconst ${variable} = (() => {\n${body}\n})();\n`;
  });
  return parts.join("");
}

/** The body of a function that returns a module's exports. */
function linkedBody(
  { name, text }: ScriptModule,
  variables: ReadonlyMap<string, string>,
): string {
  const exported: string[] = [];
  const body = withoutComments(text)
    .replaceAll(IMPORT, (_, names: string, from: string) => {
      const variable = variables.get(from.startsWith(".") ? resolved(from, name) : from);
      if (variable === undefined) {
        throw new Error(`${name} imports ${from}, which does not precede it`);
      }
      return `const ${destructuring(names)} = ${variable};`;
    })
    .replaceAll(EXPORT, (_, declaration: string, own: string) => {
      exported.push(own);
      return `${declaration}${own}`;
    });
  const unsupported = /^(import|export)\b.*/m.exec(body);
  if (unsupported !== null) throw new Error(`${name} cannot be linked: ${unsupported[0]}`);
  return `${body.trim()}\nreturn { ${exported.join(", ")} };`;
}

const IMPORT = /^import ([^"';]+?) from "([^"]+)";$/gm;
const EXPORT = /^export ((?:async )?function\*? |class |const )([\w$]+)/gm;

/** Removes comments on lines of their own, to keep reports small. */
function withoutComments(text: string): string {
  return text.replaceAll(/^[ \t]*(?:\/\*\*[^]*?\*\/|\/\/.*)\n/gm, "");
}

/** An import's names as a destructuring pattern: `{ a as b }` becomes `{ a: b }`. */
function destructuring(names: string): string {
  return names.startsWith("{")
    ? names.replaceAll(/\s+as\s+/g, ": ").replaceAll(/\s+/g, " ")
    : `{ default: ${names} }`;
}

/** The name of the module that a relative import refers to. */
function resolved(from: string, importer: string): string {
  return new URL(from, `file:///${importer}`).pathname.slice(1);
}
