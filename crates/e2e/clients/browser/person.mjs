// What a person does on the pages, and what the client must see of it, for the scenarios beside this file. From the environment:
// PUBLIC_URL, PASSWORD (of everybody), LETTERS (the directory with the e-mails that were sent, as 1.txt, 2.txt, …).
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const { PUBLIC_URL, PASSWORD, LETTERS } = process.env;
// For a machine under load.
const PATIENCE_MS = 30_000;

export async function signIn(page, username, password = PASSWORD) {
  await page.fill("form#login input[name=username]", username);
  await page.fill("form#login input[name=password]", password);
  await page.click("#sign-in");
}

// The consent page of a new request, in this page.
export async function openConsent(page, client, username) {
  const request = client.request();
  await page.goto(request.url);
  if (username) await signIn(page, username);
  await page.waitForSelector("form#consent");
  return request;
}

export const errorCode = (page) => page.innerText("#error-code");
export const arriveAt = (page, client) => page.waitForURL((url) => url.origin === client.origin);

export async function assertOneGoodAnswer(client, request) {
  const [answer, ...others] = client.answers(request);
  assert.equal(others.length, 0, "the client was answered twice");
  assert.deepEqual([answer.iss, answer.error], [PUBLIC_URL, undefined]);
  const tokens = await client.exchange(request, answer.code);
  assert.equal(tokens.status, 200, JSON.stringify(tokens.error));
}

// The client's tokens, after the consent of whoever is called so, or is signed in.
export async function connect(page, client, username) {
  const request = await openConsent(page, client, username);
  await page.click("#allow");
  await arriveAt(page, client);
  const [{ code }] = client.answers(request);
  return client.exchange(request, code);
}

// The text of an e-mail, once it is there.
export async function letter(number) {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const text = await readFile(join(LETTERS, `${number}.txt`), "utf8").catch(() => null);
    if (text) return text;
    assert.ok(performance.now() < deadline, `no message number ${number} came`);
    await sleep(50);
  }
}
