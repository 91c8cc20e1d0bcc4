// PostgreSQL, with the package `pg`. Each user has one connection, which it opens itself: a pool would add
// the wait for a free connection to the time of a query.
//
//     export PGHOST=127.0.0.1 PGUSER=app PGPASSWORD=secret PGDATABASE=shop
//     aiotest -f examples/postgres.ts -u 20 -t 30s
//
// It needs a table: CREATE TABLE orders (id serial PRIMARY KEY, article int, buyer int).
// @ts-types="npm:@types/pg@8.23.1"
import pg from "npm:pg@8.23.1";
import { User } from "aiotest";

const SQL = { method: "SQL" };

export class OrdersTest extends User {
  static override waitTime = 0.2;

  #client: pg.Client | null = null;

  async testOrder(): Promise<void> {
    // The first time, and after the server has closed the connection.
    this.#client ??= await this.#connect();
    const { rows } = await this.#query<{ id: number }>({
      // With a name, the statement is prepared once for each connection.
      name: "insert order",
      text: "INSERT INTO orders (article, buyer) VALUES ($1, $2) RETURNING id",
      values: [1 + this.iteration % 100, this.id],
    });
    await this.#query({
      name: "select order",
      text: "SELECT article, buyer FROM orders WHERE id = $1",
      values: [rows[0]!.id],
    });
  }

  override async onStop(): Promise<void> {
    await this.#client?.end();
  }

  async #connect(): Promise<pg.Client> {
    // The address and the credentials come from the variables that psql reads as well. A password does not
    // belong in an option: the options of a run are visible to other users of the machine.
    const client = new pg.Client({
      application_name: "aiotest",
      connectionTimeoutMillis: 10_000,
      query_timeout: 10_000,
    });
    // Without a listener, a connection that is lost between two queries would be an unhandled error.
    client.on("error", () => {});
    client.on("end", () => this.#client = null);
    // Closes the connection at once, even during a query.
    this.signal.addEventListener("abort", () => void client.end().catch(() => {}), { once: true });
    await this.measure("connect", () => client.connect(), SQL);
    return client;
  }

  /** Measures a query under its name, which is the same for all its values. */
  #query<Row extends pg.QueryResultRow>(
    query: { readonly name: string; readonly text: string; readonly values: unknown[] },
  ): Promise<pg.QueryResult<Row>> {
    return this.measure(query.name, () => this.#client!.query<Row>(query), SQL);
  }
}
