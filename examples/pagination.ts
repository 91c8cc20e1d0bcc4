// Pages of a list: the user follows the link to the next page until there is none.
import { FastHttpUser, metrics } from "aiotest";

const MAX_PAGES = 50; // a service whose last page links to the first one must not hold the user for ever

const pages = metrics.trend("pages_per_list", { unit: "pages" });

export class ReaderTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override waitTime = 0.1;

  async testReadAll(): Promise<void> {
    await this.group("read all articles", async () => {
      let url: string | null = "/articles?size=20";
      let count = 0;
      while (url !== null && count < MAX_PAGES) {
        url = await this.#readPage(url);
        count++;
      }
      pages.add(count);
    });
  }

  /** Resolves with the URL of the next page; `null` after the last one, and if the page could not be read. */
  async #readPage(url: string): Promise<string | null> {
    let next: string | null = null;
    // The name of a request is its path without the query. Give one if the page is part of the path.
    await this.session.get(url, { name: "/articles" }, async (res) => {
      if (!res.ok) return;
      const { articles, links } = await res.json();
      if (articles.length === 0) res.failure("an empty page");
      else next = links.next ?? null; // relative links are relative to the host
    });
    return next;
  }
}
