/// <reference lib="dom" />
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { isMissing } from "./requirement.ts";

/** Ample for a machine with much else to do; that nothing waits for ever is what matters. */
const LIMIT_MS = 30_000;

const missing = isMissing("chromium");

/** How a page is looked at. */
export interface LookOptions {
  readonly width?: number;
  readonly height?: number;
  readonly theme?: "light" | "dark";
}

/** A page in a real browser, and all that it complained of. */
export interface Look {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors and warnings of the console, violations of the content security policy, exceptions. */
  readonly complaints: string[];
}

/** A test that needs a browser, and is given one. */
export function browserTest(name: string, fn: (browser: Browser) => Promise<void>): void {
  const reason = missing ? " (skipped: there is no chromium)" : "";
  Deno.test({
    name: `${name}${reason}`,
    ignore: missing,
    fn: async () => {
      const browser = await openBrowser();
      try {
        await fn(browser);
      } finally {
        await browser.close();
      }
    },
  });
}

/** Starts the browser of Debian's package, without a window. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
}

/** Opens a page of its own in a browser, with nothing in its cache. */
export async function look(browser: Browser, options: LookOptions = {}): Promise<Look> {
  const { width = 1600, height = 1000, theme = "light" } = options;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
  context.setDefaultTimeout(LIMIT_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.exposeFunction("tellViolation", (text: string) => void complaints.push(text));
  await page.addInitScript(() => {
    const { tellViolation } = globalThis as unknown as { tellViolation(text: string): void };
    addEventListener("securitypolicyviolation", (event) => {
      const { violatedDirective, blockedURI } = event as SecurityPolicyViolationEvent;
      tellViolation(`violates ${violatedDirective}: ${blockedURI}`);
    });
  });
  return { page, context, complaints };
}

/** The text of the one element that a selector finds, without spaces around it. */
export async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).innerText()).trim();
}

/** The texts of the cells of a table's rows. */
export function rowsOf(page: Page, section: string): Promise<string[][]> {
  return page.locator(`section[aria-labelledby="${section}"] tbody tr`).evaluateAll((rows) =>
    rows.map((row) => [...row.children].map(({ textContent }) => textContent ?? ""))
  );
}

/** Resolves once an element shows a text. */
export async function shows(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}
