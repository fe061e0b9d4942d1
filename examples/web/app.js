// A page that signs people in and calls an API as them: authorization code + PKCE by oidc-client-ts, no framework.
// It works with any OpenID Connect provider; /config.json says which. Copy it.
"use strict";

const SCOPE = "openid email notes/read notes/write";
const HOME = location.origin + "/"; // registered as redirect_uri and logout_uri, letter by letter

const element = (id) => document.getElementById(id);
const ENDED = "Your session has ended. Please log in again.";
let users; // oidc-client-ts keeps the tokens in sessionStorage: they end with the tab
let settings;

/** What a person can do something about, in their words. */
class Problem extends Error {}

// --- signing in ----------------------------------------------------------------------------------

async function prepare() {
  if (users) return;
  settings = await readSettings();
  users = new oidc.UserManager(settings);
  users.events.addSilentRenewError((error) => attempt(null, () => renewalFailed(error)));
}

async function start() {
  await prepare();
  const user = (await finishSignIn()) ?? (await users.getUser());
  if (!user) return welcome();
  element("who").textContent = user.profile.email ?? user.profile.sub;
  element("account").hidden = element("own").hidden = false;
  await showNotes();
}

async function readSettings() {
  const response = await fetch("/config.json");
  if (!response.ok) throw new Problem("The page's settings cannot be read.");
  const { authority, client_id } = await response.json();
  return {
    authority,
    client_id,
    redirect_uri: HOME,
    post_logout_redirect_uri: HOME,
    scope: SCOPE,
    automaticSilentRenew: true, // with the refresh token, a minute before the access token ends
    revokeTokensOnSignout: true,
    revokeTokenTypes: ["refresh_token"], // its access tokens end with it
  };
}

/** Take the code that the sign-in page has sent us back with. */
async function finishSignIn() {
  const query = new URLSearchParams(location.search);
  if (!query.has("state") || !(query.has("code") || query.has("error"))) return null;
  const answer = location.href;
  history.replaceState(null, "", HOME); // a code works once: neither reload nor bookmark may bring it again
  try {
    return await users.signinRedirectCallback(answer);
  } catch (error) {
    if (error instanceof oidc.ErrorResponse && error.error === "access_denied") return null; // they changed their mind
    throw error;
  }
}

/** The same request as for signing in, at the page for people without an account. */
async function signUp() {
  await prepare();
  const request = await new oidc.OidcClient(settings).createSigninRequest({ request_type: "si:r" });
  location.assign(request.url.replace("/oauth2/authorize", "/signup"));
}

async function signIn() {
  await prepare();
  await users.signinRedirect();
}

async function signOut() {
  await users.signoutRedirect(); // ends the session at the provider too, then comes back
}

let renewal = null;

/** A new access token, once for all who wait for one. */
function renew() {
  renewal ??= users.signinSilent().catch(renewalFailed).finally(() => { renewal = null; });
  return renewal;
}

/** Only a provider that says no ends the session; a network that is gone comes back. */
async function renewalFailed(error) {
  if (!(error instanceof oidc.ErrorResponse)) throw error;
  await users.removeUser();
  welcome();
  throw new Problem(ENDED);
}

async function accessToken() {
  let user = await users.getUser();
  if (user?.expired) user = await renew();
  if (!user) {
    welcome();
    throw new Problem(ENDED);
  }
  return user.access_token;
}

function welcome() {
  element("account").hidden = element("own").hidden = true;
  element("welcome").hidden = false;
  element("notes").replaceChildren();
  element("status").textContent = "";
}

// --- the API -------------------------------------------------------------------------------------

async function call(method, path, body) {
  let response = await send(method, path, body);
  if (response.status === 401) {
    await renew(); // the clock of this machine may be wrong, or a key was changed
    response = await send(method, path, body);
  }
  const answer = response.status === 204 ? null : await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Problem(
    {
      401: "The server does not accept this login. Please log out and in again.",
      403: "You may not do that.",
      429: "Too much at once. Please wait a moment.",
    }[response.status] ?? answer.message ?? `The server answered ${response.status}.`,
  );
}

async function send(method, path, body) {
  const headers = { authorization: "Bearer " + (await accessToken()) };
  if (body) headers["content-type"] = "application/json";
  return fetch(path, { method, headers, body: body && JSON.stringify(body) });
}

// --- the notes -----------------------------------------------------------------------------------

async function showNotes() {
  const { notes } = await call("GET", "/notes?limit=100");
  element("notes").replaceChildren(...notes.map(line));
  element("status").textContent = notes.length ? "" : "No notes yet.";
}

function line(note) {
  const item = document.createElement("li");
  const text = document.createElement("span");
  text.textContent = note.text; // never innerHTML: a note may hold anything
  const edit = button("Edit", "Edit: " + note.text);
  edit.onclick = () => {
    const form = editor(note, item);
    item.replaceWith(form);
    form.querySelector("input").focus();
  };
  const remove = button("Delete", "Delete: " + note.text);
  remove.onclick = () => attempt(remove, async () => {
    await call("DELETE", "/notes/" + note.id);
    await showNotes();
    element("add").text.focus(); // the button that had it is gone
  });
  item.append(text, edit, remove);
  return item;
}

function editor(note, item) {
  const place = document.createElement("li");
  const form = document.createElement("form");
  const input = document.createElement("input");
  Object.assign(input, { value: note.text, required: true, maxLength: 10000 });
  input.setAttribute("aria-label", "The note");
  const save = button("Save");
  save.type = "submit";
  const cancel = button("Cancel");
  cancel.onclick = () => {
    place.replaceWith(item);
    item.querySelector("button").focus();
  };
  form.onkeydown = (event) => { if (event.key === "Escape") cancel.click(); };
  form.onsubmit = (event) => {
    event.preventDefault();
    attempt(save, async () => {
      const changed = line(await call("PUT", "/notes/" + note.id, { text: input.value }));
      place.replaceWith(changed);
      changed.querySelector("button").focus();
    });
  };
  form.append(input, save, cancel);
  place.append(form);
  return place;
}

function button(text, label) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = text;
  if (label) made.setAttribute("aria-label", label);
  return made;
}

// --- what goes wrong -----------------------------------------------------------------------------

/** Do *work* and say what went wrong; the button that began it waits meanwhile. */
async function attempt(control, work) {
  element("problem").textContent = "";
  if (control) control.disabled = true;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Problem)) console.error(error);
    element("problem").textContent = inWords(error);
  } finally {
    if (control) control.disabled = false;
  }
}

function inWords(error) {
  if (error instanceof Problem) return error.message;
  if (error instanceof oidc.ErrorResponse) return error.error_description ?? "Logging in failed: " + error.error;
  if (error instanceof TypeError || error instanceof oidc.ErrorTimeout) return "The server cannot be reached.";
  if (/state/i.test(error.message)) return "That login was begun elsewhere or is over. Please log in again.";
  return "Something went wrong. Please try again.";
}

element("sign-in").onclick = (event) => attempt(event.target, signIn);
element("sign-up").onclick = (event) => attempt(event.target, signUp);
element("sign-out").onclick = (event) => attempt(event.target, signOut);
element("add").onsubmit = (event) => {
  event.preventDefault();
  const form = event.target;
  attempt(form.querySelector("button"), async () => {
    await call("POST", "/notes", { text: form.text.value });
    form.reset();
    await showNotes();
  });
};
attempt(null, async () => {
  try {
    await start();
  } catch (error) {
    if (element("own").hidden) welcome();
    throw error;
  }
});
