// One login for the whole run: `setup` is called once, on the master or in the process of a local run, and what
// it returns is `this.run.data` of all users of all workers.
import process from "node:process";
import { FastHttpUser, run } from "aiotest";

const LOGIN = {
  username: process.env.SHOP_USER ?? "admin",
  password: process.env.SHOP_PASSWORD ?? "secret",
};

const SHOP = "http://127.0.0.1:8000";

export async function setup(): Promise<{ token: string }> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(LOGIN);
  // `run.host` is the option --host.
  const res = await fetch(`${run.host ?? SHOP}/login`, { method: "POST", headers, body });
  if (!res.ok) throw new Error(`POST /login: status ${res.status}`);
  return { token: (await res.json()).token };
}

export class OrdersTest extends FastHttpUser {
  static override host = SHOP;
  static override waitTime = 0.1;

  override onStart(): void {
    const { token } = this.run.data as { token: string };
    this.session.headers.set("authorization", `Bearer ${token}`);
  }

  async testOrders(): Promise<void> {
    await this.session.get("/orders");
  }
}
