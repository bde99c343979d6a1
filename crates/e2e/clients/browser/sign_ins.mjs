// Each way to sign in beside the password. From the environment: PUBLIC_URL, PROVIDER (the origin of an OpenID provider).
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { arriveAt, assertOneGoodAnswer, errorCode, letter, signIn } from "./person.mjs";

const { PUBLIC_URL, PROVIDER } = process.env;
const ORIGIN = new URL(PUBLIC_URL).origin;

export const signIns = {
  // Sign-in at a provider that is not ours, on its own pages.
  async provider({ client, page }) {
    const request = client.request();
    await page.goto(request.url);
    await page.click("#provider-other button");
    await page.waitForURL((url) => url.origin === PROVIDER);
    await page.fill("input[name=login]", "lin");
    await page.click("button[type=submit]");
    await page.waitForSelector("form#consent");
    assert.equal(new URL(page.url()).origin, ORIGIN);
    assert.equal(await page.innerText("#account"), "lin@example.com");
    await page.click("#allow");
    await arriveAt(page, client);
    await assertOneGoodAnswer(client, request);
    // Whoever comes back from the provider a second time finds that sign-in over.
    await page.goto(`${PUBLIC_URL}/account`);
    assert.equal(await page.innerText("#account"), "lin@example.com");
  },

  // Where everybody needs a second step; the issuer is a name, so that there are passkeys.
  async second_factors({ client, page }) {
    const tools = await page.context().newCDPSession(page);
    await tools.send("WebAuthn.enable");
    const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true };
    const { authenticatorId } = await tools.send("WebAuthn.addVirtualAuthenticator", {
      options: { ...options, isUserVerified: true, automaticPresenceSimulation: true },
    });

    // An app, while signing in: the picture is shown, and the key beside it makes the code.
    const first = client.request();
    await page.goto(first.url);
    await signIn(page, "alice");
    await page.waitForSelector("form#set-up");
    assert.ok(await page.$eval("img.picture", (image) => image.complete && image.naturalWidth > 100), "there is no picture");
    const key = (await page.innerText("#key")).replaceAll(" ", "");
    const step = Math.floor(Date.now() / 30_000);
    await page.fill("#code", code(key, step));
    await page.click("form#set-up button");
    await page.waitForSelector("#recovery-codes");
    assert.equal(await page.locator("#recovery-codes li").count(), 10);
    await page.click("#continue");
    await page.waitForSelector("form#consent");

    // A passkey: somebody who does not confirm makes none, and may try again.
    await tools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
    await page.goto(`${PUBLIC_URL}/account`);
    await page.click("#passkeys");
    await page.fill("#name", "Chromium");
    await page.click("form#add button");
    await page.waitForSelector("#failed:not([hidden])");
    await tools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
    await page.click("#use-passkey");
    await page.waitForURL(`${PUBLIC_URL}/account/passkeys`);
    await page.waitForSelector("form#remove-1", { state: "attached" });
    assert.match(await page.innerText("main"), /Chromium/);
    const { credentials } = await tools.send("WebAuthn.getCredentials", { authenticatorId });
    assert.deepEqual(credentials.map((one) => [one.rpId, one.isResidentCredential]), [["localhost", true]]);

    const signOut = async () => {
      await page.goto(`${PUBLIC_URL}/account`);
      await page.click("#sign-out button");
      await page.waitForSelector("form#login");
    };
    // Alone, for a client.
    await signOut();
    const second = client.request();
    await page.goto(second.url);
    await page.click("form#passkey button");
    await page.waitForSelector("form#consent");
    assert.equal(await page.innerText("#account"), "alice");
    await page.click("#allow");
    await arriveAt(page, client);
    await assertOneGoodAnswer(client, second);
    // After the password.
    await signOut();
    await signIn(page, "alice");
    await page.click("form#passkey button");
    await page.waitForURL(`${PUBLIC_URL}/account`);
    // The app is there as well: with a code that was not used yet.
    await signOut();
    await signIn(page, "alice");
    const right = code(key, step + 1);
    await page.fill("#code", String((Number(right) + 1) % 1_000_000).padStart(6, "0"));
    await page.click("#sign-in");
    await page.waitForSelector("#problem");
    await page.fill("#code", right);
    await page.click("#sign-in");
    await page.waitForURL(`${PUBLIC_URL}/account`);
  },

  // Whoever cancels there is led back, and can sign in in another way.
  async provider_cancelled({ client, page }) {
    const request = client.request();
    await page.goto(request.url);
    await page.click("#provider-other button");
    await page.waitForURL((url) => url.origin === PROVIDER);
    await page.click("a#cancel");
    await page.waitForURL((url) => url.origin === ORIGIN);
    assert.equal(await errorCode(page), "sign_in_cancelled");
    await page.click("#back");
    await signIn(page, "alice");
    await page.waitForSelector("form#consent");
    await page.click("#allow");
    await arriveAt(page, client);
    await assertOneGoodAnswer(client, request);
  },

  // A letter in place of the password. Without script.
  async forgot({ client, page, watched }) {
    const request = client.request();
    await page.goto(request.url);
    await page.click("a#forgot");
    await page.fill("form#forgot input[name=username]", "alice");
    await page.click("#send");
    await page.waitForSelector("#done");
    const [link] = (await letter(1)).match(/https?:\S+/);
    assert.ok(link.startsWith(`${PUBLIC_URL}/reset?`), "the link leads elsewhere");
    // Out of the mail program it opens a tab of its own.
    const tab = await watched();
    await tab.goto(link);
    assert.equal(await tab.innerText("#account"), "alice");
    const chosen = "a password that is new";
    for (const field of ["new_password", "new_password_again"]) await tab.fill(`form#reset input[name=${field}]`, chosen);
    await tab.click("#change");
    await tab.waitForSelector("#done");
    assert.match(await letter(2), /alice/);
    await tab.goto(link);
    assert.equal(await errorCode(tab), "password_link_ended");
    // The question of the client waits where it was left.
    await page.click("#back");
    await signIn(page, "alice");
    assert.match(await page.innerText("#problem"), /did not match/);
    await signIn(page, "alice", chosen);
    await page.waitForSelector("form#consent");
    assert.equal(await page.innerText("#account"), "alice");
    await page.click("#allow");
    await arriveAt(page, client);
    await assertOneGoodAnswer(client, request);
  },

  // A code in place of the password, for a client and for the account. Without script; after the scenario before this one.
  async email_code({ client, page }) {
    const ask = async () => {
      await page.fill("form#login input[name=username]", "bob");
      await page.click("button#email-code");
      await page.waitForSelector("form#email-code input[name=code]");
    };
    const type = async (code) => {
      await page.fill("form#email-code input[name=code]", code);
      await page.click("#sign-in");
    };
    const codeOf = async (number) => (await letter(number)).match(/^\d{4} \d{4}$/m)[0];
    const request = client.request();
    await page.goto(request.url);
    await ask();
    const code = await codeOf(3);
    await type(code.replace(/\d/g, (digit) => (Number(digit) + 1) % 10));
    await page.waitForSelector("#problem");
    await type(code);
    await page.waitForSelector("form#consent");
    assert.equal(await page.innerText("#account"), "bob");
    await page.click("#allow");
    await arriveAt(page, client);
    await assertOneGoodAnswer(client, request);

    await page.goto(`${PUBLIC_URL}/account`);
    await page.click("#sign-out button");
    await ask();
    await type(await codeOf(4));
    await page.waitForURL(`${PUBLIC_URL}/account`);
    assert.equal(await page.innerText("#account"), "bob");
  },
};

// What an authenticator app shows for a key (RFC 6238): SHA-1, six digits, thirty seconds.
function code(base32, step) {
  const bits = [...base32].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", key).update(counter).digest();
  const offset = mac[19] & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
