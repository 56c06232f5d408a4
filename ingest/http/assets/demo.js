/* The demonstration page: shows what the widget sends, copies snippets, opts out and in. */
(() => {
  "use strict";
  for (const button of document.querySelectorAll("[data-copies]")) {
    button.addEventListener("click", async () => {
      const code = document.getElementById(button.dataset.copies);
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        // Without HTTPS there is no clipboard: mark the text, for the visitor to copy.
        getSelection().selectAllChildren(code);
        button.textContent = "Marked: now copy it";
      }
    });
  }

  const sent = document.getElementById("sent");
  if (!sent) return; // the script is not at work on this page
  const original = navigator.sendBeacon.bind(navigator);
  navigator.sendBeacon = (url, body) => {
    sent.textContent += JSON.stringify(JSON.parse(body), null, 1).replace(/\n */g, " ") + "\n";
    return original(url, body);
  };

  const opt = document.getElementById("opt");
  const opted = document.getElementById("opted");
  let out = false;
  const show = () => {
    opt.textContent = out ? "Opt in again" : "Opt out on this site";
  };
  try {
    out = localStorage.getItem("beacon.optout") === "1";
  } catch {}
  show();
  opt.addEventListener("click", async () => {
    try {
      await (out ? beacon.optIn() : beacon.optOut());
      out = !out;
      opted.textContent = out ? "Nothing more is sent from here." : "You are counted again.";
      show();
    } catch {
      opted.textContent = "The server could not be reached.";
    }
  });
})();
