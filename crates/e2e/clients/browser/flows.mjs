// People at the real pages, each scenario in a browser of its own. From the environment: SCENARIOS (names with spaces between
// them), PUBLIC_URL, MCP_URL, CHROMIUM, PASSWORD (of the users alice and bob), TEXTS (a JSON list of hostile texts), SCOPES (text-0
// text-3 …, whose titles are those texts), and what the files beside this one name.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { account } from "./account.mjs";
import { administration } from "./administration.mjs";
import { Client } from "./client.mjs";
import { main, newPage, watch, withBrowser } from "./chromium.mjs";
import { arriveAt, assertOneGoodAnswer, errorCode, openConsent, signIn } from "./person.mjs";
import { asShown, difference, readPage } from "./shape.mjs";
import { signIns } from "./sign_ins.mjs";

const { PUBLIC_URL, PASSWORD, PROVIDER, SCENARIOS } = process.env;
const ORIGIN = new URL(PUBLIC_URL).origin;
const WITHOUT_SCRIPT = ["without_script", "forgot", "email_code", "untick", "revoke", "administration"];

// What each scenario gets: a client, a page in a browser of its own, and further tabs of that; all are watched.
async function scene(browser, options) {
  const client = await Client.register();
  const page = await newPage(browser, options);
  const allowed = [ORIGIN, client.origin, ...(PROVIDER ? [PROVIDER] : [])];
  const problems = await watch(page, allowed);
  const watched = async () => {
    const tab = await page.context().newPage();
    await watch(tab, allowed, problems);
    return tab;
  };
  return { client, page, problems, watched };
}

const scenarios = {
  ...signIns,
  ...account,
  ...administration,

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

  async two_tabs({ client, page, watched }) {
    const other = await watched();
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

  // With a configuration that leaves twelve seconds: to whoever signs in, and to whoever decides.
  async too_late({ client, page }) {
    const request = client.request();
    const deciding = await newPage(page.context().browser());
    await openConsent(deciding, client, "alice");
    await page.goto(request.url);
    await page.waitForSelector("form#login");
    await sleep(13_000);
    await signIn(page, "alice");
    await deciding.click("#allow");
    for (const late of [page, deciding]) {
      assert.equal(await errorCode(late), "request_ended");
      assert.equal(await late.locator("form").count(), 0, "there is nothing left to press");
    }
    assert.equal(client.arrivals.length, 0);
    // A new request is another matter.
    await openConsent(page, client, "alice");
  },

  // What is unticked is not given, and nothing at all is no answer. Without script.
  async untick({ client, page }) {
    const request = client.request({ scope: "mcp:use notes:read notes:write" });
    await page.goto(request.url);
    await signIn(page, "alice");
    const box = (scope) => page.locator(`input[name=scope][value="${scope}"]`);
    for (const scope of ["mcp:use", "notes:read", "notes:write"]) await box(scope).uncheck();
    await page.click("#allow");
    await page.waitForSelector("#problem");
    await box("mcp:use").check();
    await box("notes:read").check();
    await page.click("#allow");
    await arriveAt(page, client);
    const [{ code }] = client.answers(request);
    const tokens = await client.exchange(request, code);
    assert.deepEqual(tokens.scope.split(" ").sort(), ["mcp:use", "notes:read"]);
    await page.goto(`${PUBLIC_URL}/account`);
    const entry = page.locator("section.entry", { hasText: client.name });
    assert.deepEqual((await entry.locator("code").allInnerTexts()).sort(), ["mcp:use", "notes:read"]);
  },

  // A client that wants a fresh sign-in gets one, and whoever is signed in cannot go around it.
  async prompt_login({ client, page }) {
    await openConsent(page, client, "alice");
    const request = client.request({ prompt: "login" });
    await page.goto(request.url);
    await page.waitForSelector("form#login");
    await page.goto(page.url().replace("/login?", "/consent?"));
    await page.waitForSelector("form#login");
    await signIn(page, "bob");
    await page.waitForSelector("form#consent");
    assert.equal(await page.innerText("#account"), "bob");
    await page.reload();
    await page.click("#allow");
    await arriveAt(page, client);
    await assertOneGoodAnswer(client, request);
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

};

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
  const reports = {};
  for (const name of SCENARIOS.split(" ")) {
    const stage = await scene(browser, { javaScriptEnabled: !WITHOUT_SCRIPT.includes(name) });
    reports[name] = (await scenarios[name](stage)) ?? "done";
    assert.deepEqual(stage.problems, []);
    await stage.page.context().close();
  }
  return reports;
}));
