// MQTT, with the package `mqtt`. Each user is a device with a connection of its own. It publishes readings,
// and measures how long a message takes from one device through the broker to a subscriber.
import mqtt, { type MqttClient } from "npm:mqtt@5.16.0";
import { User } from "aiotest";

const MQTT = { method: "MQTT" };
const LIMIT_MS = 10_000;

export class DeviceTest extends User {
  static override host = "mqtt://127.0.0.1:1883";
  static override waitTime = 0.2;

  #client: MqttClient | null = null;
  /** Called with each message that arrives. */
  #arrived: (text: string) => void = () => {};

  async testReading(): Promise<void> {
    // The first time, and after the broker has closed the connection.
    const client = this.#client ??= await this.#connect();
    // With QoS 1, it ends when the broker has confirmed the message. With QoS 0, it would measure only how
    // long it takes to write to the socket.
    const reading = JSON.stringify({ device: this.id, temperature: 20 });
    await this.measure(
      "publish reading",
      () => this.#within(client, client.publishAsync("readings", reading, { qos: 1 })),
      MQTT,
    );
    await this.measure("round trip", async () => {
      const text = `message ${this.iteration}`;
      const arrived = new Promise<void>((resolve) => {
        this.#arrived = (other) => other === text && resolve();
      });
      client.publish(this.#topic, text);
      await this.#within(client, arrived);
    }, MQTT);
  }

  override async onStop(): Promise<void> {
    await this.#client?.endAsync();
  }

  /** A topic of this device alone. */
  get #topic(): string {
    return `devices/${this.id}`;
  }

  async #connect(): Promise<MqttClient> {
    const client = await this.measure("connect", () =>
      mqtt.connectAsync(this.host, {
        // Unique in the run: a broker disconnects a client when another one with its name connects.
        clientId: `aiotest-${this.run.id}-${this.id}`,
        connectTimeout: LIMIT_MS,
        // The client would reconnect on its own, unmeasured, and keep messages until then.
        reconnectPeriod: 0,
      }, false), MQTT);
    client.on("error", () => {}); // the connection ends, by which the step that is waiting fails
    client.on("close", () => this.#client = null);
    client.on("message", (_topic, payload) => this.#arrived(payload.toString()));
    this.signal.addEventListener("abort", () => client.end(true), { once: true });
    await this.measure(
      "subscribe",
      () => this.#within(client, client.subscribeAsync(this.#topic)),
      MQTT,
    );
    return client;
  }

  /** Waits until a timeout, which the client does not have, the end of the connection, or that of the user. */
  async #within<T>(client: MqttClient, answer: Promise<T>): Promise<T> {
    const end = Promise.withResolvers<never>();
    const lost = (): void => end.reject(new Error("the connection was closed"));
    client.on("close", lost);
    const timer = setTimeout(() => end.reject(new Error("no answer within 10 s")), LIMIT_MS);
    const stop = (): void => end.reject(this.signal.reason);
    this.signal.addEventListener("abort", stop);
    try {
      return await Promise.race([answer, end.promise]);
    } finally {
      clearTimeout(timer);
      client.off("close", lost);
      this.signal.removeEventListener("abort", stop);
    }
  }
}
