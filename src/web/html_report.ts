/**
 * The report that `--html` writes: a page in one file that needs nothing else, not even a network.
 *
 * @module
 */

import type { Snapshot } from "../stats/snapshot.ts";
import { linkedScript } from "./linked_script.ts";
import { reportContent, type RunFacts } from "./report_content.ts";
import { readReportSources } from "./report_sources.ts";

/**
 * A run as a page: charts and tables as the dashboard has them, and how the run was configured.
 *
 * Whatever a test or a target has named lies in the page as data, which no browser reads as markup; and
 * a policy lets nothing run but the page's own script, and lets that load nothing.
 *
 * @param exitCode what the process is about to exit with, or would by now.
 */
export async function htmlReport(
  snapshot: Snapshot,
  exitCode: number,
  facts: RunFacts,
): Promise<string> {
  const { page, icon, style, modules, licence } = await readReportSources();
  const script = `\n/*\n${licence.trim()}\n*/\n${linkedScript(modules)}`;
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${await digestOf(script)}'`,
    `style-src 'sha256-${await digestOf(style)}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const parts: Readonly<Record<string, string>> = {
    policy: `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    icon: `<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(icon)}">`,
    style: `<style>${style}</style>`,
    data: `<script id="data" type="application/json">${
      inertJson(reportContent(snapshot, exitCode, facts))
    }</script>`,
    script: `<script type="module">${script}</script>`,
  };
  // In one go: what is put in is not looked through again.
  return page.replaceAll(/<!-- (policy|icon|style|data|script) -->/g, (_, name) => parts[name]!);
}

/** JSON without what ends an element or begins a comment. */
function inertJson(content: unknown): string {
  return JSON.stringify(content).replaceAll("<", "\\u003c");
}

/** As a content security policy names an element's text. */
async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toBase64();
}
