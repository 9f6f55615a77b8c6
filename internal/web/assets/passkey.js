// Asks the browser for a passkey (WebAuthn) when the PSU presses the button, and
// sends what it answers with the form. All words are in the page.
(() => {
  "use strict";

  const part = document.querySelector(".passkey");
  const field = part.querySelector("input");
  const start = document.querySelector("button[data-passkey]");
  const fresh = part.dataset.passkey === "create";

  const say = (what) => {
    for (const words of part.querySelectorAll("[data-say]")) {
      words.hidden = words.dataset.say !== what;
    }
  };

  const decode = (text) => {
    const bytes = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(bytes, (c) => c.charCodeAt(0)).buffer;
  };

  const encode = (buffer) => {
    let bytes = "";
    for (const b of new Uint8Array(buffer)) {
      bytes += String.fromCharCode(b);
    }
    return btoa(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };

  // What the browser takes, from JSON: by itself where it can.
  const parsed = (json) => {
    const native = fresh ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
    if (PublicKeyCredential[native]) {
      return PublicKeyCredential[native](json);
    }
    const ids = (list) => (list || []).map((c) => Object.assign({}, c, { id: decode(c.id) }));
    const options = Object.assign({}, json, { challenge: decode(json.challenge) });
    if (!fresh) {
      options.allowCredentials = ids(json.allowCredentials);
      return options;
    }
    options.user = Object.assign({}, json.user, { id: decode(json.user.id) });
    options.excludeCredentials = ids(json.excludeCredentials);
    return options;
  };

  // What the server takes, as PublicKeyCredential.toJSON makes it. Some password
  // managers stand in for the browser without it, or with one that fails.
  const written = (credential) => {
    try {
      return JSON.stringify(credential.toJSON());
    } catch (e) {
      return JSON.stringify(byHand(credential));
    }
  };

  const byHand = (credential) => {
    const from = credential.response;
    const response = { clientDataJSON: encode(from.clientDataJSON) };
    if (from.attestationObject) {
      response.attestationObject = encode(from.attestationObject);
      response.transports = from.getTransports ? from.getTransports() : [];
    } else {
      response.authenticatorData = encode(from.authenticatorData);
      response.signature = encode(from.signature);
      if (from.userHandle) {
        response.userHandle = encode(from.userHandle);
      }
    }
    return {
      id: credential.id,
      rawId: encode(credential.rawId),
      type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment || undefined,
      clientExtensionResults: credential.getClientExtensionResults(),
      response,
    };
  };

  const problem = (name) => {
    switch (name) {
      case "NotAllowedError": // the browser does not tell these apart
      case "AbortError":
        return "cancelled";
      case "InvalidStateError":
        return fresh ? "known" : "failed";
      default:
        return "failed";
    }
  };

  const ask = async () => {
    start.disabled = true;
    say("");
    try {
      const json = JSON.parse(part.dataset.options);
      const publicKey = parsed(json.publicKey || json);
      const credential = await (fresh ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey }));
      field.value = written(credential);
    } catch (e) {
      say(problem(e.name));
    }
    start.disabled = false;
    if (field.value) {
      start.click(); // the second time it sends the form
    } else {
      start.focus();
    }
  };

  if (!window.isSecureContext || !window.PublicKeyCredential || !navigator.credentials) {
    return; // the page says so from the beginning
  }
  say("");
  start.hidden = false;
  field.value = "";
  window.addEventListener("pageshow", () => { field.value = ""; }); // an answer counts once
  start.addEventListener("click", (event) => {
    if (field.value) {
      return;
    }
    event.preventDefault();
    if (start.form.reportValidity()) {
      ask();
    }
  });
})();
