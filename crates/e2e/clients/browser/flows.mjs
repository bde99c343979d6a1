// People at the real pages, one scenario for each run. From the environment: SCENARIO, PUBLIC_URL, MCP_URL,
// CHROMIUM, PASSWORD (of the users alice and bob), PROVIDER (the origin of an OpenID provider), TEXTS (a JSON list of hostile
// texts), SCOPES (text-0 text-3 …, whose titles are those texts).
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "./client.mjs";
import { main, newPage, watch, withBrowser } from "./chromium.mjs";
import { asShown, difference, readPage } from "./shape.mjs";

const { PUBLIC_URL, PASSWORD, PROVIDER } = process.env;
const ORIGIN = new URL(PUBLIC_URL).origin;

async function signIn(page, username, password = PASSWORD) {
  await page.fill("form#login input[name=username]", username);
  await page.fill("form#login input[name=password]", password);
  await page.click("#sign-in");
}

// The consent page of a new request, in this page.
async function openConsent(page, client, username) {
  const request = client.request();
  await page.goto(request.url);
  if (username) await signIn(page, username);
  await page.waitForSelector("form#consent");
  return request;
}

const errorCode = (page) => page.innerText("#error-code");
const arriveAt = (page, client) => page.waitForURL((url) => url.origin === client.origin);

async function assertOneGoodAnswer(client, request) {
  const [answer, ...others] = client.answers(request);
  assert.equal(others.length, 0, "the client was answered twice");
  assert.deepEqual([answer.iss, answer.error], [PUBLIC_URL, undefined]);
  const tokens = await client.exchange(request, answer.code);
  assert.equal(tokens.status, 200, JSON.stringify(tokens.error));
}

// What each scenario gets: a client, and a page in a browser of its own that is watched.
async function scene(browser, options) {
  const client = await Client.register();
  const page = await newPage(browser, options);
  const problems = await watch(page, [ORIGIN, client.origin, ...(PROVIDER ? [PROVIDER] : [])]);
  return { client, page, problems };
}

const scenarios = {
  async allow({ client, page }) {
    const request = await openConsent(page, client, "alice");
    const shown = await page.content();
    assert.ok(!shown.includes(request.state) && !shown.includes("code_challenge"), "the page holds what is for the client alone");
    await page.click("#allow");
    await arriveAt(page, client);
    await assertOneGoodAnswer(client, request);
    // No referrer, and the form is not posted on (303).
    const [arrival] = client.arrivals;
    assert.deepEqual([arrival.url.pathname, arrival.method, arrival.referer], ["/callback", "GET", undefined]);
  },

  async without_script({ client, page }) {
    const request = client.request();
    await page.goto(request.url);
    await signIn(page, "alice", "not the password");
    assert.match(await page.innerText("#problem"), /did not match/);
    await signIn(page, "alice");
    await page.waitForSelector("form#consent");
    await page.click("#allow");
    await arriveAt(page, client);
    await assertOneGoodAnswer(client, request);
    // The account: the app is there, a first press opens the question, a second one answers it.
    await page.goto(`${PUBLIC_URL}/account`);
    const entry = page.locator("section.entry", { hasText: client.name });
    assert.equal(await entry.count(), 1);
    await entry.locator("summary").click();
    await entry.locator("details[open] button[type=submit]").click();
    await page.waitForLoadState();
    assert.equal(await page.locator("section.entry", { hasText: client.name }).count(), 0);
    await page.click("#sign-out button");
    await page.waitForSelector("form#login");
    assert.equal(new URL(page.url()).search, "");
  },

  async deny({ client, page }) {
    const request = await openConsent(page, client, "alice");
    await page.click("#deny");
    await arriveAt(page, client);
    assert.deepEqual(client.answers(request), [{ error: "access_denied", state: request.state, iss: PUBLIC_URL }].map((expected) =>
      ({ ...expected, ...pick(client.answers(request)[0], "error_description") })));
    await page.goBack();
    assert.equal(await errorCode(page), "request_ended");
    assert.equal(client.answers(request).length, 1, "the client was answered once more");
  },

  // Whoever presses a button twice, because nothing seems to happen, gets where the first press led.
  async pressed_twice({ client, page }) {
    let posts = 0;
    await page.route((url) => url.origin === ORIGIN, async (route) => {
      if (route.request().method() !== "POST") return route.continue();
      posts += 1;
      const response = await route.fetch({ maxRedirects: 0 });
      await sleep(1_500);
      // Nobody waits any more for what a later press took the place of.
      return route.fulfill({ response }).catch(() => {});
    });
    // By the mouse: everything else would wait for the answer to the first press.
    const pressTwice = async (button) => {
      await page.locator(button).scrollIntoViewIfNeeded();
      const { x, y } = await page.locator(button).boundingBox();
      await page.mouse.click(x + 9, y + 9);
      await sleep(400);
      await page.mouse.click(x + 9, y + 9);
    };
    const request = client.request();
    await page.goto(request.url);
    await page.fill("form#login input[name=username]", "alice");
    await page.fill("form#login input[name=password]", PASSWORD);
    await pressTwice("#sign-in");
    await page.waitForSelector("form#consent");
    // Until its script has run, the page's button is not yet held back, and then it is for half a second.
    await page.waitForLoadState("load");
    await page.waitForSelector("#allow:enabled");
    await pressTwice("#allow");
    await arriveAt(page, client);
    await assertOneGoodAnswer(client, request);
    assert.equal(posts, 2);
  },

  async two_tabs({ client, page }) {
    const other = await page.context().newPage();
    const problems = await watch(other, [ORIGIN, client.origin]);
    const [first, second] = [client.request(), client.request()];
    await page.goto(first.url);
    await other.goto(second.url);
    await signIn(page, "alice");
    await page.waitForSelector("form#consent");
    // This one still shows the sign-in page of the session before.
    await signIn(other, "alice");
    await other.waitForSelector("form#consent");
    await page.reload();
    await other.click("#allow");
    await arriveAt(other, client);
    await page.click("#allow");
    await arriveAt(page, client);
    await assertOneGoodAnswer(client, first);
    await assertOneGoodAnswer(client, second);
    assert.deepEqual(problems, []);
  },

  async back({ client, page }) {
    const request = await openConsent(page, client, "alice");
    // Back to the sign-in page: whoever is signed in is led on to the question.
    await page.goBack();
    await page.waitForSelector("form#consent");
    await page.goForward();
    await page.waitForSelector("form#consent");
    await page.click("#allow");
    await arriveAt(page, client);
    await page.goBack();
    assert.equal(await errorCode(page), "request_ended");
    await page.reload();
    assert.equal(await errorCode(page), "request_ended");
    await page.goForward();
    await arriveAt(page, client);
    const codes = new Set(client.answers(request).map(({ code }) => code));
    assert.equal(codes.size, 1, "another code was made");
    assert.equal((await client.exchange(request, [...codes][0])).status, 200);
  },

  // With a configuration that leaves twelve seconds.
  async too_late({ client, page }) {
    const request = client.request();
    await page.goto(request.url);
    await page.waitForSelector("form#login");
    await sleep(13_000);
    await signIn(page, "alice");
    assert.equal(await errorCode(page), "request_ended");
    assert.equal(await page.locator("form").count(), 0, "there is nothing left to press");
    assert.equal(client.arrivals.length, 0);
    // A new request is another matter.
    await openConsent(page, client, "alice");
  },

  async switch_account({ client, page }) {
    const request = await openConsent(page, client, "alice");
    assert.equal(await page.innerText("#account"), "alice");
    const alices = await page.context().newPage();
    await alices.goto(page.url());
    await page.click("#switch-account button");
    await page.waitForSelector("form#login");
    await signIn(page, "bob");
    await page.waitForSelector("form#consent");
    assert.equal(await page.innerText("#account"), "bob");
    // The page that still says alice answers for nobody.
    await alices.waitForSelector("#allow:enabled");
    await alices.click("#allow");
    assert.match(await errorCode(alices), /browser_changed|form_refused/);
    assert.equal(client.arrivals.length, 0);
    await page.click("#allow");
    await arriveAt(page, client);
    await assertOneGoodAnswer(client, request);
    await page.goto(`${PUBLIC_URL}/account`);
    assert.equal(await page.innerText("#account"), "bob");
    assert.equal(await page.locator("section.entry", { hasText: client.name }).count(), 1);
  },

  // Another site shows our page in a frame, to have it clicked on: there is nothing to click.
  async framed({ client, page, problems }) {
    const request = client.request();
    await page.goto(client.origin);
    const blocked = page.waitForEvent("console", (message) => /frame-ancestors/.test(message.text()));
    await page.evaluate((url) => { document.body.innerHTML = `<iframe src="${url}" width="600" height="600"></iframe>`; }, request.url);
    await blocked;
    for (const frame of page.frames().slice(1)) assert.equal(await frame.locator("form").count(), 0);
    assert.equal(problems.splice(0).filter((problem) => !/frame-ancestors/.test(problem)).length, 0);
  },

  // A page that has only just appeared does not catch a press that was meant for what was there before.
  async pressed_at_once({ client, page }) {
    const request = await openConsent(page, client, "alice");
    await page.reload({ waitUntil: "domcontentloaded" });
    assert.equal(await page.isDisabled("#allow"), true);
    await page.locator("#allow").click({ force: true });
    assert.equal(await page.locator("form#consent").count(), 1);
    assert.equal(client.arrivals.length, 0);
    await page.waitForSelector("#allow:enabled");
    await page.click("#allow");
    await arriveAt(page, client);
    await assertOneGoodAnswer(client, request);
  },

  // The answer to a client that is a program with a scheme of its own. Chromium has none for it here, and stays where it is;
  // what must not happen is that the content security policy stops it.
  async to_a_program({ page, problems }) {
    const client = await Client.register({ redirect_uris: ["cursor://anysphere.cursor-mcp/oauth/callback"] });
    assert.equal(client.registration.status, 201, JSON.stringify(client.registration));
    await openConsent(page, client, "alice");
    assert.equal(await page.innerText("#redirect-host"), "cursor:");
    const answered = page.waitForResponse((response) => response.request().method() === "POST");
    await page.click("#allow");
    const answer = await answered;
    assert.equal(answer.status(), 303);
    assert.match(await answer.headerValue("location"), /^cursor:\/\/anysphere\.cursor-mcp\/oauth\/callback\?code=/);
    await sleep(500);
    assert.equal(problems.splice(0).filter((problem) => /Content Security Policy|form-action/.test(problem)).length, 0);
  },

  // What strangers and operators write, on the live pages: names of clients, names that somebody types, texts of scopes.
  async hostile_names({ client, page }) {
    const texts = JSON.parse(await readFile(process.env.TEXTS, "utf8"));
    const harmless = { login: await shapeAt(page, client.request().url) };
    const stranger = await newPage(page.context().browser(), { bypassCSP: true });
    const problems = await watch(stranger, [ORIGIN]);
    await openConsent(page, client, "alice");
    harmless.consent = await page.evaluate(readPage);
    let registered = 0;
    // Every text is tried on the samples; here a part of them goes the whole way.
    for (const text of texts.filter((_, index) => index % 9 === 0)) {
      const { registration, request } = await named(text);
      if (registration.status !== 201) continue;
      registered += 1;
      compare(harmless.login, await shapeAt(stranger, request.url), text);
      compare(harmless.consent, await shapeAt(page, request.url), text);
      assert.equal((await page.textContent("#client-name")).trim(), asShown(text.normalize("NFC")).trim());
    }
    assert.ok(registered > 16, `${registered} of the names may be registered`);

    const refused = new Map();
    for (const text of texts.filter((_, index) => index % 20 === 0)) {
      await stranger.goto(client.request().url);
      await signIn(stranger, text, "wrong");
      const [problem, typed] = [await stranger.innerText("#problem"), await stranger.inputValue("#username")];
      assert.equal(typed, asShown(text.replace(/[\r\n]/g, "")));
      const seen = await stranger.evaluate(readPage);
      if (!refused.has(problem.length)) refused.set(problem.length, seen);
      compare(refused.get(problem.length), seen);
    }

    await page.goto(client.request({ scope: process.env.SCOPES }).url);
    const seen = await page.evaluate(readPage);
    const known = new Set(harmless.consent.shape.split("\n"));
    assert.deepEqual(seen.shape.split("\n").filter((element) => !known.has(element)), []);
    const titles = process.env.SCOPES.split(" ").map((scope) => texts[Number(scope.slice("text-".length))]);
    assert.deepEqual(titles.filter((text) => !seen.texts[0].includes(asShown(text))), []);
    assert.deepEqual(problems, []);
  },

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
    await page.fill("#code", code(key, step + 1));
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

async function named(text) {
  const client = await Client.register({ client_name: text });
  client.server.close();
  return { registration: client.registration, request: client.request() };
}

async function shapeAt(page, url) {
  await page.goto(url);
  return page.evaluate(readPage);
}

function compare(harmless, seen, text) {
  if (seen.shape !== harmless.shape) assert.fail(`the page has ${difference(harmless.shape, seen.shape)}: ${JSON.stringify(text)}`);
  assert.ok(seen.addresses.every((address) => address.startsWith(`${PUBLIC_URL}/`)), `${seen.addresses}`);
  // Names are registered in the form NFC.
  if (text) assert.ok(seen.texts[0].includes(asShown(text.normalize("NFC"))), `not shown as it is: ${JSON.stringify(text)}`);
}

const pick = (from, name) => (from && name in from ? { [name]: from[name] } : {});

await main(() => withBrowser(async (browser) => {
  const name = process.env.SCENARIO;
  const stage = await scene(browser, { javaScriptEnabled: name !== "without_script" });
  await scenarios[name](stage);
  assert.deepEqual(stage.problems, []);
  return { scenario: name };
}));
