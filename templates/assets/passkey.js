// Asks the browser for a passkey, or to make one, and sends its answer with the form (Web Authentication §5.1). At once when the page
// opens; again with the button, since some browsers ask only after a press.
const form = document.getElementById("passkey");
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (byte) => byte.charCodeAt(0));
const text = (buffer) =>
  btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const withBytes = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));

function question() {
  const options = JSON.parse(form.dataset.options);
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  if (options.allowCredentials) options.allowCredentials = withBytes(options.allowCredentials);
  if (options.excludeCredentials) options.excludeCredentials = withBytes(options.excludeCredentials);
  return { publicKey: options };
}

function answer({ id, rawId, type, response }) {
  const said = { clientDataJSON: text(response.clientDataJSON) };
  if (response.attestationObject) {
    said.attestationObject = text(response.attestationObject);
  } else {
    said.authenticatorData = text(response.authenticatorData);
    said.signature = text(response.signature);
    said.userHandle = response.userHandle ? text(response.userHandle) : null;
  }
  return JSON.stringify({ id, rawId: text(rawId), type, response: said });
}

async function ask() {
  const button = document.getElementById("use-passkey");
  const failed = document.getElementById("failed");
  button.disabled = true;
  failed.hidden = true;
  try {
    const { credentials } = navigator;
    const made = form.dataset.kind === "create" ? await credentials.create(question()) : await credentials.get(question());
    form.elements.credential.value = answer(made);
    form.submit();
  } catch {
    failed.hidden = false;
    button.disabled = false;
    button.focus();
  }
}

document.getElementById("use-passkey").addEventListener("click", ask);
// Back from the history the question is spent.
window.addEventListener("pageshow", (event) => { if (event.persisted) location.replace(form.dataset.back); });
ask();
