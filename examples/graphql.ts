// GraphQL: all operations have the same URL, so each is named after its operation. A server answers 200
// even if an operation failed, so the check looks for errors in the response.
import { FastHttpUser } from "aiotest";

const FIND_ARTICLE = `
  query FindArticle($id: ID!) {
    article(id: $id) { id title }
  }`;

const ADD_TO_CART = `
  mutation AddToCart($id: ID!) {
    addToCart(id: $id) { count }
  }`;

export class ShopTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override waitTime = 0.2;

  async testBuy(): Promise<void> {
    const id = String(1 + this.iteration % 10);
    const found = await this.#execute<{ article: { title: string } }>(FIND_ARTICLE, { id });
    if (found !== null) await this.#execute(ADD_TO_CART, { id });
  }

  /** Resolves with the data of an operation, or with `null` if it failed. */
  async #execute<Data>(query: string, variables: Record<string, unknown>): Promise<Data | null> {
    const operationName = /^\s*(?:query|mutation)\s+(\w+)/.exec(query)?.[1] ?? "unnamed operation";
    const options = { json: { operationName, query, variables }, name: operationName };
    let result: Data | null = null;
    await this.session.post("/graphql", options, async (res) => {
      if (!res.ok) return; // it has failed already
      const { data = null, errors = [] } = await res.json();
      // A code has few values. A message may contain an identifier, and each would be a line of the report.
      if (errors.length > 0) res.failure(errors[0].extensions?.code ?? errors[0].message);
      else result = data;
    });
    return result;
  }
}
