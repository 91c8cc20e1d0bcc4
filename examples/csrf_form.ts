// Forms with a hidden token against forged requests (CSRF): as a browser does, a user gets the page, sends all
// fields of its form back, and changes only those that a person would fill in.
import { FastHttpUser } from "aiotest";

export class MemberTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override waitTime = 0.1;

  override async onStart(): Promise<void> {
    await this.#submit("/login", { username: `user${this.id}`, password: "secret" });
  }

  async testComment(): Promise<void> {
    await this.#submit("/comments", { text: `Comment ${this.iteration} of user ${this.id}` });
  }

  /** Gets a page and submits the form on it. */
  async #submit(url: string, values: Record<string, string>): Promise<void> {
    const res = await this.session.get(url);
    if (!res.ok) return; // it is counted as a failure
    const form = (await res.html()).find("form[method=post i]");
    if (form === null) throw new Error(`${url} has no form`);
    const action = new URL(form.attr("action") ?? "", res.url).href;
    // The token is one of the fields, whatever it is called.
    await this.session.post(action, { form: { ...form.fields(), ...values } });
  }
}
